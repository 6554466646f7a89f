-- +goose Up

-- What the store keeps about itself: see meta.go.
CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- What was sent and what the steps made of it is cleared away before the rest of an execution.
ALTER TABLE executions ADD COLUMN payload_expired INTEGER NOT NULL DEFAULT 0;
CREATE INDEX executions_by_end_time ON executions (payload_expired, end_time) WHERE end_time > 0;
-- An execution that is bound to a generation points at that, any other at a definition and a config of its own.
CREATE INDEX executions_by_generation ON executions (instance_uid, generation) WHERE generation > 0;
CREATE INDEX executions_by_own_definition ON executions (definition_hash) WHERE generation = 0 AND definition_hash <> '';
CREATE INDEX executions_by_own_config ON executions (instance_uid, config_revision) WHERE generation = 0 AND config_revision > 0;

-- When a definition was first found to have nothing that points at it; 0 while something does.
ALTER TABLE definitions ADD COLUMN unused_since BIGINT NOT NULL DEFAULT 0;
CREATE INDEX integrations_by_published ON integrations (published_hash);

CREATE INDEX deployments_by_end_time ON deployments (end_time) WHERE end_time > 0;
CREATE INDEX registrations_by_execution ON registrations (execution_id);
