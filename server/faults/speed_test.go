//go:build faults

package faults_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The tests of this file run before those that run side by side, so that they measure the server and not each other. What they
// measure is reported; a test fails only on what no machine excuses.

// TestAcceptRate measures how many events of 2 KiB 64 senders get acknowledged, each synced to the disk (T7).
func TestAcceptRate(t *testing.T) {
	seconds := size(t, "T7.seconds", 3, 3600)
	alone := acceptRate(t, time.Duration(seconds)*time.Second, true)
	whole := acceptRate(t, time.Duration(seconds)*time.Second, false)
	results.add(t, result{
		Target: "T7", Goal: "3,000 durable accepts/s of 2 KiB from 64 senders, p99 50 ms",
		Size:   fmt.Sprintf("2 × %d s, sender and server share the machine", seconds),
		Figure: fmt.Sprintf("taking only: %s; taking and running: %s", alone, whole),
	})
}

type rate struct {
	perSecond float64
	p50, p99  time.Duration
	ran       float64 // executions that ended, per second
}

func (r rate) String() string {
	s := fmt.Sprintf("%.0f/s, p50 %s, p99 %s", r.perSecond, rounded(r.p50), rounded(r.p99))
	if r.ran > 0 {
		s += fmt.Sprintf(", %.0f/s run", r.ran)
	}
	return s
}

// acceptRate lets 64 senders send for a time. Where only the taking counts, the one worker waits for the sink.
func acceptRate(t *testing.T, long time.Duration, takingOnly bool) rate {
	t.Helper()
	to := newSink(t)
	s := newServer(t)
	s.binary = plainServer
	if takingOnly {
		s.args = []string{"--workers", "1"}
		to.block()
	}
	s.start(breakage{})
	hook := s.deployRelay(t, "smith", to.URL+"/smith")
	s.blast(t, hook, time.Second/2) // warm
	ran, began := to.count("smith"), time.Now()
	latency := s.blast(t, hook, long)
	took, ended := time.Since(began).Seconds(), to.count("smith")-ran
	s.kill()
	return rate{
		perSecond: float64(len(latency)) / took, ran: float64(ended) / took,
		p50: quantile(latency, 0.5), p99: quantile(latency, 0.99),
	}
}

// blast lets 64 senders post events of 2 KiB for a time, and returns how long each acknowledgement took. The senders write and read
// the connections themselves: they share the machine with the server, and what they use it has not.
func (s *server) blast(t *testing.T, hook string, long time.Duration) []time.Duration {
	t.Helper()
	_, path, _ := strings.Cut(strings.TrimPrefix(hook, "http://"), "/")
	var latency []time.Duration
	var mu sync.Mutex
	var next atomic.Int64
	var all sync.WaitGroup
	end := time.Now().Add(long)
	for range 64 {
		all.Go(func() {
			own, err := s.blastOn(path, end, &next)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			latency = append(latency, own...)
		})
	}
	all.Wait()
	return latency
}

func (s *server) blastOn(path string, end time.Time, next *atomic.Int64) (latency []time.Duration, err error) {
	conn, err := net.Dial("tcp", s.httpAddr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	padding := strings.Repeat("x", 2048)
	for time.Now().Before(end) {
		body := fmt.Sprintf(`"%d %s"`, next.Add(1), padding)
		began := time.Now()
		if _, err := fmt.Fprintf(conn, "POST /%s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			path, s.httpAddr, len(body), body); err != nil {
			return latency, err
		}
		answer, err := http.ReadResponse(answers, nil)
		if err != nil {
			return latency, err
		}
		_, err = io.Copy(io.Discard, answer.Body)
		if err = errors.Join(err, answer.Body.Close()); err != nil || answer.StatusCode != http.StatusOK {
			return latency, fmt.Errorf("an event was answered %s: %w", answer.Status, err)
		}
		latency = append(latency, time.Since(began))
	}
	return latency, nil
}

// TestStartDelay measures how long an event waits between its acknowledgement and the call its flow makes, at 300/s (T8).
func TestStartDelay(t *testing.T) {
	seconds := size(t, "T8.seconds", 4, 3600)
	to, s := newSink(t), newServer(t)
	s.binary = plainServer
	s.start(breakage{})
	sending := newSenders(t, s.deployRelay(t, "smith", to.URL+"/smith"), 0)
	sending.pace(300)
	time.Sleep(time.Duration(seconds) * time.Second)
	sending.halt()
	s.settled(t, time.Minute)
	sending.judge(to, "smith").check(t)
	delays := to.delays(sending)
	results.add(t, result{
		Target: "T8", Goal: "from acknowledgement to the flow's call: p99 100 ms at 300/s",
		Size:   fmt.Sprintf("%d events in %d s", len(delays), seconds),
		Figure: fmt.Sprintf("p50 %s, p99 %s", rounded(quantile(delays, 0.5)), rounded(quantile(delays, 0.99))),
	})
}

// TestNoisyNeighbour lets one customer send more than the server can run, and another one a little (T14): the quiet one's events do not
// wait behind the noisy one's. Those of a third, which go into the noisy one's own queue, do: they show that there is one.
func TestNoisyNeighbour(t *testing.T) {
	seconds := size(t, "T14.seconds", 4, 3600)
	const quietRate, noisyRate = 20, 300 // per second; four workers can run 200
	to, s := newSink(t), newServer(t, "--workers", "4")
	s.binary = plainServer
	s.start(breakage{})
	quietHook, noisyHook := s.deployRelay(t, "quiet", to.URL+"/quiet"), s.deployRelay(t, "noisy", to.URL+"/noisy")
	to.slow(20 * time.Millisecond)
	pace := func(hook string, from, rate int) *senders {
		sending := newSenders(t, hook, from)
		sending.pace(rate)
		return sending
	}
	long := time.Duration(seconds) * time.Second
	alone := pace(quietHook, 0, quietRate)
	time.Sleep(long)
	alone.halt()

	noise := pace(noisyHook, 1_000_000, noisyRate)
	time.Sleep(long / 2)
	quiet, behind := pace(quietHook, 2_000_000, quietRate), pace(noisyHook, 3_000_000, quietRate)
	time.Sleep(long)
	quiet.halt()
	behind.halt()
	noise.halt()
	s.kill()
	base, beside, queued := quantile(to.delays(alone), 0.99), quantile(to.delays(quiet), 0.99), quantile(to.delays(behind), 0.99)
	if beside > queued/2 || len(quiet.acked) == 0 {
		t.Errorf("the quiet customer waited %s, those in the noisy one's own queue %s: it waits behind the other", beside, queued)
	}
	results.add(t, result{
		Target: "T14", Goal: "a noisy customer does not starve a quiet one: p99 ≤ 2 × alone at 10:1",
		Size: fmt.Sprintf("%d/s beside %d/s, of which 200/s can run, %d s", quietRate, noisyRate+quietRate, seconds),
		Figure: fmt.Sprintf("p99 from acknowledgement to call: %s alone, %s beside the noisy one (%.1f ×)",
			rounded(base), rounded(beside), beside.Seconds()/base.Seconds()),
		Control: fmt.Sprintf("events in the noisy one's own queue: p99 %s", rounded(queued)),
	})
}
