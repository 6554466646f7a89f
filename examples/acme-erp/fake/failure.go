package fake

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Mode says how a request fails.
type Mode string

// The ways to fail.
const (
	// Status answers with an error and does nothing else.
	Status Mode = "status"
	// HangUp drops the connection and does nothing else.
	HangUp Mode = "hangup"
	// HangUpAfterCommit does what was asked and then drops the connection: the lost response.
	HangUpAfterCommit Mode = "hangup_after_commit"
	// Delay waits, then does what was asked and answers, even if the caller has given up by then. Heal ends the wait.
	Delay Mode = "delay"
	// RefuseDuplicates answers 409 to what is there already, and does what else is asked.
	RefuseDuplicates Mode = "refuse_duplicates"
)

// Failure tells a fake to fail. Of the requests that match and would be let in, After succeed, then Times fail, then all pass.
//
// Mind that Go's own HTTP client silently repeats a GET, or any request with an Idempotency-Key, whose kept-alive connection
// is dropped before an answer: a HangUp with Times 1 may go unnoticed by such a caller.
type Failure struct {
	Route  string        // as the mux has it, "DELETE /api/webhooks/{id}", or for one resource, "DELETE /api/webhooks/wh_1"
	Event  string        // only requests about this event, say "inventory.updated"; "" is any
	Mode   Mode          // "" is Status
	Status int           // for mode Status; 0 is 500
	After  int           // successes before the first failure; what fails by itself is not counted
	Times  int           // 0 is once, negative is for ever
	Delay  time.Duration // for mode Delay
}

func (f Failure) withDefaults() Failure {
	if f.Mode == "" {
		f.Mode = Status
	}
	if f.Mode == Status && f.Status == 0 {
		f.Status = http.StatusInternalServerError
	}
	if f.Times == 0 {
		f.Times = 1
	}
	return f
}

// validate checks all but the route, which only the desk knows.
func (f Failure) validate() error {
	switch f.Mode {
	case Status, HangUp, HangUpAfterCommit, Delay, RefuseDuplicates:
	default:
		return fmt.Errorf("failure mode %q is unknown: use status, hangup, hangup_after_commit, delay or refuse_duplicates", f.Mode)
	}
	if f.Mode == Status && (f.Status < 300 || f.Status > 599) {
		return fmt.Errorf("failure status %d is none that fails: use 300 to 599", f.Status)
	}
	if f.Mode != Status && f.Status != 0 {
		return fmt.Errorf("failure status %d has no use in mode %s: leave it out", f.Status, f.Mode)
	}
	if f.Mode == Delay && f.Delay <= 0 {
		return fmt.Errorf("failure delay %s is no time: say how long to wait", f.Delay)
	}
	if f.Mode != Delay && f.Delay != 0 {
		return fmt.Errorf("failure delay %s has no use in mode %s: leave it out", f.Delay, f.Mode)
	}
	if f.After < 0 {
		return fmt.Errorf("failure after %d successes is in the past: use 0 or more", f.After)
	}
	return nil
}

// FailureState is a failure and what became of it so far.
type FailureState struct {
	Failure Failure
	Passed  int // requests that were let pass and succeeded
	Struck  int // requests it struck, counted on arrival: those being delayed are among them
}

// failures are those a fake was told of, in that order. Of those that match a request the first that is due strikes.
type failures struct {
	mu     sync.Mutex
	active []*activeFailure
}

type activeFailure struct {
	Failure
	passed, passing, struck int
	healed                  chan struct{}
}

func (fs *failures) add(f Failure) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.active = append(fs.active, &activeFailure{Failure: f, healed: make(chan struct{})})
}

func (fs *failures) heal() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, f := range fs.active {
		close(f.healed)
	}
	fs.active = nil
}

func (fs *failures) states() []FailureState {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	states := make([]FailureState, 0, len(fs.active))
	for _, f := range fs.active {
		states = append(states, FailureState{Failure: f.Failure, Passed: f.passed, Struck: f.struck})
	}
	return states
}

// strike finds the failure that is due for a request, or nil. The caller says by settle whether the request succeeded in
// the end. Until then it holds a place among the successes to come, so that of many requests at once no more than After succeed.
func (fs *failures) strike(matches func(Failure) bool) (due *activeFailure, settle func(succeeded bool)) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	var passing []*activeFailure
	for _, f := range fs.active {
		if !matches(f.Failure) || (f.Times > 0 && f.struck >= f.Times) {
			continue
		}
		if f.passed+f.passing >= f.After {
			f.struck++
			due = f
			break
		}
		f.passing++
		passing = append(passing, f)
	}
	return due, func(succeeded bool) {
		fs.mu.Lock()
		defer fs.mu.Unlock()
		for _, f := range passing {
			f.passing--
			if succeeded {
				f.passed++
			}
		}
	}
}

// failureJSON is a Failure as the admin API has it.
type failureJSON struct {
	Route   string `json:"route"`
	Event   string `json:"event,omitempty"`
	Mode    Mode   `json:"mode,omitempty"`
	Status  int    `json:"status,omitempty"`
	After   int    `json:"after,omitempty"`
	Times   int    `json:"times,omitempty"`
	DelayMS int64  `json:"delayMs,omitempty"`
}

func (j failureJSON) failure() Failure {
	return Failure{
		Route: j.Route, Event: j.Event, Mode: j.Mode, Status: j.Status, After: j.After, Times: j.Times,
		Delay: time.Duration(j.DelayMS) * time.Millisecond,
	}
}

func (f Failure) json() failureJSON {
	return failureJSON{
		Route: f.Route, Event: f.Event, Mode: f.Mode, Status: f.Status, After: f.After, Times: f.Times,
		DelayMS: f.Delay.Milliseconds(),
	}
}

// names says whether the failure's route is the pattern or the very resource asked for.
func (f Failure) names(pattern string, r *http.Request) bool {
	return f.Route == pattern || f.Route == r.Method+" "+r.URL.Path
}
