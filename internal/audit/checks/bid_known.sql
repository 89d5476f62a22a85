-- A bid is of a lot and by a bidder that exist; so is who led right after it.
SELECT format('bid %s', b.id), format('on lot %s by %s, after which %s led: one of them does not exist', b.auction_id, b.bidder_id, b.leader_id)
FROM bid b
LEFT JOIN auction a ON a.id = b.auction_id
LEFT JOIN app_user u ON u.id = b.bidder_id
LEFT JOIN app_user l ON l.id = b.leader_id
WHERE a.id IS NULL OR u.id IS NULL OR l.id IS NULL
