package sqldb

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
)

// countQueued stops counting at the bound.
const countQueued = `
SELECT COUNT(*) FROM (
	SELECT 1 FROM instances i JOIN executions e ON e.instance_uid = i.uid AND e.state = 'QUEUED' WHERE i.customer_id = $1 LIMIT $2) AS waiting`

// waiting knows how many more executions of each customer may wait before they have to be counted again. Counting a long queue takes
// a while: it is done beside the writer, and only when as many were accepted as there was room for at the last count.
type waiting struct {
	mu   sync.Mutex
	room map[string]*room
}

type room struct {
	mu    sync.Mutex
	left  int
	full  time.Time // when it was found full; it is not counted again at once
	bound int       // that left was made from
}

// recount is how long a full queue is believed to be full.
const recount = 200 * time.Millisecond

// maxRooms bounds the memory of customers that were heard of; forgetting them costs a count each.
const maxRooms = 10_000

func (w *waiting) of(customerID string) *room {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.room == nil || len(w.room) > maxRooms {
		w.room = map[string]*room{}
	}
	r := w.room[customerID]
	if r == nil {
		r = &room{}
		w.room[customerID] = r
	}
	return r
}

// admit takes one place in a customer's queue, or in that of all that is nobody's, or refuses.
func (w *waiting) admit(ctx context.Context, db *DB, customerID string, now time.Time, bound int) error {
	if bound == 0 {
		return nil
	}
	r := w.of(customerID)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bound == bound && r.left > 0 {
		r.left--
		return nil
	}
	if since := now.Sub(r.full); r.bound == bound && since >= 0 && since < recount {
		return tooManyQueued(customerID, bound)
	}
	var n int
	err := db.view(func(q querier) error { return q.row(ctx, countQueued, []any{customerID, bound}, &n) })
	if err != nil {
		return err
	}
	r.bound, r.left = bound, bound-n
	if r.left <= 0 {
		r.full = now
		return tooManyQueued(customerID, bound)
	}
	r.left--
	return nil
}

func tooManyQueued(customerID string, bound int) error {
	who := fmt.Sprintf("customer %q has", customerID)
	if customerID == "" {
		who = "test instances, and endpoints that instances share, have"
	}
	return &ipaas.Error{
		Kind: ipaas.Exhausted, Reason: ipaas.ReasonTooManyQueued, RetryAfter: retryWhenQueued,
		Message: fmt.Sprintf("%s %d executions that wait, and no more are taken until some have run: send again later", who, bound),
		Meta:    map[string]string{"resource": "customer", "id": customerID, "queued": strconv.Itoa(bound)},
	}
}
