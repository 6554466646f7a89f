//go:build faults

package faults_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// verdict is what the total-queue checker finds, as Jepsen's does: what went in must come out.
type verdict struct {
	acked      int   // events whose sender was told 2xx
	lost       []int // acknowledged, and without effect
	duplicated []int // with more than one effect
	recovered  int   // not acknowledged, for the answer was lost, and yet with an effect
	unexpected []int // with an effect, and never sent
}

func (v verdict) String() string {
	return fmt.Sprintf("%d acked, %d lost, %d duplicated effects, %d recovered", v.acked, len(v.lost), len(v.duplicated), v.recovered)
}

// judge compares what was sent and acknowledged with the effects there are.
func judge(sent, acked map[int]bool, effects map[int]int) verdict {
	v := verdict{acked: len(acked)}
	for _, n := range slices.Sorted(maps.Keys(acked)) {
		if effects[n] == 0 {
			v.lost = append(v.lost, n)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(effects)) {
		switch {
		case !sent[n]:
			v.unexpected = append(v.unexpected, n)
		case !acked[n]:
			v.recovered++
		}
		if effects[n] > 1 {
			v.duplicated = append(v.duplicated, n)
		}
	}
	return v
}

// check fails the test unless what went in came out, once.
func (v verdict) check(t *testing.T) {
	t.Helper()
	if len(v.lost) > 0 || len(v.duplicated) > 0 || len(v.unexpected) > 0 {
		t.Errorf("%s: lost %v, duplicated %v, unexpected %v", v, first(v.lost), first(v.duplicated), first(v.unexpected))
	}
}

func first(numbers []int) []int { return numbers[:min(len(numbers), 20)] }

// TestChecker shows the checker its own faults.
func TestChecker(t *testing.T) {
	t.Parallel()
	set := func(numbers ...int) map[int]bool {
		m := map[int]bool{}
		for _, n := range numbers {
			m[n] = true
		}
		return m
	}
	got := judge(set(1, 2, 3, 4), set(1, 2, 3), map[int]int{1: 1, 3: 2, 4: 1, 9: 1})
	if got.acked != 3 || !slices.Equal(got.lost, []int{2}) || !slices.Equal(got.duplicated, []int{3}) ||
		got.recovered != 1 || !slices.Equal(got.unexpected, []int{9}) {
		t.Errorf("the checker found %+v", got)
	}
}

// senders post numbered events to a webhook, side by side, each number once.
type senders struct {
	url  string
	body func(n int) string
	next atomic.Int64
	stop chan struct{}
	done sync.WaitGroup
	http *http.Client

	mu       sync.Mutex
	sent     map[int]bool
	acked    map[int]bool
	ackedAt  map[int]time.Time
	ids      map[string]int  // of acknowledged executions
	latency  []time.Duration // of acknowledged ones
	statuses map[int]int

	noRetryAfter int // answers 503 that do not say when to come back
}

// newSenders prepares senders that number from a first event on.
func newSenders(t *testing.T, url string, from int) *senders {
	t.Helper()
	s := &senders{
		url: url, stop: make(chan struct{}), sent: map[int]bool{}, acked: map[int]bool{}, ackedAt: map[int]time.Time{}, ids: map[string]int{}, statuses: map[int]int{},
		body: func(n int) string { return fmt.Sprintf(`"%d event"`, n) },
		http: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256}},
	}
	s.next.Store(int64(from))
	return s
}

// run lets n senders send until they are told to halt.
func (s *senders) run(n int) {
	for range n {
		s.done.Go(func() {
			for {
				select {
				case <-s.stop:
					return
				default:
					s.send(int(s.next.Add(1)) - 1)
				}
			}
		})
	}
}

// pace sends at a rate, however long answers take, until they are told to halt.
func (s *senders) pace(perSecond int) {
	s.done.Go(func() {
		tick := time.NewTicker(time.Second / time.Duration(perSecond))
		defer tick.Stop()
		for {
			select {
			case <-s.stop:
				return
			case <-tick.C:
				n := int(s.next.Add(1)) - 1
				s.done.Go(func() { s.send(n) })
			}
		}
	})
}

func (s *senders) halt() {
	close(s.stop)
	s.done.Wait()
	s.http.CloseIdleConnections()
}

// send posts one event. One that is not acknowledged is not sent again: it may or may not come out.
func (s *senders) send(n int) {
	s.mu.Lock()
	s.sent[n] = true
	s.mu.Unlock()
	began := time.Now()
	res, err := s.http.Post(s.url, "application/json", strings.NewReader(s.body(n)))
	if err != nil {
		s.refused(0)
		return
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		s.refused(0)
		return
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		if res.StatusCode == http.StatusServiceUnavailable && res.Header.Get("Retry-After") == "" {
			s.mu.Lock()
			s.noRetryAfter++
			s.mu.Unlock()
		}
		s.refused(res.StatusCode)
		return
	}
	id, _, _ := strings.Cut(strings.TrimPrefix(string(answer), `{"executionId":"`), `"`)
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acked[n], s.ackedAt[n], s.ids[id] = true, now, n
	s.latency = append(s.latency, now.Sub(began))
	s.statuses[res.StatusCode]++
}

// refused counts an answer that is none, and leaves the server a moment.
func (s *senders) refused(status int) {
	s.mu.Lock()
	s.statuses[status]++
	s.mu.Unlock()
	time.Sleep(2 * time.Millisecond)
}

func (s *senders) ackedSoFar() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.acked)
}

// answers is how often a status was answered so far; 0 counts those who got no answer.
func (s *senders) answers(status int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.statuses[status]
}

// judge is what came of what was sent so far.
func (s *senders) judge(sink *sink, lane string) verdict {
	effects := sink.seen(lane)
	s.mu.Lock()
	defer s.mu.Unlock()
	return judge(s.sent, s.acked, effects)
}

// snapshot is what was sent and acknowledged so far.
func (s *senders) snapshot() *senders {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &senders{sent: maps.Clone(s.sent), acked: maps.Clone(s.acked), ids: maps.Clone(s.ids)}
}

// present is what of the acknowledged is still in the store: lost are those whose execution nobody knows any more.
func (s *senders) present(t *testing.T, in *server) verdict {
	t.Helper()
	known := map[int]int{}
	for _, id := range in.executionIDs(t) {
		if n, ok := s.ids[id]; ok {
			known[n]++
		}
	}
	return judge(s.sent, s.acked, known)
}

// quantile returns the value that a share of all values do not exceed.
func quantile(values []time.Duration, share float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
}

// rounded is a duration as a table shows it.
func rounded(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", d.Seconds()*1000)
	case d < time.Second:
		return fmt.Sprintf("%.0f ms", d.Seconds()*1000)
	default:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
}
