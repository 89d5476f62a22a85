-- A rating is the sum of the reviews that are not hidden.
SELECT format('%s %s', coalesce(r.subject, s.subject), coalesce(r.subject_id, s.subject_id)),
       format('%s are counted, the reviews are %s', ARRAY[r.ones, r.twos, r.threes, r.fours, r.fives], s.stars)
FROM rating r FULL JOIN (
    SELECT subject, CASE subject WHEN 'LISTING' THEN listing_id ELSE seller_id END AS subject_id,
           ARRAY[count(*) FILTER (WHERE stars = 1), count(*) FILTER (WHERE stars = 2), count(*) FILTER (WHERE stars = 3),
                 count(*) FILTER (WHERE stars = 4), count(*) FILTER (WHERE stars = 5)]::integer[] AS stars
    FROM review WHERE hidden_at IS NULL GROUP BY 1, 2
) s ON s.subject = r.subject AND s.subject_id = r.subject_id
WHERE ARRAY[coalesce(r.ones, 0), coalesce(r.twos, 0), coalesce(r.threes, 0), coalesce(r.fours, 0), coalesce(r.fives, 0)]
    <> coalesce(s.stars, '{0,0,0,0,0}')
