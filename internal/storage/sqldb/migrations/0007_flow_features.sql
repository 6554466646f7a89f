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

ALTER TABLE executions ADD COLUMN flow_key_id TEXT NOT NULL DEFAULT ''; -- the key that let its request in

-- Requests at URLs that several flows share, and what became of those that a flow looked at first.
ALTER TABLE executions ADD COLUMN endpoint INTEGER NOT NULL DEFAULT 0;
ALTER TABLE executions ADD COLUMN preprocessed_by TEXT NOT NULL DEFAULT ''; -- the execution that looked at the request first
ALTER TABLE executions ADD COLUMN routed_to TEXT NOT NULL DEFAULT ''; -- of that: the execution that the request became
-- Executions that executions have started, and those of the clock.
ALTER TABLE executions ADD COLUMN invoked_by TEXT NOT NULL DEFAULT '';
ALTER TABLE executions ADD COLUMN root_id TEXT NOT NULL DEFAULT ''; -- the first of the line; of that itself empty
ALTER TABLE executions ADD COLUMN depth BIGINT NOT NULL DEFAULT 0;
ALTER TABLE executions ADD COLUMN schedule_time BIGINT NOT NULL DEFAULT 0; -- that it is the run for
ALTER TABLE executions ADD COLUMN request_key TEXT NOT NULL DEFAULT ''; -- hash; a newer event with the same ends its retries
CREATE INDEX executions_by_invoker ON executions (invoked_by, create_time, id) WHERE invoked_by <> '';
CREATE INDEX executions_by_root ON executions (root_id, create_time, id) WHERE root_id <> '';
CREATE INDEX executions_by_request_key ON executions (instance_uid, flow_id, request_key, seq) WHERE request_key <> '';
CREATE INDEX executions_scheduled ON executions (instance_uid, flow_id) WHERE invoke = 'SCHEDULE' AND state IN ('QUEUED', 'RUNNING');

-- When flows run by themselves.
CREATE TABLE schedules (
    instance_uid TEXT    NOT NULL REFERENCES instances (uid) ON DELETE CASCADE,
    flow_id      TEXT    NOT NULL,
    spec         TEXT    NOT NULL,
    singleton    INTEGER NOT NULL,
    paused       INTEGER NOT NULL, -- its instance is
    next_time    BIGINT  NOT NULL, -- 0: never
    set_time     BIGINT  NOT NULL, -- when next_time was worked out
    PRIMARY KEY (instance_uid, flow_id)
);
CREATE INDEX schedules_due ON schedules (next_time) WHERE paused = 0 AND next_time > 0;
CREATE INDEX schedules_by_set_time ON schedules (set_time);

-- What stands for the same object in another system is looked for before one is removed there.
CREATE INDEX registrations_by_object ON registrations (component_id, state, remote_id) WHERE state IN ('INTENT', 'CREATED');
