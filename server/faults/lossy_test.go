//go:build faults

package faults_test

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/headrace/headrace/client"
	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// lossy stands between the server and an ERP, and loses what it is told to.
type lossy struct {
	t     *testing.T
	proxy *toxiproxy.Proxy
}

// newLossy puts a proxy before an ERP, whose URL becomes the proxy's.
func newLossy(t *testing.T, e *erp) *lossy {
	t.Helper()
	e.server.Config.SetKeepAlivesEnabled(false) // each call has a connection of its own, with its own luck
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	proxy := toxiproxy.NewProxy(server, t.Name(), freeAddr(t), strings.TrimPrefix(e.url, "http://"))
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Stop)
	e.url = "http://" + proxy.Listen
	return &lossy{t: t, proxy: proxy}
}

// loseAnswers lets a share of the connections end before an answer: what was asked has happened, and nobody is told.
func (l *lossy) loseAnswers(share float64) {
	l.t.Helper()
	toxic := fmt.Sprintf(`{"name": "lost", "type": "limit_data", "stream": "downstream", "toxicity": %g, "attributes": {"bytes": 0}}`, share)
	if _, err := l.proxy.Toxics.AddToxicJson(strings.NewReader(toxic)); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lossy) heal() { l.proxy.Toxics.ResetToxics(context.Background()) }

// TestLostAnswers deploys instances while a third of all answers of the ERP gets lost (T6). Whatever came of each deployment, at the
// end, with the answers back, each instance has its two webhooks once.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	instances := size(t, "T6.instances", 100, 2500) // each creates two webhooks
	got := loseAnswers(t, instances, true)
	if got.wrong > 0 || got.hooks != 2*instances {
		t.Errorf("%d instances do not have their two webhooks, and the ERP has %d webhooks in all: want 0 and %d", got.wrong, got.hooks, 2*instances)
	}
	blind := loseAnswers(t, 20, false)
	if blind.hooks == 40 && blind.wrong == 0 {
		t.Errorf("where the component cannot look up what it created there was no duplicate either: no answer was lost")
	}
	results.add(t, result{
		Target: "T6", Goal: "answers that get lost create nothing twice", Size: fmt.Sprintf("%d creations, a third of all answers lost", 2*instances),
		Figure: fmt.Sprintf("%d webhooks created in all, %d there at the end, %d duplicates or orphans, %d debts; %d deployments failed first and were repeated",
			got.created, got.hooks, got.hooks-2*instances, got.debts, got.failed),
		Control: fmt.Sprintf("a component that cannot look up what it created: %d webhooks for 20 instances, %d of them listed as unconfirmed", blind.hooks, blind.debts),
	})
}

type lostAnswers struct {
	failed  int // deployments while answers got lost
	created int // ever, at the ERP
	hooks   int // at the ERP in the end
	wrong   int // instances without exactly their two
	debts   int // that the server lists
}

func loseAnswers(t *testing.T, instances int, lookup bool) (got lostAnswers) {
	t.Helper()
	e, s := newERP(t), newServer(t)
	between := newLossy(t, e)
	s.start(breakage{})
	s.describeAcme(t, lookup)
	between.loseAnswers(0.33)
	var mu sync.Mutex
	side(t, instances, func(ctx context.Context, n int) error {
		id := fmt.Sprintf("acme-%d", n)
		s.createAcme(t, id, e)
		_, err := s.api.Deploy(ctx, id, client.DeployOptions{})
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			got.failed++
		}
		return nil
	})
	between.heal()
	for n := range instances {
		s.deploy(t, fmt.Sprintf("acme-%d", n))
	}
	s.settleDebts(t)
	for n := range instances {
		hooks := e.hooksOf(t, s.instance(t, fmt.Sprintf("acme-%d", n)))
		total := 0
		for _, times := range hooks {
			total += times
		}
		if len(hooks) != 2 || total != 2 {
			got.wrong++
		}
	}
	got.created, got.hooks, got.debts = e.creates(), len(e.Webhooks()), len(s.debts(t))
	return got
}

// debts are what the server owes to other systems.
func (s *server) debts(t *testing.T) []*headracev1.CleanupDebt {
	t.Helper()
	res, err := s.api.CleanupDebts.ListCleanupDebts(within(t, time.Minute), &headracev1.ListCleanupDebtsRequest{PageSize: 1000})
	if err != nil {
		t.Fatal(err)
	}
	return res.GetCleanupDebts()
}

// settleDebts tries at once to remove what would be tried again in a minute. What cannot be removed stays a debt.
func (s *server) settleDebts(t *testing.T) {
	t.Helper()
	for _, debt := range s.debts(t) {
		_, err := s.api.CleanupDebts.RetryCleanupDebt(within(t, time.Minute), &headracev1.RetryCleanupDebtRequest{CleanupDebtId: debt.GetId()})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// hooksOf are the webhooks at the ERP that lead to an instance, by the path of their URL.
func (e *erp) hooksOf(t *testing.T, in *headracev1.Instance) map[string]int {
	t.Helper()
	hooks := map[string]int{}
	for _, hook := range e.Webhooks() {
		if slices.ContainsFunc(in.GetFlows(), func(f *headracev1.InstanceFlow) bool {
			return pathOf(t, f.GetWebhookUrl()) == pathOf(t, hook.CallbackURL)
		}) {
			hooks[pathOf(t, hook.CallbackURL)]++
		}
	}
	return hooks
}

// pathOf is the path of a URL up to the token of a webhook.
func pathOf(t *testing.T, text string) string {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return path.Clean(u.Path)
}
