-- +goose Up

-- How often a deployment was carried on after the server had stopped.
ALTER TABLE deployments ADD COLUMN resumes BIGINT NOT NULL DEFAULT 0;

-- A registration tells which deployment updated it last, and keeps until that has ended what it was before (in before_image).
ALTER TABLE registrations ADD COLUMN changed_by_deployment TEXT NOT NULL DEFAULT '';
ALTER TABLE registrations ADD COLUMN adopted INTEGER NOT NULL DEFAULT 0;

CREATE INDEX registrations_by_change ON registrations (changed_by_deployment) WHERE changed_by_deployment <> '';
