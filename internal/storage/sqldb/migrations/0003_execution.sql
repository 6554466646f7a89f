-- +goose Up

-- Limits of what runs side by side; 0: none.
ALTER TABLE customers ADD COLUMN max_concurrency BIGINT NOT NULL DEFAULT 0;
ALTER TABLE instances ADD COLUMN max_concurrency BIGINT NOT NULL DEFAULT 0;
ALTER TABLE definition_flows ADD COLUMN concurrency BIGINT NOT NULL DEFAULT 0;

ALTER TABLE executions ADD COLUMN origin_id TEXT NOT NULL DEFAULT ''; -- the first of a line of retries and replays; of that itself empty
ALTER TABLE executions ADD COLUMN retry_of TEXT NOT NULL DEFAULT '';
ALTER TABLE executions ADD COLUMN replay_of TEXT NOT NULL DEFAULT '';
ALTER TABLE executions ADD COLUMN superseded_by TEXT NOT NULL DEFAULT ''; -- the newest retry or replay of it
ALTER TABLE executions ADD COLUMN try BIGINT NOT NULL DEFAULT 1;
ALTER TABLE executions ADD COLUMN wake_time BIGINT NOT NULL DEFAULT 0;
ALTER TABLE executions ADD COLUMN asleep INTEGER NOT NULL DEFAULT 0; -- queued, but not before wake_time
ALTER TABLE executions ADD COLUMN crashes BIGINT NOT NULL DEFAULT 0; -- attempts that ended with their server
ALTER TABLE executions ADD COLUMN canceling INTEGER NOT NULL DEFAULT 0; -- running, and told to stop
ALTER TABLE executions ADD COLUMN lane TEXT NOT NULL DEFAULT ''; -- of its flow in its instance; empty: none
ALTER TABLE executions ADD COLUMN lane_seq BIGINT NOT NULL DEFAULT 0; -- its place there
ALTER TABLE executions ADD COLUMN in_lane INTEGER NOT NULL DEFAULT 0; -- it keeps its place: it has not ended, or is blocking
ALTER TABLE executions ADD COLUMN blocking INTEGER NOT NULL DEFAULT 0; -- it failed, and those behind it wait for what becomes of it
ALTER TABLE executions ADD COLUMN on_failure TEXT NOT NULL DEFAULT ''; -- what its failure does to its lane
ALTER TABLE executions ADD COLUMN ordering_key TEXT NOT NULL DEFAULT ''; -- as it is shown

-- Work is taken by turns: customer by customer, and flow by flow of their instances.
DROP INDEX executions_ready;
CREATE INDEX executions_ready ON executions (customer_id, instance_uid, flow_id, seq) WHERE ready = 1;
CREATE INDEX executions_running ON executions (customer_id, instance_uid, flow_id) WHERE state = 'RUNNING';
CREATE INDEX executions_asleep ON executions (wake_time) WHERE asleep = 1;
CREATE INDEX executions_in_lane ON executions (instance_uid, flow_id, lane, lane_seq) WHERE in_lane = 1;
CREATE INDEX executions_by_origin ON executions (origin_id, create_time, id) WHERE origin_id <> '';
CREATE INDEX executions_by_retry_of ON executions (retry_of, create_time, id) WHERE retry_of <> '';
CREATE INDEX executions_by_replay_of ON executions (replay_of, create_time, id) WHERE replay_of <> '';

-- Events that were taken, by the key their sender gives them: they are not taken again while the key is kept.
CREATE TABLE deduplications (
    instance_uid TEXT   NOT NULL,
    flow_id      TEXT   NOT NULL,
    key_hash     TEXT   NOT NULL,
    body_hash    TEXT   NOT NULL,
    execution_id TEXT   NOT NULL,
    expire_time  BIGINT NOT NULL,
    PRIMARY KEY (instance_uid, flow_id, key_hash)
);
CREATE INDEX deduplications_by_expire_time ON deduplications (expire_time);
