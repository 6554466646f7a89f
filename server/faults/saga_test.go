//go:build faults

package faults_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/headrace/headrace/client"
	"github.com/headrace/headrace/examples/acme-erp/fake"
	"github.com/headrace/headrace/internal/fault"
	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// A plot is something done to an instance that is torn at points of its own, with what may be at the ERPs afterwards.
type plot struct {
	name   string
	points []string
	before func(w *stage)                            // done before, whole
	do     func(ctx context.Context, w *stage) error // torn
}

// stage is an instance of the tutorial between two ERPs.
type stage struct {
	t        *testing.T
	s        *server
	id       string
	erp, new *erp // new is where the instance moves to
	moved    bool
}

var plots = []plot{
	{
		name: "first deployment",
		points: []string{
			"deploy-begun@1", "intent-recorded@1", "intent-recorded@2", "step-begun@1", "step-called@1", "step-called@2",
			"step-completed@2", "step-completed@3", "execution-finish@1", "deploy-commit@1", "deploy-committed@1",
		},
		do: deployAcme,
	},
	{
		name:   "failing deployment",
		points: []string{"rollback-begun@1", "undo-begin@1", "undo-called@1", "undo-settled@1", "rollback-finish@1"},
		before: func(w *stage) {
			w.erp.Fail(fake.Failure{Route: "POST /api/webhooks", Event: "inventory.updated", Status: 400, Times: -1})
		},
		do: deployAcme,
	},
	{
		name:   "move to another ERP",
		points: []string{"intent-recorded@2", "step-called@2", "deploy-commit@1", "deploy-committed@1", "undo-called@1", "undo-settled@1", "undo-called@2"},
		before: func(w *stage) {
			w.s.deploy(w.t, w.id)
			w.move()
		},
		do: deployAcme,
	},
	{
		name:   "deletion",
		points: []string{"removal-begun@1", "undo-called@1", "undo-settled@1", "undo-called@2", "removal-finish@1"},
		before: func(w *stage) { w.s.deploy(w.t, w.id) },
		do: func(ctx context.Context, w *stage) error {
			_, err := w.s.api.Instances.DeleteInstance(ctx, &headracev1.DeleteInstanceRequest{InstanceId: w.id})
			return err
		},
	},
}

func deployAcme(ctx context.Context, w *stage) error {
	_, err := w.s.api.Deploy(ctx, w.id, client.DeployOptions{})
	return err
}

// TestTornDeployments kills the server at every point of deploying and deleting (T3): at most 10 s after it is ready again everything
// is in place, or as it was before, and at the end there is not one webhook too many or too few.
func TestTornDeployments(t *testing.T) {
	t.Parallel()
	times := size(t, "T3.times", 1, 100)
	var all torn
	for _, p := range plots {
		got := tear(t, p, p.points, times, 12*time.Second, breakage{})
		if got.orphans > 0 || got.missing > 0 || got.half > 0 {
			t.Errorf("%s: %s", p.name, got)
		}
		all.add(got)
	}
	if all.slowest > 10*time.Second {
		t.Errorf("it took %s from readiness until everything was in place or as before, want at most 10 s", all.slowest)
	}
	blind := tear(t, plots[0], []string{"step-called@1", "step-called@2"}, 1, 2*time.Second, breakage{broken: fault.NoLedger})
	if blind.orphans == 0 {
		t.Errorf("without a ledger there was no orphan either: the count is blind: %s", blind)
	}
	results.add(t, result{
		Target: "T3", Goal: "a deployment or deletion killed anywhere ends whole or as before, ≤ 10 s after readiness: no orphan, no duplicate",
		Size: fmt.Sprintf("%d kills at %d points", all.kills, all.kills/times), Figure: all.String(),
		Control: "without the ledger: " + blind.String(),
	})
}

// torn counts what kills left.
type torn struct {
	kills   int
	whole   int // ended as was asked
	before  int // ended as it was before
	half    int // neither
	orphans int // webhooks at an ERP that no instance knows of, or twice
	missing int // webhooks that should be there
	slowest time.Duration
}

func (n torn) String() string {
	return fmt.Sprintf("%d kills: %d ended whole, %d as before, %d half; %d orphans or duplicates, %d missing; settled at most %s after readiness",
		n.kills, n.whole, n.before, n.half, n.orphans, n.missing, rounded(n.slowest))
}

func (n *torn) add(o torn) {
	n.kills, n.whole, n.before, n.half = n.kills+o.kills, n.whole+o.whole, n.before+o.before, n.half+o.half
	n.orphans, n.missing, n.slowest = n.orphans+o.orphans, n.missing+o.missing, max(n.slowest, o.slowest)
}

// tear plays a plot once for each point and time, on one server with an instance each.
func tear(t *testing.T, p plot, points []string, times int, patience time.Duration, b breakage) (got torn) {
	t.Helper()
	s := newServer(t)
	s.start(breakage{})
	s.describeAcme(t, true)
	for i := range times {
		for _, point := range points {
			w := &stage{t: t, s: s, id: strings.ReplaceAll(point, "@", "-") + fmt.Sprint("-", i), erp: newERP(t), new: newERP(t)}
			s.createAcme(t, w.id, w.erp)
			if p.before != nil {
				p.before(w)
			}
			generation := s.instance(t, w.id).GetGeneration()
			s.kill()
			name, nth, _ := strings.Cut(point, "@")
			s.start(breakage{plan: name + "=kill@" + nth, broken: b.broken})
			w.dieDoing(p)
			s.kill()
			s.start(b)
			got.kills++
			w.settle(&got, generation, patience)
			w.mend(&got)
			s.kill()
			s.start(breakage{})
		}
	}
	s.kill()
	return got
}

// dieDoing does what the plot wants; the server dies of it.
func (w *stage) dieDoing(p plot) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	var done sync.WaitGroup
	done.Go(func() { _ = p.do(ctx, w) }) // there is nobody left to answer
	select {
	case <-w.s.died():
	case <-ctx.Done():
		w.t.Errorf("%s: the server did not die at its point: %s", p.name, w.id)
	}
	cancel()
	done.Wait()
}

// state is how an instance and its ERPs stand.
type state struct {
	running          bool  // something goes on
	generation       int32 // 0: none serves, or the instance is deleted
	deleted          bool
	here, there      int // webhooks at the first and the second ERP
	wantHere, wantIn int // as many as the generation that serves should have
}

func (n state) right() bool { return n.here == n.wantHere && n.there == n.wantIn }

func (w *stage) state(was int32) (n state) {
	w.t.Helper()
	n.here, n.there = len(w.erp.Webhooks()), len(w.new.Webhooks())
	res, err := w.s.api.Instances.GetInstance(within(w.t, time.Minute), &headracev1.GetInstanceRequest{InstanceId: w.id})
	if status.Code(err) == codes.NotFound {
		n.deleted = true
		return n
	}
	if err != nil {
		w.t.Fatal(err)
	}
	in := res.GetInstance()
	n.generation = in.GetGeneration()
	n.running = in.GetState() == headracev1.Instance_STATE_DELETING
	list, err := w.s.api.Deployments.ListDeployments(within(w.t, time.Minute), &headracev1.ListDeploymentsRequest{InstanceId: w.id, PageSize: 1})
	if status.Code(err) == codes.NotFound {
		return w.state(was) // deleted since
	}
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range list.GetDeployments() {
		n.running = n.running || d.GetState() != headracev1.Deployment_STATE_SUCCEEDED && d.GetState() != headracev1.Deployment_STATE_FAILED
	}
	switch {
	case n.generation == 0:
	case w.moved && n.generation > was:
		n.wantIn = 2
	default:
		n.wantHere = 2
	}
	return n
}

// settle waits until everything that was torn has come to an end, and counts how it ended.
func (w *stage) settle(got *torn, was int32, patience time.Duration) {
	w.t.Helper()
	began := time.Now()
	n := w.state(was)
	for (n.running || !n.right()) && time.Since(began) < patience {
		time.Sleep(5 * time.Millisecond)
		n = w.state(was)
	}
	got.slowest = max(got.slowest, time.Since(began))
	switch {
	case n.running || !n.right():
		got.half++
		w.t.Logf("%s: after the restart: %+v", w.id, n)
	case n.deleted || n.generation > was:
		got.whole++
	default:
		got.before++
	}
	got.count(n)
}

func (n *torn) count(s state) {
	n.orphans += max(0, s.here-s.wantHere) + max(0, s.there-s.wantIn)
	n.missing += max(0, s.wantHere-s.here) + max(0, s.wantIn-s.there)
}

// mend does again what was torn, whole this time, and looks once more.
func (w *stage) mend(got *torn) {
	w.t.Helper()
	w.erp.Heal()
	if n := w.state(0); n.deleted {
		return
	}
	was := w.s.instance(w.t, w.id).GetGeneration()
	w.s.deploy(w.t, w.id)
	got.count(w.state(was))
}

// move gives the instance the connection of the second ERP.
func (w *stage) move() {
	w.t.Helper()
	in := w.s.instance(w.t, w.id)
	in.ConfigValues = acmeValues(w.t, w.new)
	if _, err := w.s.api.Instances.UpdateInstance(within(w.t, time.Minute), &headracev1.UpdateInstanceRequest{
		InstanceId: w.id, Instance: in, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"config_values"}},
	}); err != nil {
		w.t.Fatal(err)
	}
	w.moved = true
}
