-- +goose Up

-- A registration that could not be removed is a debt: it is tried again, or forgiven.
ALTER TABLE registrations ADD COLUMN tries           BIGINT NOT NULL DEFAULT 0;
ALTER TABLE registrations ADD COLUMN fail_time       BIGINT NOT NULL DEFAULT 0; -- of the first try that failed
ALTER TABLE registrations ADD COLUMN last_try_time   BIGINT NOT NULL DEFAULT 0;
ALTER TABLE registrations ADD COLUMN next_try_time   BIGINT NOT NULL DEFAULT 0; -- 0: only by hand
ALTER TABLE registrations ADD COLUMN forgiven_from   TEXT   NOT NULL DEFAULT ''; -- the state it had
ALTER TABLE registrations ADD COLUMN forgive_comment TEXT   NOT NULL DEFAULT '';
ALTER TABLE registrations ADD COLUMN forgiven_by     TEXT   NOT NULL DEFAULT '';
ALTER TABLE registrations ADD COLUMN forgive_time    BIGINT NOT NULL DEFAULT 0;

-- What could not be removed so far is tried as soon as somebody can.
UPDATE registrations SET tries = 1, fail_time = update_time, last_try_time = update_time, next_try_time = 1
WHERE state = 'REMOVE_FAILED';

CREATE INDEX registrations_due ON registrations (next_try_time, last_try_time) WHERE next_try_time > 0;
CREATE INDEX registrations_owed ON registrations (create_time, id) WHERE state IN ('REMOVE_FAILED', 'UNCONFIRMED', 'REMOVE_PENDING', 'FORGIVEN');
DROP INDEX registrations_by_component;
CREATE INDEX registrations_by_component ON registrations (component_id) WHERE state NOT IN ('REMOVED', 'ABANDONED', 'FORGIVEN');
