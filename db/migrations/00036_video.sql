-- +goose Up
-- The number by which a video provider knows a user: Agora's have 32 bits. It is the user's for ever and nobody else's.
-- The upper half of the numbers is for guests, who get a fresh one each time.
CREATE TABLE video_uid (
    user_id uuid   PRIMARY KEY REFERENCES app_user (id),
    uid     bigint NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE CHECK (uid BETWEEN 1 AND 2147483647)
);
CREATE SEQUENCE video_guest_uid AS bigint MINVALUE 2147483648 MAXVALUE 4294967295 CYCLE;

-- +goose Down
DROP SEQUENCE video_guest_uid;
DROP TABLE video_uid;
