//go:build faults

package faults_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// sink is the system that flows send to. Like a well-behaved one it honours Idempotency-Key: what it is asked with a key that it
// knows it does not do again.
type sink struct {
	*httptest.Server

	mu      sync.Mutex
	effects map[string]map[int]int // of each lane: how often the number in a body had an effect
	keys    map[string]bool
	repeats int               // requests with a known key
	arrived map[int]time.Time // first arrival of each number
	hold    chan struct{}     // open: requests wait
	delay   time.Duration     // how long each takes
}

func newSink(t *testing.T) *sink {
	t.Helper()
	s := &sink{effects: map[string]map[int]int{}, keys: map[string]bool{}, arrived: map[int]time.Time{}}
	s.Server = httptest.NewServer(http.HandlerFunc(s.take))
	t.Cleanup(func() {
		s.release()
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

// take does what a request asks: the path is the lane, the body begins with the number of the event.
func (s *sink) take(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	body, err := io.ReadAll(r.Body)
	text, _, _ := strings.Cut(string(body), " ")
	number, numberErr := strconv.Atoi(strings.Trim(text, `"`))
	if err != nil || numberErr != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	hold, delay := s.hold, s.delay
	s.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-r.Context().Done():
			return
		}
	}
	time.Sleep(delay)
	s.enter(strings.Trim(r.URL.Path, "/"), number, r.Header.Get("Idempotency-Key"), now)
	w.WriteHeader(http.StatusCreated)
}

func (s *sink) enter(lane string, number int, key string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if key != "" && s.keys[key] {
		s.repeats++
		return
	}
	s.keys[key] = true
	if s.effects[lane] == nil {
		s.effects[lane] = map[int]int{}
	}
	s.effects[lane][number]++
	if _, known := s.arrived[number]; !known {
		s.arrived[number] = now
	}
}

// block lets requests wait until release.
func (s *sink) block() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hold = make(chan struct{})
}

func (s *sink) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hold != nil {
		close(s.hold)
		s.hold = nil
	}
}

// seen returns how often each number had an effect.
func (s *sink) seen(lane string) map[int]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := make(map[int]int, len(s.effects[lane]))
	for n, times := range s.effects[lane] {
		seen[n] = times
	}
	return seen
}

func (s *sink) count(lane string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.effects[lane])
}

func (s *sink) repeated() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.repeats
}

// slow lets each request take a while.
func (s *sink) slow(delay time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = delay
}

// delays are how long events took from their acknowledgement to the call of their flow; for those that wait still, so far.
func (s *sink) delays(sent *senders) (delays []time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n, acked := range sent.ackedAt {
		arrived, ok := s.arrived[n]
		if !ok {
			arrived = time.Now()
		}
		delays = append(delays, max(0, arrived.Sub(acked)))
	}
	return delays
}
