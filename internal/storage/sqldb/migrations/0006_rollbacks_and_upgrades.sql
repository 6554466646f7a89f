-- +goose Up

ALTER TABLE deployments ADD COLUMN source_deployment_id TEXT NOT NULL DEFAULT ''; -- of a rollback
