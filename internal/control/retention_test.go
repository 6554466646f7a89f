package control_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
)

const day = 24 * time.Hour

// TestHistoryIsClearedAway lets time pass: what flows were sent goes first, then that they ran, and what serves is never touched.
func TestHistoryIsClearedAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	urls := w.deployed("old", echo(), nil)
	id := w.accepted(urls["Async"], `{"n":1}`)
	was := w.succeeded(id)

	w.ahead.Store(int64(13 * day))
	pass := func() {
		t.Helper()
		if _, err := w.ClearHistory(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	pass()
	if ex := w.ended(id); ex.PayloadExpired || string(ex.Payload.Body) != `{"n":1}` {
		t.Errorf("after 13 days the payload is %q", ex.Payload.Body)
	}
	w.ahead.Store(int64(15 * day))
	pass()
	ex := w.ended(id)
	steps := must[[]ipaas.StepResult](t)(w.store.ListStepResults(t.Context(), id, 0, 10))
	if !ex.PayloadExpired || len(ex.Payload.Body) > 0 || ex.State != was.State || !ex.EndTime.Equal(was.EndTime) || len(steps) > 0 {
		t.Errorf("after 15 days it is %+v with %d step results", ex, len(steps))
	}
	fresh := w.accepted(urls["Async"], `{"n":2}`)
	w.succeeded(fresh)
	w.ahead.Store(int64(95 * day))
	pass()
	if _, err := w.store.GetExecution(t.Context(), id); !errors.Is(err, ipaas.NotFound) {
		t.Errorf("after 95 days: %v", err)
	}
	if ex := w.ended(fresh); !ex.PayloadExpired {
		t.Errorf("what ended 80 days ago is %+v", ex)
	}
	w.ahead.Store(int64(97 * day)) // what nothing points at is forgotten a day after that was seen
	pass()
	pass()
	w.succeeded(w.accepted(urls["Async"], `{"n":3}`))
	w.restart()
	w.succeeded(w.accepted(urls["Async"], `{"n":4}`))
}

// TestRetainEndsWithItsContext: it is started with the server and stops with it.
func TestRetainEndsWithItsContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.Retain(ctx)
	}()
	cancel()
	<-ended
}
