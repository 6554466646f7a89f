package control_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/headrace/headrace/examples/acme-erp/fake"
	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
)

// TestWhateverTheERPDoesTheLedgerKnows deploys version after version while the ERP loses answers, refuses and hangs up, by chance. However
// the deployments end, what the ERP has is what serves, each once, and what the ledger lists as not removed or not restored; and when the
// ERP is well again, a deployment and an undeployment leave what they should.
func TestWhateverTheERPDoesTheLedgerKnows(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		if underRace && seed%3 != 0 {
			continue // what is found here depends on what the ERP does, not on how goroutines meet
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			c := finding()
			if seed%2 == 0 {
				c = acmeFinding()
			}
			havoc(t, rand.New(rand.NewPCG(seed, 1)), c)
		})
	}
}

func havoc(t *testing.T, chance *rand.Rand, c ipaas.Component) {
	t.Helper()
	w := newWorld(t)
	w.with(c, tutorial())
	routes := []string{"POST /api/webhooks", "DELETE /api/webhooks/{id}", "GET /api/webhooks"}
	if c.Actions[0].Update != nil {
		routes = append(routes, "PATCH /api/webhooks/{id}")
	}
	modes := []fake.Mode{fake.Status, fake.HangUp, fake.HangUpAfterCommit}
	var wanted []string
	for range 8 {
		for range 1 + chance.IntN(3) {
			w.erp.Fail(fake.Failure{
				Route: routes[chance.IntN(len(routes))], Mode: modes[chance.IntN(len(modes))], After: chance.IntN(2), Times: 1 + chance.IntN(3),
			})
		}
		def, next := chosen(chance)
		_, err := w.next(def)
		w.erp.Heal()
		if err == nil {
			wanted = next
		} else {
			refused(t, err, ipaas.ReasonInitFlowFailed)
		}
		if wrong := w.unexplained(wanted); wrong != "" {
			t.Fatal(wrong)
		}
	}
	def, next := chosen(chance)
	must[control.DeployResult](t)(w.next(def))
	if wrong := w.unexplained(next); wrong != "" {
		t.Error(wrong)
	}
	result := must[control.RemovalResult](t)(w.UndeployInstance(t.Context(), "one", plain))
	if len(result.Remaining) != 0 || len(w.erp.Webhooks()) != 0 {
		t.Errorf("remaining: %+v, and at the ERP: %v", result.Remaining, w.events())
	}
}

// chosen is a version by chance, and the events it registers.
func chosen(chance *rand.Rand) (ipaas.Definition, []string) {
	def := tutorial()
	def.Flows[2].Steps = nil
	var wanted []string
	for i, flow := range []string{"Customers", "Inventory", "Customers"} {
		if chance.IntN(4) == 0 && (i > 0 || wanted != nil) {
			continue
		}
		event := fmt.Sprintf("thing_%c.%s", 'a'+i, []string{"created", "updated"}[chance.IntN(2)])
		def.Flows[2].Steps = append(def.Flows[2].Steps, register(fmt.Sprintf("Step %d", i), event, flow))
		wanted = append(wanted, event)
	}
	return def, wanted
}

// unexplained tells what the ERP has, or has not, that neither what serves nor a debt explains.
func (w *world) unexplained(wanted []string) string {
	w.t.Helper()
	rows := must[[]ipaas.Registration](w.t)(w.store.ListRegistrations(w.t.Context(), "one"))
	debts, undecided := map[string]bool{}, 0
	for _, r := range rows {
		if r.State == ipaas.RegistrationRemoveFailed || r.BeforeImage != "" {
			debts[r.RemoteID] = true
			if r.RemoteID == "" {
				undecided++ // whether it was created is not known
			}
		}
	}
	var found []string
	for _, hook := range w.erp.Webhooks() {
		if !debts[hook.ID] {
			found = append(found, hook.Event)
		}
	}
	slices.Sort(found)
	extra := len(found)
	for _, event := range wanted {
		if slices.Contains(found, event) {
			extra--
		} else if !slices.ContainsFunc(rows, func(r ipaas.Registration) bool { return r.BeforeImage != "" }) {
			return fmt.Sprintf("the ERP calls about %v, and not about %s", found, event)
		}
	}
	if extra > undecided {
		return fmt.Sprintf("the ERP calls about %v, wanted are %v, and the ledger lists %d of which nothing is known\n%+v", found, wanted, undecided, rows)
	}
	return ""
}
