//go:build faults

package faults_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/headrace/headrace/client"
	"github.com/headrace/headrace/examples/acme-erp/fake"
	"github.com/headrace/headrace/internal/fault"
)

// TestRedeploy deploys an instance again and again without a change (T4): each webhook is created once, and no URL changes.
func TestRedeploy(t *testing.T) {
	t.Parallel()
	times := size(t, "T4.deployments", 100, 10_000)
	created, changed := redeploys(t, times, breakage{})
	if created != 2 || changed != 0 {
		t.Errorf("%d deployments created %d webhooks and changed %d URLs, want 2 and 0", times, created, changed)
	}
	without, _ := redeploys(t, 3, breakage{broken: fault.NoLedger})
	if without <= 2 {
		t.Errorf("without a ledger %d webhooks were created by 3 deployments: the count is blind", without)
	}
	results.add(t, result{
		Target: "T4", Goal: "redeploying creates nothing twice", Size: fmt.Sprintf("%d deployments", times),
		Figure:  fmt.Sprintf("%d webhooks created, %d URLs changed", created, changed),
		Control: fmt.Sprintf("without the ledger: %d created by 3 deployments", without),
	})
}

func redeploys(t *testing.T, times int, b breakage) (created, changed int) {
	t.Helper()
	e, s := newERP(t), newServer(t)
	s.start(b)
	s.describeAcme(t, true)
	s.createAcme(t, "acme", e)
	urls := map[string]string{}
	for range times {
		for _, f := range s.deploy(t, "acme").GetFlows() {
			if old, known := urls[f.GetFlowId()]; known && old != f.GetWebhookUrl() {
				changed++
			}
			urls[f.GetFlowId()] = f.GetWebhookUrl()
		}
	}
	return e.creates(), changed
}

// TestOneDeploymentAtATime deploys each of several instances many times at once (T5): one wins, the others are told so at once.
func TestOneDeploymentAtATime(t *testing.T) {
	t.Parallel()
	callers, instances := size(t, "T5.callers", 64, 64), size(t, "T5.instances", 20, 2000)
	e, s := newERP(t), newServer(t)
	s.start(breakage{})
	s.describeAcme(t, true)
	var all race
	for i := range instances {
		id := fmt.Sprintf("acme-%d", i)
		s.createAcme(t, id, e)
		won := all.won
		s.deployAtOnce(t, id, callers, e, &all)
		if all.won != won+1 {
			t.Errorf("of %d deployments of %s at once %d won, want 1", callers, id, all.won-won)
		}
	}
	if created := e.creates(); created != 2*instances || all.refused != instances*(callers-1) {
		t.Errorf("%d webhooks were created and %d deployments refused, want %d and %d", created, all.refused, 2*instances, instances*(callers-1))
	}
	results.add(t, result{
		Target: "T5", Goal: "one deployment of an instance at a time, the others ABORTED in 100 ms",
		Size: fmt.Sprintf("%d callers × %d instances", callers, instances),
		Figure: fmt.Sprintf("%d winners, %d refused, %d webhooks; refused after p50 %s, p99 %s", all.won, all.refused, e.creates(),
			rounded(quantile(all.delays, 0.5)), rounded(quantile(all.delays, 0.99))),
	})
}

// race is how deployments at once came out.
type race struct {
	won, refused int
	delays       []time.Duration // of the refused
}

// deployAtOnce deploys an instance many times at once. The winner waits in the middle until everybody else has an answer.
func (s *server) deployAtOnce(t *testing.T, id string, callers int, e *erp, r *race) {
	t.Helper()
	e.Fail(fake.Failure{Route: "POST /api/webhooks", Mode: fake.Delay, Delay: time.Hour, Times: -1})
	var mu sync.Mutex
	var losers, all sync.WaitGroup
	losers.Add(callers - 1)
	for range callers {
		all.Go(func() {
			began := time.Now()
			_, err := s.api.Deploy(within(t, time.Minute), id, client.DeployOptions{})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				r.won++
				return
			case status.Code(err) == codes.Aborted && client.ReasonOf(err) == "DEPLOYMENT_RUNNING":
				r.refused++
				r.delays = append(r.delays, time.Since(began))
			default:
				t.Errorf("deploying %s: %v", id, err)
			}
			losers.Done()
		})
	}
	losers.Wait()
	e.Heal()
	all.Wait()
}
