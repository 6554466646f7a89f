-- +goose Up

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
