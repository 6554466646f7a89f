//go:build faults

package faults_test

import (
	"fmt"
	"testing"
	"time"
)

// TestStop tells the server to stop while events come in, again and again (T10): it ends with 0 in its time, and every request that
// was taken was answered.
func TestStop(t *testing.T) {
	t.Parallel()
	rounds := size(t, "T10.rounds", 3, 50)
	got := stops(t, rounds, 200, "")
	got.verdict.check(t)
	if got.verdict.recovered > 0 || got.refused > 0 {
		t.Errorf("%d events were taken and not acknowledged, %d requests were answered 5xx: want none, %v", got.verdict.recovered, got.refused, got.statuses)
	}
	if got.slowest > 25*time.Second {
		t.Errorf("it took %s to stop, want at most 25 s", got.slowest)
	}
	// No time to drain, and answers that take their while: requests under way are cut.
	cut := stops(t, 1, 40, "accept-committed=pause:400ms", "--drain-timeout", "1ms")
	if cut.verdict.recovered == 0 && cut.refused == 0 {
		t.Errorf("without time to drain no request was cut either: the checker is blind: %s", cut.verdict)
	}
	results.add(t, result{
		Target: "T10", Goal: "SIGTERM under load: exit 0 in 25 s, nothing lost, no request cut",
		Size:    fmt.Sprintf("%d stops", rounds),
		Figure:  fmt.Sprintf("%s, %d answers 5xx; slowest stop %s", got.verdict, got.refused, rounded(got.slowest)),
		Control: fmt.Sprintf("no time to drain: %d taken and not answered, %d answered 5xx", cut.verdict.recovered, cut.refused),
	})
}

type stopped struct {
	verdict  verdict
	refused  int // answers 5xx
	statuses map[int]int
	slowest  time.Duration
}

// stops stops a server so many times, each time after so many acknowledged events.
func stops(t *testing.T, rounds, events int, plan string, args ...string) (got stopped) {
	t.Helper()
	to, s := newSink(t), newServer(t, args...)
	s.start(breakage{plan: plan})
	sending := newSenders(t, s.deployRelay(t, "smith", to.URL+"/smith"), 0)
	sending.run(16)
	for range rounds {
		target := sending.ackedSoFar() + events
		until(t, time.Minute, "events to be acknowledged", func() bool { return sending.ackedSoFar() >= target })
		if plan != "" {
			time.Sleep(200 * time.Millisecond) // so that requests are in the middle of their pause, not all at its end
		}
		took, code := s.terminate(time.Minute)
		if code != 0 {
			t.Errorf("told to stop it ended with %d, want 0", code)
		}
		got.slowest = max(got.slowest, took)
		s.start(breakage{plan: plan})
	}
	sending.halt()
	s.settled(t, time.Minute)
	s.mustSucceed(t)
	got.verdict, got.statuses = sending.judge(to, "smith"), sending.statuses
	for status, times := range sending.statuses {
		if status >= 500 {
			got.refused += times
		}
	}
	return got
}
