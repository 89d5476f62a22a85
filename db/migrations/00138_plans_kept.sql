-- +goose Up
-- A function in SQL that asks a table is planned anew by each statement that calls it, which costs more than what it asks. One in plpgsql keeps its plan.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION listing_offered_to(p_listing uuid, p_user uuid) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM offered_listing l
        WHERE l.id = p_listing
          AND (l.minimum_tier IS NULL OR tier_rank(l.minimum_tier) <= (SELECT tier_rank(u.tier) FROM app_user u WHERE u.id = p_user)));
END
$$;
-- +goose StatementEnd

-- +goose Down
CREATE OR REPLACE FUNCTION listing_offered_to(p_listing uuid, p_user uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM offered_listing l
        WHERE l.id = p_listing
          AND (l.minimum_tier IS NULL OR tier_rank(l.minimum_tier) <= (SELECT tier_rank(u.tier) FROM app_user u WHERE u.id = p_user)))
$$;
