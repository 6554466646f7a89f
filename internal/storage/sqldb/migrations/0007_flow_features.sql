-- +goose Up

-- The keys with which callers are let in at flows' URLs: a JSON list for each flow. They are few, and all are looked at in each request.
CREATE TABLE flow_keys (
    owner_uid TEXT NOT NULL, -- of the instance, or of the integration
    flow_id   TEXT NOT NULL,
    document  TEXT NOT NULL,
    PRIMARY KEY (owner_uid, flow_id)
);
