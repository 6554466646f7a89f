-- +goose Up

ALTER TABLE deployments ADD COLUMN source_deployment_id TEXT NOT NULL DEFAULT ''; -- of a rollback

ALTER TABLE instances ADD COLUMN leaving BIGINT NOT NULL DEFAULT 0; -- the generation whose undeployment has not ended
CREATE INDEX instances_leaving ON instances (leaving, id) WHERE leaving > 0;

CREATE TABLE upgrades (
    id                 TEXT    NOT NULL PRIMARY KEY,
    integration_id     TEXT    NOT NULL,
    version            BIGINT  NOT NULL,
    filter             TEXT    NOT NULL,
    canary_count       BIGINT  NOT NULL,
    max_failures       BIGINT  NOT NULL,
    parallelism        BIGINT  NOT NULL,
    include_up_to_date INTEGER NOT NULL,
    state              TEXT    NOT NULL,
    message            TEXT    NOT NULL,
    total              BIGINT  NOT NULL,
    revision           BIGINT  NOT NULL,
    create_time        BIGINT  NOT NULL,
    update_time        BIGINT  NOT NULL,
    end_time           BIGINT  NOT NULL
);
-- The second of two upgrades of one integration breaks against this, whatever else fails to stop it.
CREATE UNIQUE INDEX upgrades_unfinished ON upgrades (integration_id) WHERE state IN ('PENDING', 'CANARY', 'RUNNING');
CREATE INDEX upgrades_by_create_time ON upgrades (create_time, id);
CREATE INDEX upgrades_by_integration ON upgrades (integration_id, create_time, id);
CREATE INDEX upgrades_by_state ON upgrades (state, create_time, id);
CREATE INDEX upgrades_by_end_time ON upgrades (end_time) WHERE end_time > 0;

-- Which instances an upgrade is about is decided when it is created.
CREATE TABLE upgrade_results (
    upgrade_id    TEXT    NOT NULL REFERENCES upgrades (id) ON DELETE CASCADE,
    sequence      BIGINT  NOT NULL,
    instance_id   TEXT    NOT NULL,
    instance_uid  TEXT    NOT NULL,
    customer_id   TEXT    NOT NULL,
    from_version  BIGINT  NOT NULL,
    state         TEXT    NOT NULL,
    canary        INTEGER NOT NULL,
    attempts      BIGINT  NOT NULL,
    deployment_id TEXT    NOT NULL,
    reason        TEXT    NOT NULL,
    message       TEXT    NOT NULL,
    problems      TEXT    NOT NULL,
    start_time    BIGINT  NOT NULL,
    end_time      BIGINT  NOT NULL,
    PRIMARY KEY (upgrade_id, sequence)
);
CREATE INDEX upgrade_results_by_state ON upgrade_results (upgrade_id, state, sequence);
