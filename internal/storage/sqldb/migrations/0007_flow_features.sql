-- +goose Up

ALTER TABLE step_results ADD COLUMN stand_in INTEGER NOT NULL DEFAULT 0; -- what a test supplied stood in for the action
