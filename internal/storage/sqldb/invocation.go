package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

const (
	selectInvoker = `
SELECT id, instance_uid, instance_id, customer_id, integration_id, deployment_id, version, definition_hash, config_revision, test,
	CASE origin_id WHEN '' THEN id ELSE origin_id END, CASE root_id WHEN '' THEN id ELSE root_id END, depth
FROM executions WHERE seq = $1`
	selectCandidate = `SELECT state, version, definition_hash, config_revision FROM deployments WHERE id = $1`
	// An execution that is tried again starts no second one.
	selectNextOfLine = `
SELECT c.id FROM executions o JOIN executions c ON c.invoked_by = o.id AND c.invoked_by <> '' WHERE o.id = $1 AND c.invoke = 'RECURSIVE'
UNION ALL
SELECT c.id FROM executions o JOIN executions c ON c.invoked_by = o.id AND c.invoked_by <> ''
WHERE o.origin_id = $1 AND o.origin_id <> '' AND c.invoke = 'RECURSIVE' LIMIT 1`
	countOfTest = `SELECT COUNT(*) FROM (SELECT 1 FROM executions WHERE instance_uid = $1 AND state = 'QUEUED' LIMIT $2) AS waiting`
)

// invokeAll adds the executions that a step of an execution starts.
func invokeAll(ctx context.Context, tx *tx, seq int64, starts []storage.Invocation) error {
	if len(starts) == 0 {
		return nil
	}
	var by ipaas.Execution // that starts them
	var uid string
	err := tx.row(ctx, selectInvoker, []any{seq}, &by.ID, &uid, &by.InstanceID, &by.CustomerID, &by.IntegrationID, &by.DeploymentID,
		&by.Version, &by.DefinitionHash, &by.ConfigRevision, &by.Test, &by.OriginID, &by.RootID, &by.Depth)
	if err != nil {
		return err
	}
	s, err := getScene(ctx, tx, selectSceneByUID, uid, by.InstanceID)
	if errors.Is(err, ipaas.NotFound) || err == nil && removed(s.state) {
		return instanceRemoved(by.InstanceID)
	}
	if err != nil {
		return err
	}
	for i := range starts {
		if err := invoke(ctx, tx, &s, &by, starts[i].Execution, starts[i].Admission); err != nil {
			return err
		}
	}
	return nil
}

// invoke adds one execution that another one starts.
func invoke(ctx context.Context, tx *tx, s *scene, by *ipaas.Execution, ex ipaas.Execution, a storage.Admission) error {
	ex.State, ex.Attempts, ex.Held, ex.Inline, ex.Try, ex.OriginID = ipaas.ExecutionQueued, 0, false, false, 1, ex.ID
	ex.CustomerID, ex.IntegrationID = by.CustomerID, by.IntegrationID
	ex.InvokedBy, ex.RootID, ex.Depth = by.ID, by.RootID, by.Depth
	if ex.Invoke != ipaas.InvokeRecursive {
		ex.Depth++
	} else if err := checkOnlyNext(ctx, tx, by, &ex); err != nil {
		return err
	}
	if a.Deduplication != nil {
		first, known, err := firstOf(ctx, tx, s.uid, &ex, a.Deduplication)
		if err != nil {
			return err
		}
		if known {
			return &storage.AlreadyStarted{ID: ex.ID, First: first.ID}
		}
	}
	at := place{uid: s.uid, paused: s.paused}
	if err := bindInvoked(ctx, tx, by, &ex, &at, a.MaxQueued); err != nil {
		return err
	}
	_, err := putEvent(ctx, tx, &ex, at, a)
	return err
}

func checkOnlyNext(ctx context.Context, q querier, by, ex *ipaas.Execution) error {
	var first string
	err := q.row(ctx, selectNextOfLine, []any{by.OriginID}, &first)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err == nil {
		err = &storage.AlreadyStarted{ID: ex.ID, First: first}
	}
	return err
}

// bindInvoked binds an execution to what the one that starts it runs on, where that does not serve.
func bindInvoked(ctx context.Context, q querier, by, ex *ipaas.Execution, at *place, maxQueued int) error {
	ex.Generation, ex.Version, ex.DefinitionHash, ex.ConfigRevision, ex.DeploymentID, ex.Test = 0, 0, "", 0, "", by.Test
	if by.Test {
		ex.DefinitionHash, ex.ConfigRevision = by.DefinitionHash, by.ConfigRevision
		return checkQueueOfTest(ctx, q, at.uid, ex.InstanceID, maxQueued)
	}
	if by.DeploymentID == "" {
		return nil
	}
	var state ipaas.DeploymentState
	var candidate ipaas.Generation
	err := q.row(ctx, selectCandidate, []any{by.DeploymentID}, &state, &candidate.Version, &candidate.DefinitionHash, &candidate.ConfigRevision)
	switch {
	case errors.Is(err, sql.ErrNoRows) || err == nil && state == ipaas.DeploymentSucceeded:
		return nil // what it was bound to serves, or has served
	case err != nil:
		return err
	case state != ipaas.DeploymentRunning:
		return undoneDeployment(by.DeploymentID)
	}
	ex.DeploymentID, at.paused = by.DeploymentID, false
	ex.Version, ex.DefinitionHash, ex.ConfigRevision = candidate.Version, candidate.DefinitionHash, candidate.ConfigRevision
	return nil
}

// undoneDeployment refuses what an execution does that a deployment has started which failed.
func undoneDeployment(id string) error {
	return &ipaas.Error{
		Kind: ipaas.Gone, Reason: ipaas.ReasonInstanceRemoved,
		Message: fmt.Sprintf("deployment %s failed, and what its flows have started does not go on", id),
		Meta:    map[string]string{"deployment_id": id},
	}
}

// checkQueueOfTest bounds what waits at a test instance, which is of no customer.
func checkQueueOfTest(ctx context.Context, q querier, uid, instanceID string, bound int) error {
	if bound == 0 {
		return nil
	}
	var n int
	if err := q.row(ctx, countOfTest, []any{uid, bound}, &n); err != nil || n < bound {
		return err
	}
	return &ipaas.Error{
		Kind: ipaas.Exhausted, Reason: ipaas.ReasonTooManyQueued, RetryAfter: retryWhenQueued,
		Message: fmt.Sprintf("test instance %q has %d executions that wait, and no more are taken until some have run", instanceID, n),
		Meta:    map[string]string{"resource": "instance", "id": instanceID, "queued": strconv.Itoa(n)},
	}
}

const (
	selectInvokedWaiting = `SELECT seq, id, crashes FROM executions WHERE deployment_id = $1 AND deployment_id <> '' AND state = 'QUEUED'`
	stopInvoked          = `UPDATE executions SET canceling = 1 WHERE deployment_id = $1 AND deployment_id <> '' AND state = 'RUNNING' AND inline = 0`
	keepInvoked          = `
UPDATE executions SET generation = $2, config_revision = $3
WHERE deployment_id = $1 AND deployment_id <> '' AND generation = 0 AND state IN ('QUEUED', 'RUNNING')`
)

// endInvoked ends what the flows of a deployment that failed have started.
func endInvoked(ctx context.Context, tx *tx, deploymentID string, now time.Time) error {
	var waiting []lost
	err := tx.rows(ctx, selectInvokedWaiting, []any{deploymentID}, func(scan scanner) error {
		var l lost
		err := scan(&l.seq, &l.id, &l.crashes)
		waiting = append(waiting, l)
		return err
	})
	if err != nil {
		return err
	}
	cause := &ipaas.ExecutionError{
		Reason: ipaas.ExecutionRolledBack, Message: fmt.Sprintf("deployment %s, whose flow has started it, failed and is undone", deploymentID),
	}
	for i := range waiting {
		if err := waiting[i].end(ctx, tx, ipaas.ExecutionCanceled, cause, now); err != nil {
			return err
		}
	}
	return tx.do(ctx, stopInvoked, deploymentID)
}
