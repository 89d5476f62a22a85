-- name: EventInsert :one
INSERT INTO event (topic, version, kind, payload)
VALUES (@topic, @version, @kind, @payload)
RETURNING at;

-- name: EventRange :many
-- One page of a topic, ascending.
SELECT version, kind, payload, at
FROM event
WHERE topic = @topic AND version > @after AND version <= @up_to
ORDER BY version
LIMIT @page;

-- name: EventLatest :many
-- A topic's newest events, newest first.
SELECT version, kind, payload, at
FROM event
WHERE topic = @topic
ORDER BY version DESC
LIMIT @page;

-- name: EventTails :many
-- The newest version of each topic, zero where it has none: one index probe a topic.
SELECT t.topic::text AS topic,
       coalesce((SELECT e.version FROM event e WHERE e.topic = t.topic ORDER BY e.version DESC LIMIT 1), 0)::bigint AS version,
       (SELECT id FROM epoch) AS epoch
FROM unnest(@topics::text[]) AS t(topic)
ORDER BY t.topic;

-- name: EpochGet :one
SELECT id FROM epoch;

-- name: EventInsertAll :many
-- Events of many topics.
INSERT INTO event (topic, version, kind, payload)
SELECT t.topic, t.version, t.kind, t.payload::json
FROM (SELECT unnest(@topics::text[]) AS topic, unnest(@versions::bigint[]) AS version, unnest(@kinds::text[]) AS kind,
             unnest(@payloads::text[]) AS payload) t
RETURNING topic, version, kind, payload, at;
