-- What exists once is reserved by an open reservation that wants it; and who has time left has it.
SELECT format('listing %s', l.id), format('reserved by %s, which does not have it', l.reserved_by)
FROM listing l
WHERE l.reserved_by IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM reservation r JOIN reservation_line rl ON rl.reservation_id = r.id
    WHERE r.id = l.reserved_by AND r.status = 'OPEN' AND rl.variant_id = l.id AND rl.location_id IS NULL AND r.expires_at = l.reserved_until)
UNION ALL
SELECT format('reservation %s', r.id), format('listing %s is %s, and not reserved by it', l.id, l.status)
FROM reservation r JOIN reservation_line rl ON rl.reservation_id = r.id AND rl.location_id IS NULL JOIN listing l ON l.id = rl.variant_id
WHERE r.status = 'OPEN' AND r.expires_at > clock_timestamp() AND l.reserved_by IS DISTINCT FROM r.id
