package control_test

import (
	"testing"
	"time"

	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
)

// reach waits until so many steps have come to a gate.
func (w *world) reach(gate string, n int) {
	w.t.Helper()
	for range n {
		select {
		case <-w.probe.gate(gate).reached:
		case <-time.After(patience()):
			w.t.Fatalf("waited in vain for a step to come to the gate %q", gate)
		}
	}
}

// TestFlowsThatHangHoldUpTheirOwnCustomer lets two customers fill all workers with flows that hang: the events of others begin at once.
func TestFlowsThatHangHoldUpTheirOwnCustomer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, control.Limits{Workers: 4})
	hooks := map[string]string{}
	for _, name := range []string{"hog", "pig", "calm", "quiet"} {
		hooks[name] = w.deployed(name, ipaas.Definition{DisplayName: name, Flows: []ipaas.Flow{
			hookFlow("Hold", step("Wait", "probe.wait", inputs{"value": lit(name)})),
		}}, nil)["Hold"]
	}
	var ids []string
	for range 6 {
		ids = append(ids, w.accepted(hooks["hog"], `{}`))
	}
	w.reach("hog", 4)
	for range 6 {
		ids = append(ids, w.accepted(hooks["pig"], `{}`))
	}
	w.reach("pig", 3)
	for _, name := range []string{"calm", "calm", "quiet", "quiet"} {
		ids = append(ids, w.accepted(hooks[name], `{}`))
		w.reach(name, 1)
	}
	for name := range hooks {
		select {
		case <-w.probe.gate(name).reached:
			t.Errorf("one more of %s runs than is its share", name)
		default:
		}
		w.probe.gate(name).pass()
	}
	for _, id := range ids {
		w.succeeded(id)
	}
}
