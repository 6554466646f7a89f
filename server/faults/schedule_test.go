//go:build faults

package faults_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/fault"
	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// clockwork is an integration whose flow runs every hour.
const clockwork = `
id: relay
displayName: Clockwork
configVariables:
  - {displayName: URL, required: true}
flows:
  - displayName: Hourly
    trigger: {type: schedule-triggers.schedule, schedule: {every: 3600s}}
    steps:
      - displayName: Send
        action: http.httpPost
        inputs: {url: {configVariable: URL}, data: {value: "1 run"}}
`

// afterNext lets the next time of the clockwork come.
const afterNext = time.Hour + time.Second

// TestSchedules kills the server again and again around the times of a flow (T29): each time runs once, and those that it slept through
// are made up for by one run.
func TestSchedules(t *testing.T) {
	t.Parallel()
	hours := [][]string{
		{"schedule-due", "schedule-due", "schedule-fired"},
		{"writer-commit", "writer-committed"},
		{"execution-claimed", "step-called", "execution-finish"},
	}
	to, s := newSink(t), newServer(t)
	s.start(breakage{})
	s.deployRelayAs(t, clockwork, "smith", to.URL+"/smith")
	s.kill()
	var ahead time.Duration
	deaths := 0
	for i, points := range hours {
		ahead += afterNext
		for _, point := range points {
			s.dieOf(breakage{plan: point + "=kill@1", ahead: ahead})
			deaths++
		}
		s.ticked(t, ahead, i+1)
	}
	ahead += 10 * time.Hour
	s.ticked(t, ahead, len(hours)+1)
	s.start(breakage{ahead: ahead})
	s.mustSucceed(t)
	runs, times := s.ticks(t)
	s.kill()
	if want := len(hours) + 1; runs != want || times != want || to.seen("smith")[1] != want {
		t.Errorf("%d executions for %d times, and %d effects: want %d of each", runs, times, to.seen("smith")[1], want)
	}
	doubled := s.tornTimes(t, ahead)
	if doubled == 0 {
		t.Error("where a time is taken after its flow was started no time ran twice either: the count is blind")
	}
	results.add(t, result{
		Target: "T29", Goal: "each time of a schedule runs once, however often the server dies of it; missed ones are made up for once",
		Size: fmt.Sprintf("%d times, %d kills, 10 hours missed", len(hours), deaths), Figure: fmt.Sprintf("%d executions for %d times", runs, times),
		Control: fmt.Sprintf("the time is taken after the flow was started: %d run twice", doubled),
	})
}

// dieOf starts the program and waits until it has died of its faults, ready or not.
func (s *server) dieOf(b breakage) {
	s.t.Helper()
	s.launch(b)
	until(s.t, time.Minute, "the server to die by "+b.plan, s.dead)
	s.kill()
}

// ticked lets the server live until so many runs of the clockwork have ended.
func (s *server) ticked(t *testing.T, ahead time.Duration, runs int) {
	t.Helper()
	s.start(breakage{ahead: ahead})
	until(t, time.Minute, "the flow to be started", func() bool {
		n, _ := s.ticks(t)
		return n >= runs
	})
	s.settled(t, time.Minute)
	s.kill()
}

// ticks counts the runs by the clock, and the times that they are for.
func (s *server) ticks(t *testing.T) (runs, times int) {
	t.Helper()
	seen := map[time.Time]bool{}
	for ex, err := range s.api.AllExecutions(within(t, time.Minute), &headracev1.ListExecutionsRequest{PageSize: 100, Filter: `invoke_type = "SCHEDULE"`}) {
		if err != nil {
			t.Fatal(err)
		}
		runs++
		seen[ex.GetScheduleTime().AsTime()] = true
	}
	return runs, len(seen)
}

// tornTimes kills a server that takes a time after it has started its flow, at one commit after the other, until a time ran twice.
func (s *server) tornTimes(t *testing.T, ahead time.Duration) (doubled int) {
	t.Helper()
	for commit := 1; commit <= 5 && doubled == 0; commit++ {
		ahead += afterNext
		s.dieOf(breakage{plan: fmt.Sprintf("writer-committed=kill@%d", commit), broken: fault.FireApart, ahead: ahead})
		s.start(breakage{ahead: ahead})
		until(t, time.Minute, "a time that was not taken to be taken", func() bool {
			return s.instance(t, "smith").GetFlows()[0].GetNextRunTime().AsTime().After(time.Now().Add(ahead))
		})
		s.settled(t, time.Minute)
		runs, times := s.ticks(t)
		doubled = runs - times
		s.kill()
	}
	return doubled
}
