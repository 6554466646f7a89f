package ipaas_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/ipaas"
)

var (
	monday  = time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	tuesday = monday.Add(24 * time.Hour)
)

func normalized(t *testing.T, d ipaas.Definition) ipaas.Definition {
	t.Helper()
	d.Normalize(nil, monday)
	return d
}

func TestNormalizeNewDefinition(t *testing.T) {
	t.Parallel()
	d := normalized(t, ipaas.Definition{DisplayName: "Acme ERP"})
	if len(d.Flows) != 1 {
		t.Fatalf("it has %d flows, want the one every integration starts with", len(d.Flows))
	}
	f := d.Flows[0]
	if f.UID == "" {
		t.Error("the flow has no uid")
	}
	want := ipaas.Flow{
		ID: "flow-1", UID: f.UID, DisplayName: "Flow 1",
		Trigger:    ipaas.Trigger{DisplayName: "Trigger", Type: ipaas.TriggerWebhook},
		CreateTime: monday, UpdateTime: monday,
	}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Errorf("flow (-want +got):\n%s", diff)
	}
}

func TestNormalizeAddsNoFlowToAnOldDefinition(t *testing.T) {
	t.Parallel()
	prev := normalized(t, ipaas.Definition{DisplayName: "Acme ERP"})
	d := ipaas.Definition{DisplayName: "Acme ERP"}
	d.Normalize(&prev, tuesday)
	if len(d.Flows) != 0 {
		t.Errorf("flows = %v, want none: whoever removed them must hear of it", d.Flows)
	}
}

func TestNormalizeMakesIDs(t *testing.T) {
	t.Parallel()
	d := normalized(t, ipaas.Definition{
		Flows: []ipaas.Flow{{DisplayName: "Sync Data"}, {DisplayName: "Sync data!"}, {ID: "sync-data-2", DisplayName: "Third"}, {
			DisplayName: "东京",
			Steps: []ipaas.Step{
				{DisplayName: "Trigger"},
				{DisplayName: "Post"},
				{
					DisplayName: "Branch",
					Branches:    []ipaas.Branch{{Name: "a", Steps: []ipaas.Step{{DisplayName: "Post"}}}},
					Steps:       []ipaas.Step{{DisplayName: "post"}},
				},
			},
		}},
		ConfigVariables: []ipaas.ConfigVariable{{DisplayName: "Acme ERP Connection"}, {DisplayName: "?"}},
		ConfigPages:     []ipaas.ConfigPage{{Title: "Start"}, {Title: "Start"}},
	})
	var got []string
	for _, f := range d.Flows {
		got = append(got, "flow "+f.ID)
	}
	steps := d.Flows[3].Steps
	for _, s := range []ipaas.Step{steps[0], steps[1], steps[2], steps[2].Branches[0].Steps[0], steps[2].Steps[0]} {
		got = append(got, "step "+s.ID)
	}
	for _, v := range d.ConfigVariables {
		got = append(got, "variable "+v.ID, string(v.Type))
	}
	for _, p := range d.ConfigPages {
		got = append(got, "page "+p.ID)
	}
	want := []string{
		"flow sync-data", "flow sync-data-3", "flow sync-data-2", "flow flow",
		"step trigger-2", "step post", "step branch", "step post-2", "step post-3",
		"variable acme-erp-connection", "STRING", "variable config-variable", "STRING",
		"page start", "page start-2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
}

func TestNormalizeThousandNamesakes(t *testing.T) {
	t.Parallel()
	steps := make([]ipaas.Step, 50_000)
	for i := range steps {
		steps[i].DisplayName = "Same"
	}
	d := normalized(t, ipaas.Definition{Flows: []ipaas.Flow{{DisplayName: "F", Steps: steps}}})
	if got := d.Flows[0].Steps[len(steps)-1].ID; got != "same-50000" {
		t.Errorf("last id = %q, want same-50000", got)
	}
}

// base is a normalised definition with one of everything that has an identity.
func base(t *testing.T) ipaas.Definition {
	t.Helper()
	return normalized(t, ipaas.Definition{
		Flows: []ipaas.Flow{
			{DisplayName: "Customers", Steps: []ipaas.Step{{DisplayName: "Post", Action: "http.httpPost"}}},
			{DisplayName: "Inventory"},
		},
		ConfigVariables: []ipaas.ConfigVariable{{DisplayName: "Endpoint", Type: ipaas.ConfigString}},
		ConfigPages:     []ipaas.ConfigPage{{Title: "Start", Elements: []ipaas.ConfigElement{{ConfigVariable: "Endpoint"}}}},
	})
}

func TestNormalizeKeepsIdentity(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(d *ipaas.Definition)
		check  func(t *testing.T, prev, d *ipaas.Definition)
	}{
		{
			name: "by id, of a flow that was renamed",
			change: func(d *ipaas.Definition) {
				d.Flows[0].DisplayName = "Sync Customer Data"
			},
			check: func(t *testing.T, prev, d *ipaas.Definition) {
				sameFlow(t, prev.Flows[0], d.Flows[0], tuesday)
				sameFlow(t, prev.Flows[1], d.Flows[1], monday)
			},
		},
		{
			name: "by name, where no id was sent and the order is another",
			change: func(d *ipaas.Definition) {
				d.Flows = []ipaas.Flow{
					{DisplayName: "Inventory"},
					{DisplayName: "New"},
					{DisplayName: "Customers", Steps: []ipaas.Step{{DisplayName: "Post", Action: "http.httpPost"}}},
				}
			},
			check: func(t *testing.T, prev, d *ipaas.Definition) {
				sameFlow(t, prev.Flows[1], d.Flows[0], monday)
				sameFlow(t, prev.Flows[0], d.Flows[2], monday)
				if d.Flows[1].CreateTime != tuesday || d.Flows[1].UID == "" {
					t.Errorf("new flow = %+v, want it born today", d.Flows[1])
				}
			},
		},
		{
			name: "of the old flow, though a new one's name makes the same id",
			change: func(d *ipaas.Definition) {
				d.Flows = []ipaas.Flow{{DisplayName: "customers?"}, {DisplayName: "Customers"}}
			},
			check: func(t *testing.T, prev, d *ipaas.Definition) {
				sameFlow(t, prev.Flows[0], d.Flows[1], tuesday) // it has lost its step
				if d.Flows[0].ID != "customers-2" {
					t.Errorf("new flow's id = %q, want customers-2", d.Flows[0].ID)
				}
			},
		},
		{
			name: "but not by name, where an id was sent",
			change: func(d *ipaas.Definition) {
				d.Flows = []ipaas.Flow{{ID: "other", DisplayName: "Customers"}}
			},
			check: func(t *testing.T, prev, d *ipaas.Definition) {
				if d.Flows[0].UID == prev.Flows[0].UID {
					t.Error("a flow with another id has the old uid")
				}
			},
		},
		{
			name: "of a uid, whatever was sent",
			change: func(d *ipaas.Definition) {
				d.Flows[0].UID, d.Flows[0].CreateTime, d.Flows[0].UpdateTime = "forged", time.Time{}, tuesday
				d.ConfigVariables[0].UID = "forged"
			},
			check: func(t *testing.T, prev, d *ipaas.Definition) {
				sameFlow(t, prev.Flows[0], d.Flows[0], monday)
				if diff := cmp.Diff(prev.ConfigVariables[0], d.ConfigVariables[0]); diff != "" {
					t.Errorf("variable (-want +got):\n%s", diff)
				}
			},
		},
		{
			name: "for one of two that claim the same id",
			change: func(d *ipaas.Definition) {
				d.Flows = append(d.Flows, d.Flows[0])
			},
			check: func(t *testing.T, prev, d *ipaas.Definition) {
				if d.Flows[0].UID != prev.Flows[0].UID || d.Flows[2].UID == prev.Flows[0].UID {
					t.Error("two flows have one uid, or the first lost it")
				}
			},
		},
		{
			name: "of a variable that changed",
			change: func(d *ipaas.Definition) {
				d.ConfigVariables = []ipaas.ConfigVariable{{DisplayName: "Endpoint", Type: ipaas.ConfigString, Required: true}}
				d.ConfigPages = []ipaas.ConfigPage{{Title: "Start", Elements: []ipaas.ConfigElement{{ConfigVariable: "Endpoint"}}}}
			},
			check: func(t *testing.T, prev, d *ipaas.Definition) {
				want := prev.ConfigVariables[0]
				want.Required, want.UpdateTime = true, tuesday
				if diff := cmp.Diff(want, d.ConfigVariables[0]); diff != "" {
					t.Errorf("variable (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(prev.ConfigPages, d.ConfigPages); diff != "" {
					t.Errorf("pages (-want +got):\n%s", diff)
				}
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			prev, d := base(t), base(t)
			// Two normalisations give two sets of uids: the draft that is changed is a copy of the stored one.
			for i := range d.Flows {
				d.Flows[i].UID = prev.Flows[i].UID
			}
			d.ConfigVariables[0].UID = prev.ConfigVariables[0].UID
			tt.change(&d)
			d.Normalize(&prev, tuesday)
			tt.check(t, &prev, &d)
		})
	}
}

func sameFlow(t *testing.T, old, f ipaas.Flow, updated time.Time) {
	t.Helper()
	if f.ID != old.ID || f.UID != old.UID || !f.CreateTime.Equal(old.CreateTime) || !f.UpdateTime.Equal(updated) {
		t.Errorf("flow = %s %s created %s updated %s, want %s %s created %s updated %s",
			f.ID, f.UID, f.CreateTime, f.UpdateTime, old.ID, old.UID, old.CreateTime, updated)
	}
}

// TestNormalizeStableKeys imports definitions without ids over one another: what has the same stable key stays itself.
func TestNormalizeStableKeys(t *testing.T) {
	t.Parallel()
	flow := func(stable, name string, steps ...ipaas.Step) ipaas.Flow {
		return ipaas.Flow{StableKey: stable, DisplayName: name, Steps: steps}
	}
	step := func(stable, name string) ipaas.Step {
		return ipaas.Step{StableKey: stable, DisplayName: name, Action: "log.writeLog"}
	}
	variable := func(stable, name string) ipaas.ConfigVariable {
		return ipaas.ConfigVariable{StableKey: stable, DisplayName: name}
	}
	prev := ipaas.Definition{
		Flows:           []ipaas.Flow{flow("k1", "Customers", step("s1", "Get"), step("", "Put")), flow("k2", "Inventory"), flow("", "Plain")},
		ConfigVariables: []ipaas.ConfigVariable{variable("v1", "Endpoint"), variable("", "Key")},
	}
	tests := []struct {
		name  string
		d     ipaas.Definition
		flows []string // ids
		steps []string // of the first flow
		vars  []string
	}{
		{
			"a flow, a step and a variable that were renamed",
			ipaas.Definition{
				Flows: []ipaas.Flow{flow("k1", "Sync Customers", step("s1", "Fetch"), step("", "Put"))}, ConfigVariables: []ipaas.ConfigVariable{variable("v1", "URL")},
			},
			[]string{"customers"},
			[]string{"get", "put"},
			[]string{"endpoint"},
		},
		{
			"names that were swapped",
			ipaas.Definition{Flows: []ipaas.Flow{flow("k2", "Customers"), flow("k1", "Inventory")}},
			[]string{"inventory", "customers"},
			nil, nil,
		},
		{
			"a new flow with the name of one that has another",
			ipaas.Definition{Flows: []ipaas.Flow{flow("k9", "Customers"), flow("k1", "Renamed")}},
			[]string{"customers-2", "customers"},
			nil, nil,
		},
		{
			"another stable key, and nobody else of the name",
			ipaas.Definition{Flows: []ipaas.Flow{flow("k9", "Customers")}, ConfigVariables: []ipaas.ConfigVariable{variable("v9", "Key")}},
			[]string{"customers"},
			nil,
			[]string{"key"},
		},
		{"an id goes before the stable key", ipaas.Definition{Flows: []ipaas.Flow{{ID: "plain", StableKey: "k1", DisplayName: "X"}}}, []string{"plain"}, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			before := ipaas.Definition{
				Flows: slices.Clone(prev.Flows), ConfigVariables: slices.Clone(prev.ConfigVariables),
			}
			before.Flows[0].Steps = slices.Clone(before.Flows[0].Steps)
			before.Normalize(nil, monday)
			d := tt.d
			d.Normalize(&before, tuesday)
			var flows, steps, vars []string
			for _, f := range d.Flows {
				flows = append(flows, f.ID)
				old, _ := before.Flow(f.ID)
				if old != nil && old.UID != f.UID {
					t.Errorf("flow %s has another uid, and so another URL", f.ID)
				}
			}
			for _, s := range d.Flows[0].Steps {
				steps = append(steps, s.ID)
			}
			for _, v := range d.ConfigVariables {
				vars = append(vars, v.ID)
			}
			if diff := cmp.Diff([][]string{tt.flows, tt.steps, tt.vars}, [][]string{flows, steps, vars}); diff != "" {
				t.Errorf("ids of flows, steps and variables (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNormalizeStepIDs(t *testing.T) {
	t.Parallel()
	prev := normalized(t, ipaas.Definition{Flows: []ipaas.Flow{{
		DisplayName: "F", Steps: []ipaas.Step{{ID: "create", DisplayName: "Create Webhook"}},
	}}})
	d := ipaas.Definition{Flows: []ipaas.Flow{{
		DisplayName: "F", Steps: []ipaas.Step{{DisplayName: "create"}, {
			DisplayName: "Loop", Steps: []ipaas.Step{{DisplayName: "Create Webhook"}},
		}},
	}}}
	d.Normalize(&prev, tuesday)
	got := []string{d.Flows[0].Steps[0].ID, d.Flows[0].Steps[1].ID, d.Flows[0].Steps[1].Steps[0].ID}
	if diff := cmp.Diff([]string{"create-2", "loop", "create"}, got); diff != "" {
		t.Errorf("step ids: registrations hang on them, so a step that moved keeps its own (-want +got):\n%s", diff)
	}
}

func TestNormalizeTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	prev := base(t)
	d := base(t)
	for i := range d.Flows {
		d.Flows[i].UID = ""
	}
	d.Normalize(&prev, tuesday)
	if d.Hash() != prev.Hash() {
		t.Errorf("an unchanged definition has another hash: %s", cmp.Diff(prev, d))
	}
	if strings.Contains(d.Flows[0].CreateTime.String(), "m=") {
		t.Error("the clock's monotonic part was kept")
	}
}

// TestNamesakesKeepTheirOrder gives pages of one title, which is all that they are known by, the ids they had, one after the other.
func TestNamesakesKeepTheirOrder(t *testing.T) {
	t.Parallel()
	pages := func() []ipaas.ConfigPage { return []ipaas.ConfigPage{{Title: "P"}, {Title: "P"}, {Title: "P"}} }
	first := ipaas.Definition{ConfigPages: pages()}
	first.Normalize(nil, time.Now())
	again := ipaas.Definition{ConfigPages: pages()}
	again.Normalize(&first, time.Now())
	if diff := cmp.Diff(first.ConfigPages, again.ConfigPages); diff != "" {
		t.Errorf("pages (-first +again):\n%s", diff)
	}
}
