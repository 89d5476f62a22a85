-- A saved card is used by its own user alone: a top-up by card is by a card of its user and charges that card, a setup has saved a card of its
-- user, and a bid and a payment of an order name a card of who made them.
SELECT format('top-up %s', t.id), format('of user %s by %s names card %s, which is %s of user %s',
       t.user_id, t.payment_method, t.card_id, coalesce(c.method_id, 'none'), coalesce(c.user_id::text, 'nobody'))
FROM top_up t
LEFT JOIN card c ON c.id = t.card_id
WHERE t.card_id IS NOT NULL AND (c.user_id, c.method_id) IS DISTINCT FROM (t.user_id, t.payment_method)
UNION ALL
SELECT format('card setup %s', s.id), format('of user %s saved card %s of user %s', s.user_id, s.card_id, coalesce(c.user_id::text, 'nobody'))
FROM card_setup s
LEFT JOIN card c ON c.id = s.card_id
WHERE s.card_id IS NOT NULL AND c.user_id IS DISTINCT FROM s.user_id
UNION ALL
SELECT format('payment %s', p.id), format('of user %s by %s names card %s, which is %s of user %s',
       p.user_id, p.payment_method, p.card_id, coalesce(c.method_id, 'none'), coalesce(c.user_id::text, 'nobody'))
FROM order_payment p
LEFT JOIN card c ON c.id = p.card_id
WHERE p.card_id IS NOT NULL AND (c.user_id, c.method_id) IS DISTINCT FROM (p.user_id, p.payment_method)
UNION ALL
SELECT format('bid %s', b.id), format('of user %s names card %s of user %s', b.bidder_id, b.card_id, coalesce(c.user_id::text, 'nobody'))
FROM bid b
LEFT JOIN card c ON c.id = b.card_id
WHERE b.card_id IS NOT NULL AND c.user_id IS DISTINCT FROM b.bidder_id
