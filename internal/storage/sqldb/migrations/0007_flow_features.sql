-- +goose Up

-- The keys with which callers are let in at flows' URLs: a JSON list for each flow. They are few, and all are looked at in each request.
CREATE TABLE flow_keys (
    owner_uid TEXT NOT NULL, -- of the instance, or of the integration
    flow_id   TEXT NOT NULL,
    document  TEXT NOT NULL,
    PRIMARY KEY (owner_uid, flow_id)
);

-- Requests at URLs that several flows share, and what became of those that a flow looked at first.
ALTER TABLE executions ADD COLUMN endpoint INTEGER NOT NULL DEFAULT 0;
ALTER TABLE executions ADD COLUMN preprocessed_by TEXT NOT NULL DEFAULT ''; -- the execution that looked at the request first
ALTER TABLE executions ADD COLUMN routed_to TEXT NOT NULL DEFAULT ''; -- of that: the execution that the request became
