//go:build faults

package faults_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestDuplicates sends each event many times at once, and again after a kill between its commit and its answer (F2, F9): each sender
// is told of the same execution, and each event has one effect.
func TestDuplicates(t *testing.T) {
	t.Parallel()
	events, copies := size(t, "F9.events", 50, 5000), size(t, "F9.copies", 32, 32)
	got := duplicates(t, deduplicated, events, copies)
	if got.executions != events || got.effects != events {
		t.Errorf("%d events, each sent %d times, made %d executions and had %d effects, want %d of each", events, copies, got.executions, got.effects, events)
	}
	without := duplicates(t, relay, 5, copies)
	if without.executions <= 5 {
		t.Errorf("without a key %d events made %d executions: the count is blind", 5, without.executions)
	}
	results.add(t, result{
		Target: "F9", Goal: "an event that is sent again, at once or after a crash, runs once", Size: fmt.Sprintf("%d events × %d copies, 2 kills", events, copies),
		Figure:  fmt.Sprintf("%d executions, %d effects", got.executions, got.effects),
		Control: fmt.Sprintf("a flow without a key: %d executions of 5 events", without.executions),
	})
}

type copied struct {
	executions int // that senders were told of
	effects    int
}

func duplicates(t *testing.T, definition string, events, copies int) copied {
	t.Helper()
	to, s := newSink(t), newServer(t)
	s.start(breakage{})
	hook := s.deployRelayAs(t, definition, "smith", to.URL+"/smith")
	s.kill()
	told := map[string]bool{}
	var mu sync.Mutex
	send := func(n int) {
		if id := post(hook, n); id != "" {
			mu.Lock()
			defer mu.Unlock()
			told[id] = true
		}
	}
	for _, plan := range []string{"accept-committed=kill@40", "accept-answer=kill@80", ""} {
		s.start(breakage{plan: plan})
		for n := range events {
			var all sync.WaitGroup
			for range copies {
				all.Go(func() { send(n) })
			}
			all.Wait()
		}
		if plan != "" {
			s.ended(time.Minute)
			continue
		}
		s.settled(t, time.Minute)
	}
	effects := 0
	for _, times := range to.seen("smith") {
		effects += times
	}
	return copied{executions: len(told), effects: effects}
}

// post sends one copy of an event and returns the execution that its sender is told of; "" if there was no answer.
func post(hook string, n int) string {
	req, err := http.NewRequest(http.MethodPost, hook, strings.NewReader(fmt.Sprintf(`"%d event"`, n)))
	if err != nil {
		return ""
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Event-Id", fmt.Sprint("event-", n))
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return ""
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return ""
	}
	id, _, _ := strings.Cut(strings.TrimPrefix(string(answer), `{"executionId":"`), `"`)
	return id
}
