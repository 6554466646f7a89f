//go:build faults

package faults_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/headrace/headrace/client"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
	"github.com/headrace/headrace/internal/storage/sqldb"
	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// TestRestart starts a server on much that it has to remember (T9): thousands of instances, and many more executions that wait.
func TestRestart(t *testing.T) {
	instances, queued := size(t, "T9.instances", 3000, 10_000), size(t, "T9.queued", 30_000, 1_000_000)
	to, s := newSink(t), newServer(t)
	s.binary = plainServer
	s.start(breakage{})
	s.deployRelay(t, "smith", to.URL+"/smith")
	began := time.Now()
	side(t, instances-1, func(ctx context.Context, n int) error {
		id := fmt.Sprintf("smith-%d", n)
		_, err := s.api.Instances.CreateInstance(ctx, &headracev1.CreateInstanceRequest{Instance: &headracev1.Instance{
			Id: id, DisplayName: id, CustomerId: "smith", IntegrationId: "relay", ConfigValues: map[string]*headracev1.ConfigValue{"url": text(to.URL + "/smith")},
		}})
		if err != nil {
			return err
		}
		_, err = s.api.Deploy(ctx, id, client.DeployOptions{})
		return err
	})
	t.Logf("%d instances after %s", instances, time.Since(began))
	s.kill()
	s.queue(t, queued, instances)
	t.Logf("%d queued after %s", queued, time.Since(began))

	ready := s.start(breakage{})
	running := until(t, time.Minute, "the first execution", func() bool { return to.count("smith") > 0 })
	if ready > 10*time.Second {
		t.Errorf("it was ready after %s, want 2 s, and 10 s on the slowest machine", ready)
	}
	s.kill()
	results.add(t, result{
		Target: "T9", Goal: "ready ≤ 2 s after a start with 10,000 instances and 100,000 queued",
		Size:   fmt.Sprintf("%d instances, %d queued", instances, queued),
		Figure: fmt.Sprintf("ready after %s, the first execution ran %s later", rounded(ready), rounded(running)),
	})
}

// queue puts executions on disk, as webhooks would, without the detour over HTTP.
func (s *server) queue(t *testing.T, executions, instances int) {
	t.Helper()
	db, err := sqldb.OpenSQLite(t.Context(), filepath.Join(s.dir, "headrace.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	side(t, executions, func(ctx context.Context, n int) error {
		id := "smith"
		if at := n % instances; at > 0 {
			id = fmt.Sprintf("smith-%d", at-1)
		}
		_, err := db.AcceptExecution(ctx, ipaas.Execution{
			ID: ipaas.NewID("exe"), InstanceID: id, FlowID: "relay", FlowDisplayName: "Relay", Invoke: ipaas.InvokeWebhook, CreateTime: time.Now(),
			Payload: ipaas.Payload{Method: "POST", ContentType: "application/json", Body: fmt.Appendf(nil, `"%d event"`, n)},
		}, storage.Admission{ServingHasFlow: true})
		return err
	})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// side does something so many times, 256 at a time, and fails the test at the first error.
func side(t *testing.T, times int, do func(ctx context.Context, n int) error) {
	t.Helper()
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var all sync.WaitGroup
	ctx := within(t, 30*time.Minute)
	for range 256 {
		all.Go(func() {
			for n := int(next.Add(1)) - 1; n < times && failed.Load() == nil; n = int(next.Add(1)) - 1 {
				if err := do(ctx, n); err != nil {
					failed.CompareAndSwap(nil, &err)
				}
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		t.Fatal(*err)
	}
}

// TestPause stops the process for longer than a lease, as a machine does that is moved or starved, and lets it go on (F6): what it was
// doing is done once.
func TestPause(t *testing.T) {
	t.Parallel()
	if !soak() {
		t.Skip("skipped: it takes longer than a lease; make soak has the time")
	}
	const longer = 65 * time.Second // than a lease of 30 s, and than the minute between two looks for lost executions
	to, s := newSink(t), newServer(t)
	s.start(breakage{})
	sending := newSenders(t, s.deployRelay(t, "smith", to.URL+"/smith"), 0)
	to.block()
	sending.run(4)
	until(t, time.Minute, "events to be acknowledged", func() bool { return sending.ackedSoFar() > 200 })
	sending.halt()
	for _, signal := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGCONT} {
		if err := syscall.Kill(s.pid(), signal); err != nil {
			t.Fatal(err)
		}
		if signal == syscall.SIGSTOP {
			time.Sleep(longer)
		}
	}
	to.release()
	s.settled(t, 5*time.Minute)
	// Calls whose time ran out in the meantime may fail; none may be lost, or be made twice.
	sending.present(t, s).check(t)
	got := sending.judge(to, "smith")
	if len(got.duplicated) > 0 || len(got.unexpected) > 0 {
		t.Errorf("%s: duplicated %v, unexpected %v", got, got.duplicated, got.unexpected)
	}
	results.add(t, result{
		Target: "F6", Goal: "a process that slept longer than its leases doubles nothing", Size: "1 pause of " + rounded(longer),
		Figure: fmt.Sprintf("%d acked, %d ended without effect for their calls timed out, %d duplicated effects, %d requests repeated under their keys",
			got.acked, len(got.lost), len(got.duplicated), to.repeated()),
	})
}
