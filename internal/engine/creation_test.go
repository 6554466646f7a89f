package engine_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

func TestRunKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	h := newRecorder()
	h.kept["create"] = value.Obj(value.Field{Key: "id", Value: "old"})
	p := compile(t,
		step("Create", "acme-erp.createWebhook", "connection", config("Acme"), "url", "https://hooks/1"),
		step("Say", "tools.echo", "value", ref("create.results.id")))
	out := run(t, h, p)
	if out.Result != "old" {
		t.Errorf("result = %v, want what the kept object's creation gave", out.Result)
	}
	if diff := cmp.Diff([]string{"begin create", "intent create", "complete create", "begin say", "call say", "complete say"}, h.journal); diff != "" {
		t.Errorf("host calls (-want +got):\n%s", diff)
	}
	if h.done["create"].Creation != nil {
		t.Error("a kept object is recorded as created")
	}
}

func TestRunDescribesCreations(t *testing.T) {
	t.Parallel()
	creations := func(change func(r *engine.Run), steps ...ipaas.Step) []engine.Creation {
		h := newRecorder()
		r := runOf(compile(t, steps...))
		change(&r)
		if _, err := newEngine().Run(t.Context(), r, h); err != nil {
			t.Fatal(err)
		}
		return h.intents
	}
	create := func(url string) ipaas.Step {
		return step("Create", "acme-erp.createWebhook", "connection", config("Acme"), "url", url)
	}
	same := func(*engine.Run) {}
	with := func(key string, public string) func(r *engine.Run) {
		return func(r *engine.Run) {
			c := *r.Config["acme"].(*component.Connection)
			c.Inputs = value.Obj(value.Field{Key: "key", Value: key})
			c.Public = value.Obj(value.Field{Key: "baseUrl", Value: public})
			r.Config["acme"] = &c
		}
	}
	base := creations(same, create("https://hooks/1"))[0]
	if base.FlowID != "flow" || base.Key != "create" || base.ConfigVariableID != "acme" || base.Component.ID != "acme-erp" || base.Action.Key != "createWebhook" {
		t.Errorf("creation = %+v", base)
	}
	tests := []struct {
		name         string
		change       func(r *engine.Run)
		step         ipaas.Step
		target, hash bool // whether they are the same
	}{
		{"again", same, create("https://hooks/1"), true, true},
		{"another execution", func(r *engine.Run) { r.ExecutionID = "exe-2" }, create("https://hooks/1"), true, true},
		{"another password", with("k2", "https://acme"), create("https://hooks/1"), true, true},
		{"another address", with("k1", "https://acme.eu"), create("https://hooks/1"), false, true},
		{"other inputs", same, create("https://hooks/2"), true, false},
		{"an input left out that has this default", same, step("Create", "acme-erp.createWebhook", "connection", config("Acme"), "url", "https://hooks/1", "topic", "customers"), true, true},
		{"an optional input with nothing", same, step("Create", "acme-erp.createWebhook", "connection", config("Acme"), "url", "https://hooks/1", "note", nil), true, true},
	}
	for _, tt := range tests {
		got := creations(tt.change, tt.step)[0]
		if (got.Target == base.Target) != tt.target {
			t.Errorf("%s: the target is the same: %t, want %t", tt.name, !tt.target, tt.target)
		}
		if (got.InputsHash == base.InputsHash) != tt.hash {
			t.Errorf("%s: the inputs' hash is the same: %t, want %t", tt.name, !tt.hash, tt.hash)
		}
	}

	each := creations(same, loop("Each", ref("trigger.results.body.data.lines"), step("Create", "acme-erp.createUser", "tenant", ref("each.currentItem"))))
	var keys []string
	targets := map[string]bool{}
	for _, c := range each {
		keys = append(keys, c.Key)
		targets[c.Target] = true
	}
	if diff := cmp.Diff([]string{"each[0].create", "each[1].create", "each[2].create"}, keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	if len(targets) != 3 {
		t.Errorf("%d targets, want what the action says to tell 3 apart", len(targets))
	}
}

func TestRunIdempotencyKeys(t *testing.T) {
	t.Parallel()
	keys := func(execution string, steps ...ipaas.Step) []string {
		h := newRecorder()
		r := runOf(compile(t, steps...))
		r.ExecutionID = execution
		if _, err := newEngine().Run(t.Context(), r, h); err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, c := range h.calls {
			keys = append(keys, c.IdempotencyKey)
			if c.Hop != 3 {
				t.Errorf("hop = %d, want the run's", c.Hop)
			}
		}
		return keys
	}
	a := step("A", "tools.echo", "text", "x")
	base := keys("exe-1", a)
	if diff := cmp.Diff(base, keys("exe-1", a)); diff != "" {
		t.Errorf("another attempt has another key: %s", diff)
	}
	all := map[string]bool{}
	for _, k := range [][]string{
		base, keys("exe-2", a), keys("exe-1", step("A", "tools.echo", "text", "y")), keys("exe-1", step("B", "tools.echo", "text", "x")),
		keys("exe-1", loop("L", list(ipaas.Literal("same"), ipaas.Literal("same")), a)),
	} {
		for _, key := range k {
			all[key] = true
		}
	}
	if len(all) != 6 {
		t.Errorf("%d different keys, want 6: executions, inputs, steps and rounds have their own", len(all))
	}
}
