-- +goose Up

-- A step that failed may be tried again, and its failure ignored.
ALTER TABLE step_results ADD COLUMN ignored INTEGER NOT NULL DEFAULT 0;
ALTER TABLE step_results ADD COLUMN tries BIGINT NOT NULL DEFAULT 0; -- that have ended

-- What flows keep, by place and key. The owner is an execution, or the uid of an instance or an integration: nothing here refers to
-- them by force, since they are of three kinds.
CREATE TABLE state_entries (
    owner        TEXT   NOT NULL,
    scope        TEXT   NOT NULL,
    flow_id      TEXT   NOT NULL,
    key          TEXT   NOT NULL,
    id           TEXT   NOT NULL UNIQUE, -- made from the four above
    sealed       TEXT   NOT NULL,
    size         BIGINT NOT NULL,
    revision     BIGINT NOT NULL,
    execution_id TEXT   NOT NULL,
    create_time  BIGINT NOT NULL,
    update_time  BIGINT NOT NULL,
    PRIMARY KEY (owner, scope, flow_id, key)
);

-- How much is kept in a place, so that its bounds cost nothing to check.
CREATE TABLE state_totals (
    owner   TEXT   NOT NULL,
    scope   TEXT   NOT NULL,
    flow_id TEXT   NOT NULL,
    entries BIGINT NOT NULL,
    bytes   BIGINT NOT NULL,
    PRIMARY KEY (owner, scope, flow_id)
);

-- Changes that a deployment's flows made, until it is committed or rolled back.
CREATE TABLE state_changes (
    deployment_id TEXT   NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    sequence      BIGINT NOT NULL,
    owner         TEXT   NOT NULL,
    scope         TEXT   NOT NULL,
    flow_id       TEXT   NOT NULL,
    key           TEXT   NOT NULL,
    execution_id  TEXT   NOT NULL,
    sealed        TEXT   NOT NULL,
    bytes         BIGINT NOT NULL, -- of this change and all before it
    PRIMARY KEY (deployment_id, sequence)
);

CREATE INDEX integrations_by_uid ON integrations (uid);
ALTER TABLE step_results ADD COLUMN stand_in INTEGER NOT NULL DEFAULT 0; -- what a test supplied stood in for the action
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
