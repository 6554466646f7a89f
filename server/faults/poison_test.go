//go:build faults

package faults_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// TestPoison sends an event whose execution kills the server each time it runs (F7): after three times it is given up, and others run.
func TestPoison(t *testing.T) {
	t.Parallel()
	state, deaths, others := poison(t, 3)
	if state != headracev1.Execution_STATE_DEAD_LETTER || deaths != 3 || others != 1 {
		t.Errorf("the execution is %s after %d deaths, and %d other events ran: want DEAD_LETTER after 3, and 1", state, deaths, others)
	}
	unbounded, more, _ := poison(t, 1000)
	if unbounded == headracev1.Execution_STATE_DEAD_LETTER {
		t.Errorf("without a bound it was given up, too, after %d deaths", more)
	}
	results.add(t, result{
		Target: "F7", Goal: "an event that kills the server each time it runs is given up after 3 times, and others run", Size: "1 event",
		Figure:  fmt.Sprintf("%s after %d deaths, then %d other event ran", state, deaths, others),
		Control: fmt.Sprintf("without a bound: after %d deaths still not given up", more),
	})
}

// poison returns what became of an event that killed the server up to five times, after how many deaths, and how many others ran then.
func poison(t *testing.T, maxCrashes int) (state headracev1.Execution_State, deaths, others int) {
	t.Helper()
	to, s := newSink(t), newServer(t, "--max-crashes", strconv.Itoa(maxCrashes))
	s.start(breakage{})
	hook := s.deployRelay(t, "smith", to.URL+"/smith")
	s.kill()
	s.start(breakage{plan: "step-begun=pause:300ms;step-begun=kill"})
	id := post(hook, 1)
	execution := func() *headracev1.Execution {
		res, err := s.api.Executions.GetExecution(within(t, time.Minute), &headracev1.GetExecutionRequest{ExecutionId: id})
		if err != nil {
			return nil // it dies just now
		}
		return res.GetExecution()
	}
	for range 5 {
		until(t, time.Minute, "the server to die, or to give up", func() bool {
			if s.dead() {
				return true
			}
			ex := execution()
			return ex != nil && ex.GetState() == headracev1.Execution_STATE_DEAD_LETTER
		})
		if !s.dead() {
			break
		}
		deaths++
		s.kill()
		s.launch(breakage{plan: "step-begun=pause:300ms;step-begun=kill"})
	}
	s.kill()
	s.start(breakage{})
	state = execution().GetState()
	if post(hook, 2) != "" {
		until(t, time.Minute, "another event to run", func() bool { return to.seen("smith")[2] > 0 })
		others++
	}
	return state, deaths, others
}
