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
	s.describeAcme(t)
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
	callers, instances := size(t, "T5.callers", 64, 64), size(t, "T5.instances", 20, 200)
	e, s := newERP(t), newServer(t)
	s.start(breakage{})
	s.describeAcme(t)
	// The winner waits in the middle until everybody else has an answer.
	e.Fail(fake.Failure{Route: "POST /api/webhooks", Mode: fake.Delay, Delay: time.Hour, Times: -1})
	var mu sync.Mutex
	var refused, won int
	var delays []time.Duration
	var losers, all sync.WaitGroup
	losers.Add(instances * (callers - 1))
	for i := range instances {
		id := fmt.Sprintf("acme-%d", i)
		s.createAcme(t, id, e)
		for range callers {
			all.Go(func() {
				began := time.Now()
				_, err := s.api.Deploy(within(t, 5*time.Minute), id, client.DeployOptions{})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					won++
				case status.Code(err) == codes.Aborted && client.ReasonOf(err) == "DEPLOYMENT_RUNNING":
					refused++
					delays = append(delays, time.Since(began))
					losers.Done()
				default:
					t.Errorf("deploying %s: %v", id, err)
				}
			})
		}
	}
	losers.Wait()
	e.Heal()
	all.Wait()
	if won != instances || refused != instances*(callers-1) {
		t.Errorf("of %d × %d deployments at once %d won and %d were refused, want one winner each", callers, instances, won, refused)
	}
	if created := e.creates(); created != 2*instances {
		t.Errorf("%d webhooks were created, want %d", created, 2*instances)
	}
	results.add(t, result{
		Target: "T5", Goal: "one deployment of an instance at a time, others ABORTED at once",
		Size: fmt.Sprintf("%d callers × %d instances", callers, instances),
		Figure: fmt.Sprintf("%d winners, %d refused, %d webhooks; refused after p50 %s, p99 %s, all %d calls at once", won, refused, e.creates(),
			rounded(quantile(delays, 0.5)), rounded(quantile(delays, 0.99)), callers*instances),
	})
}
