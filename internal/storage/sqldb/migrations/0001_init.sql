-- +goose Up

-- Times are microseconds since 1970 in UTC, 0 when there is none. Booleans are 0 and 1. Documents are JSON of the types of
-- package ipaas; an empty text stands for none. Nothing is NULL, so that every column can be ordered and compared.

-- Content-addressed: a row never changes.
CREATE TABLE definitions (
    hash     TEXT NOT NULL PRIMARY KEY,
    document TEXT NOT NULL
);

CREATE TABLE definition_flows (
    hash    TEXT NOT NULL REFERENCES definitions (hash) ON DELETE CASCADE,
    flow_id TEXT NOT NULL,
    PRIMARY KEY (hash, flow_id)
);

CREATE TABLE definition_components (
    hash         TEXT NOT NULL REFERENCES definitions (hash) ON DELETE CASCADE,
    component_id TEXT NOT NULL,
    PRIMARY KEY (component_id, hash)
);

CREATE TABLE components (
    id           TEXT   NOT NULL PRIMARY KEY,
    kind         TEXT   NOT NULL,
    version      BIGINT NOT NULL, -- the latest
    display_name TEXT   NOT NULL,
    create_time  BIGINT NOT NULL,
    update_time  BIGINT NOT NULL
);
CREATE INDEX components_by_display_name ON components (display_name, id);
CREATE INDEX components_by_create_time ON components (create_time, id);
CREATE INDEX components_by_update_time ON components (update_time, id);

CREATE TABLE component_versions (
    component_id TEXT   NOT NULL REFERENCES components (id) ON DELETE CASCADE,
    version      BIGINT NOT NULL,
    document     TEXT   NOT NULL,
    update_time  BIGINT NOT NULL,
    PRIMARY KEY (component_id, version)
);

CREATE TABLE integrations (
    id             TEXT   NOT NULL PRIMARY KEY,
    uid            TEXT   NOT NULL,
    draft_hash     TEXT   NOT NULL REFERENCES definitions (hash),
    display_name   TEXT   NOT NULL,
    category       TEXT   NOT NULL,
    latest_version BIGINT NOT NULL,
    published_hash TEXT   NOT NULL,
    revision       BIGINT NOT NULL,
    create_time    BIGINT NOT NULL,
    update_time    BIGINT NOT NULL
);
CREATE INDEX integrations_by_draft ON integrations (draft_hash);
CREATE INDEX integrations_by_display_name ON integrations (display_name, id);
CREATE INDEX integrations_by_category ON integrations (category, id);
CREATE INDEX integrations_by_create_time ON integrations (create_time, id);
CREATE INDEX integrations_by_update_time ON integrations (update_time, id);

CREATE TABLE integration_versions (
    integration_id     TEXT   NOT NULL REFERENCES integrations (id) ON DELETE CASCADE,
    version            BIGINT NOT NULL,
    comment            TEXT   NOT NULL,
    definition_hash    TEXT   NOT NULL REFERENCES definitions (hash),
    component_versions TEXT   NOT NULL,
    create_time        BIGINT NOT NULL,
    PRIMARY KEY (integration_id, version)
);
CREATE INDEX integration_versions_by_definition ON integration_versions (definition_hash);
CREATE INDEX integration_versions_by_create_time ON integration_versions (integration_id, create_time, version);

CREATE TABLE customers (
    id           TEXT   NOT NULL PRIMARY KEY,
    uid          TEXT   NOT NULL,
    display_name TEXT   NOT NULL,
    external_id  TEXT   NOT NULL,
    description  TEXT   NOT NULL,
    labels       TEXT   NOT NULL,
    revision     BIGINT NOT NULL,
    create_time  BIGINT NOT NULL,
    update_time  BIGINT NOT NULL
);
CREATE INDEX customers_by_display_name ON customers (display_name, id);
CREATE INDEX customers_by_external_id ON customers (external_id, id);
CREATE INDEX customers_by_create_time ON customers (create_time, id);
CREATE INDEX customers_by_update_time ON customers (update_time, id);

-- An instance outlives its id: a tombstone keeps its uid, to which its rows refer, and leaves its id to others.
CREATE TABLE instances (
    uid             TEXT    NOT NULL PRIMARY KEY,
    id              TEXT    NOT NULL,
    kind            TEXT    NOT NULL,
    display_name    TEXT    NOT NULL,
    description     TEXT    NOT NULL,
    customer_id     TEXT    NOT NULL,
    integration_id  TEXT    NOT NULL,
    version         BIGINT  NOT NULL,
    state           TEXT    NOT NULL,
    paused          INTEGER NOT NULL,
    pause_mode      TEXT    NOT NULL,
    config_revision BIGINT  NOT NULL,
    generation      BIGINT  NOT NULL, -- that serves
    last_generation BIGINT  NOT NULL, -- that a deployment ever tried to make
    serving_config  BIGINT  NOT NULL,
    deployment_id   TEXT    NOT NULL,
    labels          TEXT    NOT NULL,
    revision        BIGINT  NOT NULL,
    create_time     BIGINT  NOT NULL,
    update_time     BIGINT  NOT NULL,
    deploy_time     BIGINT  NOT NULL
);
CREATE UNIQUE INDEX instances_live ON instances (id) WHERE state <> 'DELETED';
CREATE INDEX instances_by_id ON instances (id);
CREATE INDEX instances_by_customer ON instances (customer_id, id);
CREATE INDEX instances_by_integration ON instances (integration_id, id);
CREATE INDEX instances_by_state ON instances (state, id);
CREATE INDEX instances_by_display_name ON instances (display_name, id);
CREATE INDEX instances_by_create_time ON instances (create_time, id);
CREATE INDEX instances_by_update_time ON instances (update_time, id);

CREATE TABLE configs (
    instance_uid TEXT   NOT NULL REFERENCES instances (uid) ON DELETE CASCADE,
    revision     BIGINT NOT NULL,
    document     TEXT   NOT NULL,
    PRIMARY KEY (instance_uid, revision)
);

CREATE TABLE webhooks (
    token_hash   TEXT    NOT NULL PRIMARY KEY,
    token_sealed TEXT    NOT NULL,
    instance_uid TEXT    NOT NULL REFERENCES instances (uid) ON DELETE CASCADE,
    flow_id      TEXT    NOT NULL,
    current      INTEGER NOT NULL,
    expire_time  BIGINT  NOT NULL,
    create_time  BIGINT  NOT NULL
);
CREATE UNIQUE INDEX webhooks_current ON webhooks (instance_uid, flow_id) WHERE current = 1;
CREATE INDEX webhooks_by_instance ON webhooks (instance_uid);
CREATE INDEX webhooks_rotated ON webhooks (expire_time) WHERE current = 0;

CREATE TABLE generations (
    instance_uid       TEXT   NOT NULL REFERENCES instances (uid) ON DELETE CASCADE,
    number             BIGINT NOT NULL,
    deployment_id      TEXT   NOT NULL,
    version            BIGINT NOT NULL,
    definition_hash    TEXT   NOT NULL REFERENCES definitions (hash),
    component_versions TEXT   NOT NULL,
    config_revision    BIGINT NOT NULL,
    create_time        BIGINT NOT NULL,
    PRIMARY KEY (instance_uid, number)
);
CREATE INDEX generations_by_definition ON generations (definition_hash);

CREATE TABLE deployments (
    id                 TEXT   NOT NULL PRIMARY KEY,
    instance_uid       TEXT   NOT NULL REFERENCES instances (uid) ON DELETE CASCADE,
    instance_id        TEXT   NOT NULL,
    state              TEXT   NOT NULL,
    number             BIGINT NOT NULL, -- of the generation it makes; so the next four, too
    version            BIGINT NOT NULL,
    definition_hash    TEXT   NOT NULL REFERENCES definitions (hash),
    component_versions TEXT   NOT NULL,
    config_revision    BIGINT NOT NULL,
    execution_ids      TEXT   NOT NULL,
    error              TEXT   NOT NULL,
    changes            TEXT   NOT NULL,
    request_id         TEXT   NOT NULL,
    request_hash       TEXT   NOT NULL,
    deadline           BIGINT NOT NULL,
    create_time        BIGINT NOT NULL,
    end_time           BIGINT NOT NULL
);
-- The second of two deployments of one instance breaks against this, whatever else fails to stop it.
CREATE UNIQUE INDEX deployments_unfinished ON deployments (instance_uid) WHERE state IN ('RUNNING', 'ROLLING_BACK');
CREATE INDEX deployments_by_create_time ON deployments (instance_uid, create_time, id);
CREATE INDEX deployments_by_request ON deployments (instance_uid, request_id) WHERE request_id <> '';
CREATE INDEX deployments_by_definition ON deployments (definition_hash);

CREATE TABLE registrations (
    id                TEXT   NOT NULL PRIMARY KEY,
    instance_uid      TEXT   NOT NULL REFERENCES instances (uid) ON DELETE CASCADE,
    instance_id       TEXT   NOT NULL,
    flow_id           TEXT   NOT NULL,
    step_id           TEXT   NOT NULL,
    key               TEXT   NOT NULL,
    action            TEXT   NOT NULL,
    component_id      TEXT   NOT NULL,
    component_version BIGINT NOT NULL,
    deployment_id     TEXT   NOT NULL,
    execution_id      TEXT   NOT NULL,
    generation        BIGINT NOT NULL,
    config_revision   BIGINT NOT NULL,
    config_variable   TEXT   NOT NULL,
    target            TEXT   NOT NULL,
    inputs_hash       TEXT   NOT NULL,
    inputs_sealed     TEXT   NOT NULL,
    result_sealed     TEXT   NOT NULL,
    remote_id         TEXT   NOT NULL,
    state             TEXT   NOT NULL,
    error             TEXT   NOT NULL,
    before_image      TEXT   NOT NULL,
    sequence          BIGINT NOT NULL,
    create_time       BIGINT NOT NULL,
    update_time       BIGINT NOT NULL
);
CREATE UNIQUE INDEX registrations_in_order ON registrations (instance_uid, sequence);
CREATE INDEX registrations_by_key ON registrations (instance_uid, flow_id, key, sequence);
CREATE INDEX registrations_by_deployment ON registrations (deployment_id);
CREATE INDEX registrations_by_component ON registrations (component_id) WHERE state NOT IN ('REMOVED', 'ABANDONED');

CREATE TABLE deployment_registrations (
    deployment_id   TEXT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    registration_id TEXT NOT NULL REFERENCES registrations (id) ON DELETE CASCADE,
    PRIMARY KEY (deployment_id, registration_id)
);
CREATE INDEX deployment_registrations_by_registration ON deployment_registrations (registration_id);

-- Executions are history: they stay when their instance is forgotten, so nothing here refers to it by force.
-- seq is the order in which they came.
CREATE TABLE executions (
    seq               INTEGER NOT NULL PRIMARY KEY,
    id                TEXT    NOT NULL UNIQUE,
    instance_uid      TEXT    NOT NULL,
    instance_id       TEXT    NOT NULL,
    customer_id       TEXT    NOT NULL,
    integration_id    TEXT    NOT NULL,
    version           BIGINT  NOT NULL,
    definition_hash   TEXT    NOT NULL,
    flow_id           TEXT    NOT NULL,
    flow_display_name TEXT    NOT NULL,
    deployment_id     TEXT    NOT NULL,
    generation        BIGINT  NOT NULL,
    config_revision   BIGINT  NOT NULL,
    state             TEXT    NOT NULL,
    held              INTEGER NOT NULL,
    ready             INTEGER NOT NULL, -- may be claimed: queued, not held, its instance not paused
    inline            INTEGER NOT NULL,
    invoke            TEXT    NOT NULL,
    test              INTEGER NOT NULL,
    attempts          BIGINT  NOT NULL,
    error             TEXT    NOT NULL,
    result            TEXT    NOT NULL,
    response          TEXT    NOT NULL,
    create_time       BIGINT  NOT NULL,
    start_time        BIGINT  NOT NULL,
    end_time          BIGINT  NOT NULL,
    lease_time        BIGINT  NOT NULL
);
CREATE INDEX executions_ready ON executions (seq) WHERE ready = 1;
CREATE INDEX executions_queued ON executions (instance_uid, held) WHERE state = 'QUEUED';
CREATE INDEX executions_held ON executions (create_time) WHERE held = 1;
CREATE INDEX executions_leased ON executions (lease_time) WHERE state = 'RUNNING';
CREATE INDEX executions_by_create_time ON executions (create_time, id);
CREATE INDEX executions_by_instance ON executions (instance_id, create_time, id);
CREATE INDEX executions_by_customer ON executions (customer_id, create_time, id);
CREATE INDEX executions_by_integration ON executions (integration_id, create_time, id);
CREATE INDEX executions_by_flow ON executions (flow_id, create_time, id);
CREATE INDEX executions_by_state ON executions (state, create_time, id);
CREATE INDEX executions_by_deployment ON executions (deployment_id, create_time, id);

-- Apart from their executions, because those are rewritten with every change of state and these are large and expire first.
CREATE TABLE execution_payloads (
    execution_seq INTEGER NOT NULL PRIMARY KEY REFERENCES executions (seq) ON DELETE CASCADE,
    document      TEXT    NOT NULL, -- without the body
    body          BLOB    NOT NULL
);

CREATE TABLE step_results (
    execution_seq INTEGER NOT NULL REFERENCES executions (seq) ON DELETE CASCADE,
    sequence      BIGINT  NOT NULL,
    path          TEXT    NOT NULL,
    step_id       TEXT    NOT NULL,
    display_name  TEXT    NOT NULL,
    action        TEXT    NOT NULL,
    state         TEXT    NOT NULL,
    inputs        TEXT    NOT NULL,
    result        TEXT    NOT NULL,
    exact         TEXT    NOT NULL,
    redacted      INTEGER NOT NULL,
    error         TEXT    NOT NULL,
    branch        TEXT    NOT NULL,
    start_time    BIGINT  NOT NULL,
    end_time      BIGINT  NOT NULL,
    PRIMARY KEY (execution_seq, sequence),
    UNIQUE (execution_seq, path)
);

CREATE TABLE logs (
    execution_seq INTEGER NOT NULL REFERENCES executions (seq) ON DELETE CASCADE,
    sequence      BIGINT  NOT NULL,
    severity      TEXT    NOT NULL,
    message       TEXT    NOT NULL,
    step_path     TEXT    NOT NULL,
    create_time   BIGINT  NOT NULL,
    PRIMARY KEY (execution_seq, sequence)
);

CREATE TABLE receipts (
    key          TEXT   NOT NULL PRIMARY KEY,
    request_hash TEXT   NOT NULL,
    answer       BLOB   NOT NULL,
    expire_time  BIGINT NOT NULL
);
CREATE INDEX receipts_by_expire_time ON receipts (expire_time);
