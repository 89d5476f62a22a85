-- +goose Up
CREATE INDEX show_categories ON show USING gin (categories);

-- +goose Down
DROP INDEX show_categories;
