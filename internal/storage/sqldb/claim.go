package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// group is the executions of one flow of one instance.
type group struct{ uid, flowID string }

// rotation remembers whose turn was last, so that nobody's comes twice before everybody's came. It belongs to the writer; a turn that
// was taken by a step that is rolled back is not given again.
type rotation struct {
	customer string
	groups   map[string]group // of each customer, the one whose turn was last
}

const (
	selectDue = `SELECT 1 FROM executions WHERE asleep = 1 AND wake_time <= $1 LIMIT 1`
	wakeDue   = `UPDATE executions SET asleep = 0 WHERE asleep = 1 AND wake_time <= $1 RETURNING seq`
)

// ClaimExecutions takes executions that may run.
func (db *DB) ClaimExecutions(ctx context.Context, now, lease time.Time, most int, w storage.Workers) (claimed []ipaas.Execution, err error) {
	// Workers ask all the time: that there is nothing to take is found out without the writer.
	found := false
	err = db.view(func(q querier) error {
		if found, err = exists(ctx, q, selectDue, micros(now)); err != nil || found {
			return err
		}
		_, found, err = nextCustomer(ctx, q, "", w.Free)
		return err
	})
	if err != nil || !found {
		return nil, err
	}
	err = db.write(ctx, func(ctx context.Context, tx *tx) error {
		c := &claiming{rotation: &db.rotation, tx: tx, now: now, lease: lease, workers: w, idle: map[string]bool{}, full: map[group]bool{}}
		claimed, err = c.claim(ctx, most)
		return err
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

// claiming is one round of taking executions.
type claiming struct {
	*rotation
	tx         *tx
	now, lease time.Time
	workers    storage.Workers // those of what was taken among them
	idle       map[string]bool // customers that have nothing to run now
	full       map[group]bool  // groups that have nothing to run now
}

func (c *claiming) claim(ctx context.Context, most int) (claimed []ipaas.Execution, err error) {
	if err := c.wake(ctx); err != nil {
		return nil, err
	}
	for len(claimed) < most {
		customer, ok, err := nextCustomer(ctx, c.tx, c.customer, func(customer string) bool { return !c.idle[customer] && c.workers.Free(customer) })
		if err != nil || !ok {
			return claimed, err
		}
		c.customer = customer
		ex, ok, err := c.takeOf(ctx, customer)
		if err != nil {
			return nil, err
		}
		if !ok {
			c.idle[customer] = true
			delete(c.groups, customer)
			continue
		}
		c.workers = c.workers.With(customer)
		claimed = append(claimed, ex)
	}
	return claimed, nil
}

// wake makes those ready whose time has come.
func (c *claiming) wake(ctx context.Context) error {
	var due []int64
	err := c.tx.rows(ctx, wakeDue, []any{micros(c.now)}, func(scan scanner) error {
		var seq int64
		err := scan(&seq)
		due = append(due, seq)
		return err
	})
	if err != nil {
		return err
	}
	for _, seq := range due {
		if err := c.tx.do(ctx, makeReady, seq); err != nil {
			return err
		}
	}
	return nil
}

const (
	selectFirstCustomer = `SELECT customer_id FROM executions WHERE ready = 1 ORDER BY customer_id LIMIT 1`
	selectNextCustomer  = `SELECT customer_id FROM executions WHERE ready = 1 AND customer_id > $1 ORDER BY customer_id LIMIT 1`
	selectNextGroup     = `
SELECT instance_uid, flow_id FROM executions WHERE ready = 1 AND customer_id = $1 AND (instance_uid, flow_id) > ($2, $3)
ORDER BY instance_uid, flow_id LIMIT 1`
)

// nextCustomer returns the customer whose turn it is: the next one in the order of ids, after the last one, that has something ready and
// may run it.
func nextCustomer(ctx context.Context, q querier, last string, may func(customer string) bool) (customer string, ok bool, err error) {
	err = q.row(ctx, selectNextCustomer, []any{last}, &customer)
	for wrapped := false; ; {
		switch {
		case errors.Is(err, sql.ErrNoRows) && wrapped:
			return "", false, nil
		case errors.Is(err, sql.ErrNoRows):
			wrapped = true
			err = q.row(ctx, selectFirstCustomer, nil, &customer)
		case err != nil:
			return "", false, err
		case may(customer):
			return customer, true, nil
		default:
			err = q.row(ctx, selectNextCustomer, []any{customer}, &customer)
		}
	}
}

// takeOf takes one execution of a customer: of the next of its groups that may run one.
func (c *claiming) takeOf(ctx context.Context, customer string) (ex ipaas.Execution, ok bool, err error) {
	g := c.groups[customer]
	for wrapped := g == (group{}); ; {
		err = c.tx.row(ctx, selectNextGroup, []any{customer, g.uid, g.flowID}, &g.uid, &g.flowID)
		switch {
		case errors.Is(err, sql.ErrNoRows) && wrapped:
			return ex, false, nil
		case errors.Is(err, sql.ErrNoRows):
			wrapped, g = true, group{}
			continue
		case err != nil:
			return ex, false, err
		case c.full[g] || c.workers.Waiting[storage.Group{InstanceUID: g.uid, FlowID: g.flowID}] > 0:
			continue
		}
		ex, ok, err = c.take(ctx, customer, g)
		if err != nil {
			return ex, false, err
		}
		if ok {
			if c.groups == nil {
				c.groups = map[string]group{}
			}
			c.groups[customer] = g
			return ex, true, nil
		}
		c.full[g] = true
	}
}

// limits are how many executions may run side by side; 0: no limit.
type limits struct{ customer, instance, flow int }

const (
	selectHead = `
SELECT e.seq, e.attempts, e.definition_hash, e.crashes, COALESCE(i.state, 'DELETED'), COALESCE(g.number, 0), COALESCE(g.version, 0), COALESCE(g.definition_hash, ''),
	COALESCE(g.config_revision, 0), COALESCE(c.max_concurrency, 0), COALESCE(i.max_concurrency, 0), COALESCE(f.concurrency, 0)
FROM executions e LEFT JOIN instances i ON i.uid = e.instance_uid LEFT JOIN customers c ON c.id = e.customer_id
LEFT JOIN generations g ON g.instance_uid = i.uid AND g.number = i.generation
LEFT JOIN definition_flows f ON f.hash = CASE e.definition_hash WHEN '' THEN g.definition_hash ELSE e.definition_hash END AND f.flow_id = e.flow_id
WHERE e.ready = 1 AND e.customer_id = $1 AND e.instance_uid = $2 AND e.flow_id = $3 ORDER BY e.seq LIMIT 1`
	claimExecution = `
UPDATE executions SET state = 'RUNNING', ready = 0, attempts = attempts + 1, lease_time = $3,
	start_time = CASE start_time WHEN 0 THEN $4 ELSE start_time END
WHERE seq = $1 AND attempts = $2 AND state = 'QUEUED' AND ready = 1`
	bindExecution = `UPDATE executions SET generation = $2, version = $3, definition_hash = $4, config_revision = $5 WHERE seq = $1`
)

// instanceGone is why what was begun does not go on when its instance is deleted. Another instance may have its id by then, and its config.
var instanceGone = &ipaas.ExecutionError{Reason: ipaas.ExecutionInterrupted, Message: "the server stopped while it ran, and its instance is deleted since"}

// take takes the oldest execution of a group, unless a limit forbids it.
func (c *claiming) take(ctx context.Context, customer string, g group) (ex ipaas.Execution, ok bool, err error) {
	var (
		seq      int64
		attempts int
		bound    string
		crashes  int
		state    ipaas.InstanceState
		serving  ipaas.Generation
		most     limits
	)
	err = c.tx.row(ctx, selectHead, []any{customer, g.uid, g.flowID}, &seq, &attempts, &bound, &crashes, &state, &serving.Number, &serving.Version,
		&serving.DefinitionHash, &serving.ConfigRevision, &most.customer, &most.instance, &most.flow)
	if errors.Is(err, sql.ErrNoRows) {
		return ex, false, nil
	}
	if err != nil {
		return ex, false, err
	}
	if state == ipaas.InstanceDeleted {
		l := lost{seq: seq, crashes: crashes}
		return ex, false, l.end(ctx, c.tx, ipaas.ExecutionCanceled, instanceGone, c.now)
	}
	if _, full, err := most.reached(ctx, c.tx, customer, g); err != nil || full {
		return ex, false, err
	}
	if _, err := c.tx.exec(ctx, claimExecution, seq, attempts, micros(c.lease), micros(c.now)); err != nil {
		return ex, false, err
	}
	if bound == "" && serving.Number > 0 {
		err := c.tx.do(ctx, bindExecution, seq, serving.Number, serving.Version, serving.DefinitionHash, serving.ConfigRevision)
		if err != nil {
			return ex, false, err
		}
	}
	ex, err = scanWithPayload(func(dest ...any) error { return c.tx.row(ctx, selectExecutionBySeq, []any{seq}, dest...) })
	return ex, true, err
}

const (
	countOfCustomer = `SELECT COUNT(*) FROM executions WHERE state = 'RUNNING' AND customer_id = $1`
	countOfInstance = `SELECT COUNT(*) FROM executions WHERE state = 'RUNNING' AND customer_id = $1 AND instance_uid = $2`
	countOfFlow     = `SELECT COUNT(*) FROM executions WHERE state = 'RUNNING' AND customer_id = $1 AND instance_uid = $2 AND flow_id = $3`
)

// reached tells which limit a group has reached, in words, if any.
func (l limits) reached(ctx context.Context, q querier, customer string, g group) (what string, full bool, err error) {
	for _, limit := range []struct {
		of   string
		most int
		text string
		args []any
	}{
		{"customer", l.customer, countOfCustomer, []any{customer}},
		{"instance", l.instance, countOfInstance, []any{customer, g.uid}},
		{"flow", l.flow, countOfFlow, []any{customer, g.uid, g.flowID}},
	} {
		if limit.most == 0 {
			continue
		}
		var n int
		if err := q.row(ctx, limit.text, limit.args, &n); err != nil {
			return "", false, err
		}
		if n >= limit.most {
			return limit.of, true, nil
		}
	}
	return "", false, nil
}

const selectLimits = `
SELECT COALESCE(c.max_concurrency, 0), i.max_concurrency, COALESCE(f.concurrency, 0)
FROM instances i LEFT JOIN customers c ON c.id = i.customer_id
LEFT JOIN definition_flows f ON f.hash = $2 AND f.flow_id = $3 WHERE i.uid = $1`

// checkRunning refuses an execution that is to run at once where a limit is reached.
func checkRunning(ctx context.Context, q querier, uid string, ex *ipaas.Execution) error {
	var most limits
	if err := q.row(ctx, selectLimits, []any{uid, ex.DefinitionHash, ex.FlowID}, &most.customer, &most.instance, &most.flow); err != nil {
		return err
	}
	what, full, err := most.reached(ctx, q, ex.CustomerID, group{uid, ex.FlowID})
	if err != nil || !full {
		return err
	}
	return &ipaas.Error{
		Kind: ipaas.Exhausted, Reason: ipaas.ReasonTooManyRunning, RetryAfter: retryWhenRunning,
		Message: fmt.Sprintf("as many executions of the %s run as may: try again in a moment", what),
		Meta:    map[string]string{"limit": what, "instance_id": ex.InstanceID, "flow_id": ex.FlowID},
	}
}

const selectNextWake = `SELECT COALESCE(MIN(wake_time), 0) FROM executions WHERE asleep = 1`

// NextWake returns when the next execution wakes.
func (db *DB) NextWake(ctx context.Context) (next time.Time, err error) {
	err = db.view(func(q querier) error { return q.row(ctx, selectNextWake, nil, intoTime(&next)) })
	return next, err
}
