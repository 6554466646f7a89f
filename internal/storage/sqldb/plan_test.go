package sqldb

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/storage"
)

// plan returns how SQLite would carry out a statement.
func plan(t *testing.T, db *DB, statement string, args ...any) []string {
	t.Helper()
	rows, err := db.writer.conn.QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+statement, args...)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	var lines []string
	err = eachRow(rows, func(scan scanner) error {
		var id, parent, unused int
		var line string
		err := scan(&id, &parent, &unused, &line)
		lines = append(lines, line)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// TestHistoryIsNeverReadFromEndToEnd looks at how statements over the tables that grow are carried out.
func TestHistoryIsNeverReadFromEndToEnd(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	for name, statement := range map[string]string{
		"accept": selectScene, "held": countHeld, "claim": selectHead, "claimed": claimExecution, "execution": selectExecution,
		"release": releaseHeld, "stop": stopClaims, "allow": allowClaims, "cancel": cancelQueued, "lapsed": selectLapsed, "asleep": wakeDue, "due": selectDue, "next wake": selectNextWake, "first customer": selectFirstCustomer,
		"next customer": selectNextCustomer, "next group": selectNextGroup, "customer runs": countOfCustomer, "instance runs": countOfInstance,
		"flow runs": countOfFlow, "queued": countQueued, "place": selectPlace, "make ready": makeReady, "promote": promoteNext,
		"known event": selectDeduplication, "old keys": deleteDeduplications, "payload": copyPayload, "before": selectBefore,
		"expire": expireHeld, "receipts": deleteReceipts, "rotated": deleteRotated,
		"step": selectStep, "steps": selectSteps, "logs": selectLogs, "last log": selectLastLog, "begin step": insertStep, "keep step": keepStep,
		"hook": selectWebhook, "hooks": selectCurrentWebhooks, "deployments": selectAllUnfinished, "request": selectByRequest,
		"key": selectByKey, "twins": selectTwins, "used": selectUsedRegistrations, "superseded": supersedeUnused, "dropped": dropCreated,
		"ended": selectEnded, "some logs": deleteSomeLogs, "some steps": deleteSomeSteps, "old deployments": selectOldDeployments,
		"tombstones": selectOldTombstones, "use again": useDefinition,
		"changed": selectChanged, "forget": forgetBefore, "still created": selectStillCreated, "begin change": beginChange,
		"resume":        resumeExecution,
		"component use": selectRegistrationWith, "test registrations": selectTestRegistration,
		"due removals": selectDueRemovals, "next removal": selectNextRemoval, "lost removals": recoverRemovals, "debt": selectDebt,
		"debtor": selectDebtor, "unfinished upgrades": selectUnfinishedUpgrades, "next of an upgrade": beginResult,
		"state": selectState, "states": selectStates, "state keys": selectStateKeys, "state by id": selectStateEntry, "owner": selectOwner, "drop state": deleteState,
		"clear state": clearStates, "clear totals": clearTotals, "forget state": deleteStates, "forget totals": deleteTotals,
		"some state": deleteSomeState, "deployment of": selectDeploymentOf, "last change": selectLastChange, "changes": selectChanges,
		"drop changes":   deleteChanges,
		"keys of a flow": selectKeysOfFlow, "keys of an owner": selectKeysOfOwner, "route": routeExecution,
		"invoker": selectInvoker, "next of a line": selectNextOfLine, "queue of a test": countOfTest, "invoked and waiting": selectInvokedWaiting,
		"stop invoked": stopInvoked, "keep invoked": keepInvoked, "candidate": selectCandidate, "drop of invoked": dropOfInvoked, "of invoked": selectOfInvoked,
		"older retries": selectOlderRetries, "newer event": selectNewerEvent,
		"schedules": selectSchedulesOf, "due schedules": selectDueSchedules, "next schedule": selectNextSchedule, "misled": selectMisled,
		"move schedule": moveSchedule, "reset schedule": resetSchedule, "pause schedules": pauseSchedules, "scheduled run": selectScheduledRun,
		"old upgrades": selectOldUpgrades, "undeployments": selectUndeployments,
	} {
		args := make([]any, strings.Count(statement, "$")+1)
		for _, line := range plan(t, db, statement, args...) {
			if strings.HasPrefix(line, "SCAN") && !strings.Contains(line, "INDEX") && !strings.Contains(line, "CONSTANT") && line != "SCAN waiting" {
				t.Errorf("%s: %s", name, line)
			}
		}
	}
}

// TestWhatPointsAtThingsIsFoundByIndex: sweeps go through what there is little of from end to end, but ask those that grow by index.
func TestWhatPointsAtThingsIsFoundByIndex(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	for name, statement := range map[string]string{
		"generations": selectOldGenerations, "unused": selectUnused, "used again": selectUsedAgain, "long unused": selectLongUnused, "configs": selectOldConfigs,
		"rivals": selectRivals,
	} {
		args := make([]any, strings.Count(statement, "$")+1)
		for _, line := range plan(t, db, statement, args...) {
			table, scan := strings.CutPrefix(line, "SCAN ")
			few := scan && slices.Contains([]string{"d", "i", "n", "c", "g"}, strings.Fields(table)[0]) // definitions, and the instances with their generations and configs
			if scan && !few && !strings.Contains(line, "CONSTANT") {
				t.Errorf("%s: %s", name, line)
			}
		}
	}
}

// TestTwinsAreFoundByTheirObject: what one component has made for all customers may be much.
func TestTwinsAreFoundByTheirObject(t *testing.T) {
	t.Parallel()
	if lines := strings.Join(plan(t, fresh(t), selectTwins, "", ""), "\n"); !strings.Contains(lines, "registrations_by_object (component_id=? AND state=? AND remote_id=?)") {
		t.Errorf("it is carried out by\n%s", lines)
	}
}

// TestListOfDebtsReadsDebtsAlone: the ledger may be long, what is owed is not.
func TestListOfDebtsReadsDebtsAlone(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	_, statement, args, err := debts.statement(storage.Query{Size: 50}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Join(plan(t, db, statement, args...), "\n"); !strings.Contains(lines, "registrations_owed") {
		t.Errorf("it is carried out by\n%s", lines)
	}
}

// TestListOfExecutionsFollowsAnIndex covers the one list that is long: filtered by any field that tells few rows from many it finds
// them by an index, and in its own order it never sorts.
func TestListOfExecutionsFollowsAnIndex(t *testing.T) {
	t.Parallel()
	db := fresh(t)
	check := func(name string, q storage.Query, want string) {
		t.Helper()
		q.Size = 50
		_, statement, args, err := executions.statement(q, nil)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Join(plan(t, db, statement, args...), "\n")
		if !strings.Contains(lines, want) || strings.Contains(lines, "TEMP B-TREE") {
			t.Errorf("%s is carried out by\n%s\nwant %s and no sorting", name, lines, want)
		}
	}
	check("all", storage.Query{}, "executions_by_create_time")
	for field, index := range map[string]string{
		"id": "sqlite_autoindex_executions_1", "instance_id": "executions_by_instance", "customer_id": "executions_by_customer",
		"integration_id": "executions_by_integration", "flow_id": "executions_by_flow", "deployment_id": "executions_by_deployment",
		"state": "executions_by_state", "origin_id": "executions_by_origin", "retry_of": "executions_by_retry_of",
		"replay_of": "executions_by_replay_of", "invoked_by": "executions_by_invoker", "root_id": "executions_by_root",
	} {
		f := &storage.Filter{Field: field, Operator: storage.Equal, Value: "x"}
		check(field, storage.Query{Filter: f}, fmt.Sprintf("SEARCH e USING INDEX %s (", index))
		terms, _ := executions.terms(nil)
		after := executions.cursor(terms, []any{int64(1), "exe"})
		check("the second page by "+field, storage.Query{Filter: f, After: after}, "SEARCH e USING INDEX")
	}
	since := &storage.Filter{Field: "create_time", Operator: storage.Greater, Value: storage.Time(time.Unix(0, 0))}
	check("since", storage.Query{Filter: since}, "SEARCH e USING INDEX executions_by_create_time (create_time>?)")
}
