-- A store of schema version 1 with rows in every table, as the first version left it. It never changes.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE goose_db_version (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		version_id INTEGER NOT NULL,
		is_applied INTEGER NOT NULL,
		tstamp TIMESTAMP DEFAULT (datetime('now'))
	);
INSERT INTO goose_db_version VALUES(1,0,1,'2026-11-26 23:57:40');
INSERT INTO goose_db_version VALUES(2,1,1,'2026-11-26 23:57:40');
CREATE TABLE definitions (
    hash     TEXT NOT NULL PRIMARY KEY,
    document TEXT NOT NULL
);
INSERT INTO definitions VALUES('54fa52822ad5f7257ca55f42a377ba8ea97f412c68673b0afaf13b0b61b63899','{"display_name":"Draft of erp","category":"erp","labels":{"tier":"gold"},"flows":[],"deploy":{}}');
INSERT INTO definitions VALUES('2d4017a87af63f776efea57dee7ab83fabf3676b5454fe76328bc847c62af931','{"display_name":"ERP","category":"erp","labels":{"tier":"gold"},"flows":[{"id":"orders","uid":"uid-orders","display_name":"Flow orders","trigger":{"display_name":"Trigger","type":"webhook-triggers.webhook"},"steps":[{"id":"post","display_name":"Post","action":"acme.post"}],"create_time":"2026-01-02T03:04:05.123456Z","update_time":"2026-01-02T03:04:05.123456Z"},{"id":"items","uid":"uid-items","display_name":"Flow items","trigger":{"display_name":"Trigger","type":"webhook-triggers.webhook"},"steps":[{"id":"post","display_name":"Post","action":"acme.post"}],"create_time":"2026-01-02T03:04:05.123456Z","update_time":"2026-01-02T03:04:05.123456Z"}],"deploy":{}}');
INSERT INTO definitions VALUES('557e1756f28b15f04222de332ed18f6d1d3a629548abe787bda335f453b69ed2','{"display_name":"Next","category":"erp","labels":{"tier":"gold"},"flows":[{"id":"orders","uid":"uid-orders","display_name":"Flow orders","trigger":{"display_name":"Trigger","type":"webhook-triggers.webhook"},"steps":[{"id":"post","display_name":"Post","action":"acme.post"}],"create_time":"2026-01-02T03:04:05.123456Z","update_time":"2026-01-02T03:04:05.123456Z"}],"deploy":{}}');
CREATE TABLE definition_flows (
    hash    TEXT NOT NULL REFERENCES definitions (hash) ON DELETE CASCADE,
    flow_id TEXT NOT NULL,
    PRIMARY KEY (hash, flow_id)
);
INSERT INTO definition_flows VALUES('2d4017a87af63f776efea57dee7ab83fabf3676b5454fe76328bc847c62af931','orders');
INSERT INTO definition_flows VALUES('2d4017a87af63f776efea57dee7ab83fabf3676b5454fe76328bc847c62af931','items');
INSERT INTO definition_flows VALUES('557e1756f28b15f04222de332ed18f6d1d3a629548abe787bda335f453b69ed2','orders');
CREATE TABLE definition_components (
    hash         TEXT NOT NULL REFERENCES definitions (hash) ON DELETE CASCADE,
    component_id TEXT NOT NULL,
    PRIMARY KEY (component_id, hash)
);
INSERT INTO definition_components VALUES('2d4017a87af63f776efea57dee7ab83fabf3676b5454fe76328bc847c62af931','acme');
INSERT INTO definition_components VALUES('2d4017a87af63f776efea57dee7ab83fabf3676b5454fe76328bc847c62af931','webhook-triggers');
INSERT INTO definition_components VALUES('557e1756f28b15f04222de332ed18f6d1d3a629548abe787bda335f453b69ed2','acme');
INSERT INTO definition_components VALUES('557e1756f28b15f04222de332ed18f6d1d3a629548abe787bda335f453b69ed2','webhook-triggers');
CREATE TABLE components (
    id           TEXT   NOT NULL PRIMARY KEY,
    kind         TEXT   NOT NULL,
    version      BIGINT NOT NULL, -- the latest
    display_name TEXT   NOT NULL,
    create_time  BIGINT NOT NULL,
    update_time  BIGINT NOT NULL
);
INSERT INTO components VALUES('acme','DECLARATIVE',1,'Acme',1767323045123456,1767323045123456);
CREATE TABLE component_versions (
    component_id TEXT   NOT NULL REFERENCES components (id) ON DELETE CASCADE,
    version      BIGINT NOT NULL,
    document     TEXT   NOT NULL,
    update_time  BIGINT NOT NULL,
    PRIMARY KEY (component_id, version)
);
INSERT INTO component_versions VALUES('acme',1,'{"id":"acme","uid":"","display_name":"Acme","kind":"DECLARATIVE","version":1}',1767323045123456);
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
INSERT INTO integrations VALUES('erp','uid-erp','2d4017a87af63f776efea57dee7ab83fabf3676b5454fe76328bc847c62af931','ERP','erp',1,'2d4017a87af63f776efea57dee7ab83fabf3676b5454fe76328bc847c62af931',2,1767323045123456,1767323046123456);
CREATE TABLE integration_versions (
    integration_id     TEXT   NOT NULL REFERENCES integrations (id) ON DELETE CASCADE,
    version            BIGINT NOT NULL,
    comment            TEXT   NOT NULL,
    definition_hash    TEXT   NOT NULL REFERENCES definitions (hash),
    component_versions TEXT   NOT NULL,
    create_time        BIGINT NOT NULL,
    PRIMARY KEY (integration_id, version)
);
INSERT INTO integration_versions VALUES('erp',1,'a comment','2d4017a87af63f776efea57dee7ab83fabf3676b5454fe76328bc847c62af931','{"acme":1}',1767323046123456);
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
INSERT INTO customers VALUES('progix','uid-progix','Customer progix','ext-progix','A customer','{"tier":"gold"}',1,1767323045123456,1767323045123456);
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
INSERT INTO instances VALUES('uid-test-erp','erp--test','TEST','Test','','','erp',0,'ACTIVE',0,'',0,0,0,0,'','',1,1767323045123456,1767323045123456,0);
INSERT INTO instances VALUES('uid-i-2','i','STANDARD','Instance i','An instance','progix','erp',1,'ACTIVE',1,'HOLD',1,1,2,1,'dep-014','{"tier":"gold"}',7,1767323045123456,1767323074123456,1767323049123456);
INSERT INTO instances VALUES('uid-j-13','j','STANDARD','Instance j','An instance','progix','erp',0,'CREATED',0,'',1,0,0,0,'','{"tier":"gold"}',1,1767323045123456,1767323045123456,0);
INSERT INTO instances VALUES('uid-gone-21','gone','STANDARD','Instance gone','An instance','progix','erp',1,'DELETED',0,'',1,0,1,0,'dep-022','{"tier":"gold"}',5,1767323045123456,1767323072123456,1767323068123456);
CREATE TABLE configs (
    instance_uid TEXT   NOT NULL REFERENCES instances (uid) ON DELETE CASCADE,
    revision     BIGINT NOT NULL,
    document     TEXT   NOT NULL,
    PRIMARY KEY (instance_uid, revision)
);
INSERT INTO configs VALUES('uid-i-2',1,'{"key":{"sealed":"sealed"},"url":{"json":"\"https://erp\""}}');
INSERT INTO configs VALUES('uid-j-13',1,'{"key":{"sealed":"sealed"},"url":{"json":"\"https://erp\""}}');
INSERT INTO configs VALUES('uid-gone-21',1,'{"key":{"sealed":"sealed"},"url":{"json":"\"https://erp\""}}');
CREATE TABLE webhooks (
    token_hash   TEXT    NOT NULL PRIMARY KEY,
    token_sealed TEXT    NOT NULL,
    instance_uid TEXT    NOT NULL REFERENCES instances (uid) ON DELETE CASCADE,
    flow_id      TEXT    NOT NULL,
    current      INTEGER NOT NULL,
    expire_time  BIGINT  NOT NULL,
    create_time  BIGINT  NOT NULL
);
INSERT INTO webhooks VALUES('uid-i-2-orders','sealed-uid-i-2-orders','uid-i-2','orders',0,2082855845123456,1767323045123456);
INSERT INTO webhooks VALUES('uid-i-2-items','sealed-uid-i-2-items','uid-i-2','items',1,0,1767323045123456);
INSERT INTO webhooks VALUES('uid-j-13-orders','sealed-uid-j-13-orders','uid-j-13','orders',1,0,1767323045123456);
INSERT INTO webhooks VALUES('uid-j-13-items','sealed-uid-j-13-items','uid-j-13','items',1,0,1767323045123456);
INSERT INTO webhooks VALUES('uid-gone-21-orders','sealed-uid-gone-21-orders','uid-gone-21','orders',1,0,1767323045123456);
INSERT INTO webhooks VALUES('uid-gone-21-items','sealed-uid-gone-21-items','uid-gone-21','items',1,0,1767323045123456);
INSERT INTO webhooks VALUES('rotated','sealed-rotated','uid-i-2','orders',1,0,1767323045123456);
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
INSERT INTO generations VALUES('uid-i-2',1,'dep-003',1,'2d4017a87af63f776efea57dee7ab83fabf3676b5454fe76328bc847c62af931','{"acme":1}',1,1767323049123456);
INSERT INTO generations VALUES('uid-gone-21',1,'dep-022',1,'2d4017a87af63f776efea57dee7ab83fabf3676b5454fe76328bc847c62af931','{"acme":1}',1,1767323068123456);
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
INSERT INTO deployments VALUES('dep-003','uid-i-2','i','SUCCEEDED',1,1,'2d4017a87af63f776efea57dee7ab83fabf3676b5454fe76328bc847c62af931','{"acme":1}',1,'','','','','',2082855845123456,1767323048123456,1767323049123456);
INSERT INTO deployments VALUES('dep-014','uid-i-2','i','FAILED',2,1,'557e1756f28b15f04222de332ed18f6d1d3a629548abe787bda335f453b69ed2','{"acme":1}',1,'','{"reason":"INIT_FLOW_FAILED","message":"it failed"}','','','',2082855845123456,1767323059123456,1767323063123456);
INSERT INTO deployments VALUES('dep-022','uid-gone-21','gone','SUCCEEDED',1,1,'2d4017a87af63f776efea57dee7ab83fabf3676b5454fe76328bc847c62af931','{"acme":1}',1,'','','','','',2082855845123456,1767323067123456,1767323068123456);
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
INSERT INTO registrations VALUES('reg-015','uid-i-2','i','orders','post','post','acme.post','acme',1,'dep-014','exe-0',1,1,'conn','target','hash','inputs','','','REMOVE_PENDING','','before',1,1767323060123456,1767323062123456);
INSERT INTO registrations VALUES('reg-019','uid-i-2','i','orders','post','post','acme.post','acme',1,'','exe-0',1,1,'conn','target','hash','inputs','','','CREATED','','before',2,1767323064123456,1767323065123456);
INSERT INTO registrations VALUES('reg-024','uid-gone-21','gone','orders','post','post','acme.post','acme',1,'','exe-0',1,1,'conn','target','hash','inputs','','','REMOVE_PENDING','','before',1,1767323069123456,1767323071123456);
CREATE TABLE deployment_registrations (
    deployment_id   TEXT NOT NULL REFERENCES deployments (id) ON DELETE CASCADE,
    registration_id TEXT NOT NULL REFERENCES registrations (id) ON DELETE CASCADE,
    PRIMARY KEY (deployment_id, registration_id)
);
INSERT INTO deployment_registrations VALUES('dep-014','reg-015');
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
INSERT INTO executions VALUES(1,'exe-00005','uid-i-2','i','progix','erp',0,'','orders','Flow orders','',0,0,'SUCCEEDED',0,0,1,'WEBHOOK',0,1,'','{"id":1}','{"status":200}',1767323050123456,1767323050123456,1767323054123456,0);
INSERT INTO executions VALUES(2,'exe-00010','uid-i-2','i','progix','erp',1,'2d4017a87af63f776efea57dee7ab83fabf3676b5454fe76328bc847c62af931','orders','Flow orders','',1,1,'RUNNING',0,0,0,'WEBHOOK',0,1,'','','',1767323055123456,1767323056123456,0,2082855845123456);
INSERT INTO executions VALUES(3,'exe-00012','uid-i-2','i','progix','erp',0,'','items','Flow items','',0,0,'QUEUED',0,0,0,'WEBHOOK',0,0,'','','',1767323057123456,0,0,0);
INSERT INTO executions VALUES(4,'exe-00030','uid-i-2','i','progix','erp',0,'','orders','Flow orders','',0,0,'QUEUED',1,0,0,'WEBHOOK',0,0,'','','',1767323075123456,0,0,0);
CREATE TABLE execution_payloads (
    execution_seq INTEGER NOT NULL PRIMARY KEY REFERENCES executions (seq) ON DELETE CASCADE,
    document      TEXT    NOT NULL, -- without the body
    body          BLOB    NOT NULL
);
INSERT INTO execution_payloads VALUES(1,'{"method":"POST","path":"/a","query":[{"name":"q","text":"1"},{"name":"q","text":"2"}],"headers":[{"name":"X-Sig","text":"abc"}],"content_type":"application/json"}',X'7b226e223a317d00ff');
INSERT INTO execution_payloads VALUES(2,'{"method":"POST","path":"/a","query":[{"name":"q","text":"1"},{"name":"q","text":"2"}],"headers":[{"name":"X-Sig","text":"abc"}],"content_type":"application/json"}',X'7b226e223a317d00ff');
INSERT INTO execution_payloads VALUES(3,'{"method":"POST","path":"/a","query":[{"name":"q","text":"1"},{"name":"q","text":"2"}],"headers":[{"name":"X-Sig","text":"abc"}],"content_type":"application/json"}',X'7b226e223a317d00ff');
INSERT INTO execution_payloads VALUES(4,'{"method":"POST","path":"/a","query":[{"name":"q","text":"1"},{"name":"q","text":"2"}],"headers":[{"name":"X-Sig","text":"abc"}],"content_type":"application/json"}',X'7b226e223a317d00ff');
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
INSERT INTO step_results VALUES(1,1,'post','post','Post','acme.post','SUCCEEDED','{"a":"ü"}','{"id":12345678901234567890}','sealed',1,'','',1767323051123456,1767323052123456);
CREATE TABLE logs (
    execution_seq INTEGER NOT NULL REFERENCES executions (seq) ON DELETE CASCADE,
    sequence      BIGINT  NOT NULL,
    severity      TEXT    NOT NULL,
    message       TEXT    NOT NULL,
    step_path     TEXT    NOT NULL,
    create_time   BIGINT  NOT NULL,
    PRIMARY KEY (execution_seq, sequence)
);
INSERT INTO logs VALUES(1,1,'INFO','it''s a line','post',1767323053123456);
CREATE TABLE receipts (
    key          TEXT   NOT NULL PRIMARY KEY,
    request_hash TEXT   NOT NULL,
    answer       BLOB   NOT NULL,
    expire_time  BIGINT NOT NULL
);
INSERT INTO receipts VALUES(replace('caller\nCreateComponent\nr1','\n',char(10)),'h',X'7b2261223a317d00ff',1767323105123456);
INSERT INTO receipts VALUES('k','h',X'',2082855845123456);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('goose_db_version',2);
CREATE INDEX components_by_display_name ON components (display_name, id);
CREATE INDEX components_by_create_time ON components (create_time, id);
CREATE INDEX components_by_update_time ON components (update_time, id);
CREATE INDEX integrations_by_draft ON integrations (draft_hash);
CREATE INDEX integrations_by_display_name ON integrations (display_name, id);
CREATE INDEX integrations_by_category ON integrations (category, id);
CREATE INDEX integrations_by_create_time ON integrations (create_time, id);
CREATE INDEX integrations_by_update_time ON integrations (update_time, id);
CREATE INDEX integration_versions_by_definition ON integration_versions (definition_hash);
CREATE INDEX integration_versions_by_create_time ON integration_versions (integration_id, create_time, version);
CREATE INDEX customers_by_display_name ON customers (display_name, id);
CREATE INDEX customers_by_external_id ON customers (external_id, id);
CREATE INDEX customers_by_create_time ON customers (create_time, id);
CREATE INDEX customers_by_update_time ON customers (update_time, id);
CREATE UNIQUE INDEX instances_live ON instances (id) WHERE state <> 'DELETED';
CREATE INDEX instances_by_id ON instances (id);
CREATE INDEX instances_by_customer ON instances (customer_id, id);
CREATE INDEX instances_by_integration ON instances (integration_id, id);
CREATE INDEX instances_by_state ON instances (state, id);
CREATE INDEX instances_by_display_name ON instances (display_name, id);
CREATE INDEX instances_by_create_time ON instances (create_time, id);
CREATE INDEX instances_by_update_time ON instances (update_time, id);
CREATE UNIQUE INDEX webhooks_current ON webhooks (instance_uid, flow_id) WHERE current = 1;
CREATE INDEX webhooks_by_instance ON webhooks (instance_uid);
CREATE INDEX webhooks_rotated ON webhooks (expire_time) WHERE current = 0;
CREATE INDEX generations_by_definition ON generations (definition_hash);
CREATE UNIQUE INDEX deployments_unfinished ON deployments (instance_uid) WHERE state IN ('RUNNING', 'ROLLING_BACK');
CREATE INDEX deployments_by_create_time ON deployments (instance_uid, create_time, id);
CREATE INDEX deployments_by_request ON deployments (instance_uid, request_id) WHERE request_id <> '';
CREATE INDEX deployments_by_definition ON deployments (definition_hash);
CREATE UNIQUE INDEX registrations_in_order ON registrations (instance_uid, sequence);
CREATE INDEX registrations_by_key ON registrations (instance_uid, flow_id, key, sequence);
CREATE INDEX registrations_by_deployment ON registrations (deployment_id);
CREATE INDEX registrations_by_component ON registrations (component_id) WHERE state NOT IN ('REMOVED', 'ABANDONED');
CREATE INDEX deployment_registrations_by_registration ON deployment_registrations (registration_id);
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
CREATE INDEX receipts_by_expire_time ON receipts (expire_time);
COMMIT;
