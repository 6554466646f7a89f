package control_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/config"
	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
)

func names(def *ipaas.Definition) []string {
	var list []string
	for _, f := range def.Flows {
		list = append(list, f.ID+"="+f.DisplayName)
	}
	return list
}

func TestFlowsAreAddedRenamedMovedAndRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := must[ipaas.Integration](t)(w.CreateIntegration(t.Context(), "acme", ipaas.Definition{DisplayName: "Acme"}, plain))
	if diff := cmp.Diff([]string{"flow-1=Flow 1"}, names(&in.Draft)); diff != "" {
		t.Errorf("a new one has (-want +got):\n%s", diff)
	}
	zero := 0
	in, id, err := w.CreateFlow(t.Context(), "acme", hookFlow("Sync Data"), &zero, plain)
	if err != nil || id != "sync-data" {
		t.Fatalf("%s, %v", id, err)
	}
	uid := in.Draft.Flows[0].UID
	far := 99
	in = must[ipaas.Integration](t)(w.UpdateFlow(t.Context(), "acme", "sync-data", &far, plain, func(f *ipaas.Flow) error {
		f.DisplayName = "Sync All Data"
		return nil
	}))
	if diff := cmp.Diff([]string{"flow-1=Flow 1", "sync-data=Sync All Data"}, names(&in.Draft)); diff != "" {
		t.Errorf("flows (-want +got):\n%s", diff)
	}
	if in.Draft.Flows[1].UID != uid {
		t.Error("a renamed flow is another one")
	}
	if err := w.DeleteFlow(t.Context(), "acme", "flow-1", plain); err != nil {
		t.Fatal(err)
	}
	refused(t, w.DeleteFlow(t.Context(), "acme", "sync-data", plain), ipaas.ReasonLastFlow)
	refused(t, w.DeleteFlow(t.Context(), "acme", "flow-1", plain), ipaas.ReasonNotFound)
	_, _, err = w.CreateFlow(t.Context(), "acme", ipaas.Flow{ID: "sync-data", DisplayName: "Other"}, nil, plain)
	refused(t, err, ipaas.ReasonAlreadyExists)
	_, _, err = w.CreateFlow(t.Context(), "acme", hookFlow("Sync All Data"), nil, plain)
	if e := refused(t, err, ipaas.ReasonInvalidArgument); e.Violations[0].Reason != ipaas.ReasonDuplicate {
		t.Errorf("a second flow of the same name: %+v", e.Violations)
	}
	_, err = w.UpdateFlow(t.Context(), "acme", "nothing", nil, plain, func(*ipaas.Flow) error { return nil })
	refused(t, err, ipaas.ReasonNotFound)
	own := errors.New("own")
	if _, err = w.UpdateFlow(t.Context(), "acme", "sync-data", nil, plain, func(*ipaas.Flow) error { return own }); !errors.Is(err, own) {
		t.Errorf("the error of the change is %v", err)
	}
}

func TestConfigVariablesAreAddedChangedAndRemovedWithTheirPlaces(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.drafted("conf", configured(), nil)
	in, id, err := w.CreateConfigVariable(t.Context(), "conf", ipaas.ConfigVariable{DisplayName: "New One"}, plain)
	if err != nil || id != "new-one" || len(in.Draft.ConfigVariables) != 8 {
		t.Fatalf("%s, %v", id, err)
	}
	_, _, err = w.CreateConfigVariable(t.Context(), "conf", ipaas.ConfigVariable{ID: "new-one", DisplayName: "Other"}, plain)
	refused(t, err, ipaas.ReasonAlreadyExists)
	in = must[ipaas.Integration](t)(w.UpdateConfigVariable(t.Context(), "conf", "color", plain, func(v *ipaas.ConfigVariable) error {
		v.Choices = append(v.Choices, "green")
		return nil
	}))
	if v, _ := in.Draft.ConfigVariable("color"); len(v.Choices) != 3 {
		t.Errorf("choices: %v", v.Choices)
	}
	if err := w.DeleteConfigVariable(t.Context(), "conf", "color", plain); err != nil {
		t.Fatal(err)
	}
	in = must[ipaas.Integration](t)(w.store.GetIntegration(t.Context(), "conf"))
	if len(in.Draft.ConfigPages[1].Elements) != 1 || len(in.Draft.ConfigVariables) != 7 {
		t.Errorf("the draft has %+v", in.Draft.ConfigPages)
	}
	refused(t, w.DeleteConfigVariable(t.Context(), "conf", "color", plain), ipaas.ReasonNotFound)
	_, err = w.UpdateConfigVariable(t.Context(), "conf", "color", plain, func(*ipaas.ConfigVariable) error { return nil })
	refused(t, err, ipaas.ReasonNotFound)
}

func TestStaleRevisionIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("acme", tutorial())
	in := w.instance("one", "acme", nil)
	w.configure("one", map[string]string{"Source": `"x"`})
	integration := must[ipaas.Integration](t)(w.store.GetIntegration(t.Context(), "acme"))
	stale := control.Mutation{Base: integration.Revision - 1}
	def := tutorial()
	calls := map[string]func(m control.Mutation) error{
		"UpdateIntegration": func(m control.Mutation) error {
			_, err := w.UpdateIntegration(t.Context(), "acme", m, false, func(*ipaas.Definition) error { return nil })
			return err
		},
		"ImportIntegration": func(m control.Mutation) error {
			_, _, err := w.ImportIntegration(t.Context(), "acme", def, m)
			return err
		},
		"CreateFlow": func(m control.Mutation) error {
			_, _, err := w.CreateFlow(t.Context(), "acme", hookFlow("X"), nil, m)
			return err
		},
		"PublishIntegration": func(m control.Mutation) error {
			_, err := w.PublishIntegration(t.Context(), "acme", "", m)
			return err
		},
		"DeleteIntegration": func(m control.Mutation) error { return w.DeleteIntegration(t.Context(), "acme", m) },
		"UpdateComponent": func(m control.Mutation) error {
			m.Base = 9
			_, err := w.UpdateComponent(t.Context(), "acme-erp", m, false, func(*ipaas.Component) error { return nil })
			return err
		},
		"UpdateCustomer": func(m control.Mutation) error {
			m.Base = 9
			_, err := w.UpdateCustomer(t.Context(), "cust-one", m, false, func(*ipaas.Customer) error { return nil })
			return err
		},
		"DeleteCustomer": func(m control.Mutation) error {
			m.Base = 9
			return w.DeleteCustomer(t.Context(), "cust-one", m)
		},
		"UpdateInstance": func(m control.Mutation) error {
			m.Base = in.Revision
			_, err := w.UpdateInstance(t.Context(), "one", config.Change{}, m, func(*ipaas.Instance) error { return nil })
			return err
		},
		"PauseInstance": func(m control.Mutation) error {
			m.Base = in.Revision
			_, err := w.PauseInstance(t.Context(), "one", "", m)
			return err
		},
		"UndeployInstance": func(m control.Mutation) error {
			m.Base = in.Revision
			_, err := w.UndeployInstance(t.Context(), "one", m)
			return err
		},
		"DeployInstance": func(m control.Mutation) error {
			m.Base = in.Revision
			_, err := w.DeployInstance(t.Context(), "one", 0, m)
			return err
		},
	}
	before := w.dump()
	for name, call := range calls {
		for _, validateOnly := range []bool{true, false} {
			m := stale
			m.ValidateOnly = validateOnly
			if err := call(m); ipaas.ReasonOf(err) != ipaas.ReasonStaleEtag || !errors.Is(err, ipaas.Conflict) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if after := w.dump(); after != before {
		t.Errorf("refusals changed what is stored:\n%s", cmp.Diff(before, after))
	}
}

// mutations are calls that change something, each with what it answers.
func mutations(t *testing.T, w *world) []struct {
	name string
	call func(m control.Mutation) (any, error)
} {
	t.Helper()
	type mutation = struct {
		name string
		call func(m control.Mutation) (any, error)
	}
	return []mutation{
		{"CreateComponent", func(m control.Mutation) (any, error) {
			c := acme()
			c.ID = ""
			return w.CreateComponent(t.Context(), c, m)
		}},
		{"UpdateComponent", func(m control.Mutation) (any, error) {
			return w.UpdateComponent(t.Context(), "acme-erp", m, false, func(c *ipaas.Component) error {
				c.Description = "changed"
				return nil
			})
		}},
		{"CreateCustomer", func(m control.Mutation) (any, error) {
			return w.CreateCustomer(t.Context(), ipaas.Customer{DisplayName: "Smith & Sons"}, m)
		}},
		{"UpdateCustomer", func(m control.Mutation) (any, error) {
			return w.UpdateCustomer(t.Context(), "cust-one", m, false, func(c *ipaas.Customer) error {
				c.DisplayName = "Changed"
				return nil
			})
		}},
		{"CreateIntegration", func(m control.Mutation) (any, error) {
			return w.CreateIntegration(t.Context(), "", ipaas.Definition{DisplayName: "Brand New"}, m)
		}},
		{"UpdateIntegration", func(m control.Mutation) (any, error) {
			return w.UpdateIntegration(t.Context(), "acme", m, false, func(d *ipaas.Definition) error {
				d.Description = "changed"
				return nil
			})
		}},
		{"ImportIntegration", func(m control.Mutation) (any, error) {
			in, done, err := w.ImportIntegration(t.Context(), "imported", tutorial(), m)
			return []any{in, done}, err
		}},
		{"CreateFlow", func(m control.Mutation) (any, error) {
			in, id, err := w.CreateFlow(t.Context(), "acme", hookFlow("Another"), nil, m)
			return []any{in, id}, err
		}},
		{"UpdateFlow", func(m control.Mutation) (any, error) {
			return w.UpdateFlow(t.Context(), "acme", "customers", nil, m, func(f *ipaas.Flow) error {
				f.Description = "changed"
				return nil
			})
		}},
		{"CreateConfigVariable", func(m control.Mutation) (any, error) {
			in, id, err := w.CreateConfigVariable(t.Context(), "acme", ipaas.ConfigVariable{DisplayName: "Another"}, m)
			return []any{in, id}, err
		}},
		{"PublishIntegration", func(m control.Mutation) (any, error) {
			return w.PublishIntegration(t.Context(), "acme", "again", m)
		}},
		{"CreateInstance", func(m control.Mutation) (any, error) {
			return w.CreateInstance(t.Context(), ipaas.Instance{DisplayName: "Mine", CustomerID: "cust-one", IntegrationID: "acme"},
				change(map[string]string{"Source": `"s"`}), m)
		}},
		{"UpdateInstance", func(m control.Mutation) (any, error) {
			return w.UpdateInstance(t.Context(), "one", change(map[string]string{"Source": `"t"`}), m, func(in *ipaas.Instance) error {
				in.DisplayName = "Changed"
				return nil
			})
		}},
		{"UpdateConfigWizardPage", func(m control.Mutation) (any, error) {
			return w.UpdateConfigWizardPage(t.Context(), "one", "other--settings", 0, change(map[string]string{"Source": `"u"`}).Values, m)
		}},
		{"PauseInstance", func(m control.Mutation) (any, error) { return w.PauseInstance(t.Context(), "one", "", m) }},
		{"RotateWebhookToken", func(m control.Mutation) (any, error) {
			return w.RotateWebhookToken(t.Context(), "one", "", false, 0, m)
		}},
		{"DeleteFlow", func(m control.Mutation) (any, error) { return nil, w.DeleteFlow(t.Context(), "acme", "inventory", m) }},
		{"DeleteConfigVariable", func(m control.Mutation) (any, error) {
			return nil, w.DeleteConfigVariable(t.Context(), "acme", "source", m)
		}},
		{"DeleteInstance", func(m control.Mutation) (any, error) { return w.DeleteInstance(t.Context(), "one", m) }},
		{"DeleteCustomer", func(m control.Mutation) (any, error) { return nil, w.DeleteCustomer(t.Context(), "cust-two", m) }},
		{"DeleteIntegration", func(m control.Mutation) (any, error) { return nil, w.DeleteIntegration(t.Context(), "doomed", m) }},
		{"DeleteComponent", func(m control.Mutation) (any, error) { return nil, w.DeleteComponent(t.Context(), "spare", m) }},
	}
}

func TestSameRequestGetsTheSameAnswerAndACheckLeavesNoTrace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("acme", tutorial())
	w.instance("one", "acme", w.erpConfig())
	must[ipaas.Customer](t)(w.CreateCustomer(t.Context(), ipaas.Customer{ID: "cust-two", DisplayName: "Two"}, plain))
	must[ipaas.Integration](t)(w.CreateIntegration(t.Context(), "doomed", ipaas.Definition{DisplayName: "Doomed"}, plain))
	spare := acme()
	spare.ID = "spare"
	must[ipaas.Component](t)(w.CreateComponent(t.Context(), spare, plain))
	for _, mu := range mutations(t, w) {
		m := as(mu.name, "r-"+mu.name, "h")
		check := m
		check.ValidateOnly = true
		before := w.dump()
		if _, err := mu.call(check); err != nil {
			t.Errorf("%s: a check says %v", mu.name, err)
		}
		if after := w.dump(); after != before {
			t.Errorf("%s: a check changed what is stored:\n%s", mu.name, cmp.Diff(before, after))
		}
		first, err := mu.call(m)
		if err != nil {
			t.Errorf("%s: %v", mu.name, err)
			continue
		}
		before = w.dump()
		again, err := mu.call(m)
		if err != nil {
			t.Errorf("%s: the same request again says %v", mu.name, err)
		}
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("%s: the same request got another answer (-first +again):\n%s", mu.name, diff)
		}
		other := m
		other.RequestHash = "other"
		if _, err := mu.call(other); ipaas.ReasonOf(err) != ipaas.ReasonRequestIDReused {
			t.Errorf("%s: another request of the same id says %v", mu.name, err)
		}
		if after := w.dump(); after != before {
			t.Errorf("%s: asking again changed what is stored:\n%s", mu.name, cmp.Diff(before, after))
		}
	}
}

func TestRequestIDsOfOthersAreApartAndExpire(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := as("CreateCustomer", "r-1", "h")
	create := func(m control.Mutation, name string) (ipaas.Customer, error) {
		return w.CreateCustomer(t.Context(), ipaas.Customer{DisplayName: name}, m)
	}
	first := must[ipaas.Customer](t)(create(m, "One"))
	other := m
	other.Caller = "someone else"
	if c := must[ipaas.Customer](t)(create(other, "One")); c.ID == first.ID || !strings.HasPrefix(c.ID, "one-") {
		t.Errorf("another caller got %s", c.ID)
	}
	other = m
	other.Method = "AnotherMethod"
	if c := must[ipaas.Customer](t)(create(other, "One")); c.ID == first.ID {
		t.Errorf("another method got %s", c.ID)
	}
}

func TestManyAtOnceAllGetTheirFlow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	must[ipaas.Integration](t)(w.CreateIntegration(t.Context(), "acme", ipaas.Definition{DisplayName: "Acme"}, plain))
	const many = 64
	var wg sync.WaitGroup
	for i := range many {
		wg.Go(func() {
			if _, _, err := w.CreateFlow(t.Context(), "acme", hookFlow(fmt.Sprintf("Flow of %d", i)), nil, plain); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	in := must[ipaas.Integration](t)(w.store.GetIntegration(t.Context(), "acme"))
	if len(in.Draft.Flows) != many+1 || in.Revision != many+1 {
		t.Errorf("%d flows, revision %d", len(in.Draft.Flows), in.Revision)
	}
}

func TestSameRequestAtOnceIsDoneOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var mu sync.Mutex
	ids := map[string]bool{}
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			c, err := w.CreateCustomer(t.Context(), ipaas.Customer{DisplayName: "Same"}, as("CreateCustomer", "r", "h"))
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			ids[c.ID+c.UID] = true
		})
	}
	wg.Wait()
	if len(ids) != 1 {
		t.Errorf("%d customers: %v", len(ids), ids)
	}
}

func TestImportKeepsWhatHasTheSameName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.drafted("acme", tutorial(), nil)
	before := must[ipaas.Integration](t)(w.store.GetIntegration(t.Context(), "acme"))
	def := tutorial()
	def.Flows[0].Description = "changed"
	slices.Reverse(def.Flows)
	def.ConfigVariables = def.ConfigVariables[:1]
	after, done, err := w.ImportIntegration(t.Context(), "acme", def, plain)
	if err != nil || done.Created {
		t.Fatalf("created %t, %v", done.Created, err)
	}
	for _, old := range before.Draft.Flows {
		f, _ := after.Draft.Flow(old.ID)
		if f == nil || f.UID != old.UID || !f.CreateTime.Equal(old.CreateTime) {
			t.Errorf("flow %s became %+v", old.ID, f)
		}
	}
	if len(after.Draft.ConfigVariables) != 1 || after.Draft.Flows[0].DisplayName != "Initialization" {
		t.Errorf("the draft is %v", names(&after.Draft))
	}
	bad := tutorial()
	bad.Flows[1].DisplayName = ""
	stored := w.dump()
	_, _, err = w.ImportIntegration(t.Context(), "acme", bad, plain)
	refused(t, err, ipaas.ReasonInvalidArgument)
	if w.dump() != stored {
		t.Error("a refused import left something behind")
	}
	if wrong := must[[]ipaas.Violation](t)(w.ValidateDefinition(t.Context(), bad)); len(wrong) != 2 || wrong[0].Field != "flows[1].displayName" {
		t.Errorf("violations: %+v", wrong)
	}
	unresolved := tutorial()
	unresolved.Flows[0].Steps[0].Action = "nobody.nothing"
	if wrong := must[[]ipaas.Violation](t)(w.ValidateDefinition(t.Context(), unresolved)); len(wrong) != 1 || wrong[0].Reason != ipaas.ReasonUnknownComponent {
		t.Errorf("violations: %+v", wrong)
	}
}

func TestUpsertsCreateWhatIsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := must[ipaas.Customer](t)(w.UpdateCustomer(t.Context(), "new", plain, true, func(c *ipaas.Customer) error {
		c.DisplayName = "New"
		return nil
	}))
	component := must[ipaas.Component](t)(w.UpdateComponent(t.Context(), "new", plain, true, func(c *ipaas.Component) error {
		*c = acme()
		return nil
	}))
	in := must[ipaas.Integration](t)(w.UpdateIntegration(t.Context(), "new", plain, true, func(d *ipaas.Definition) error {
		d.DisplayName = "New"
		return nil
	}))
	if c.ID != "new" || component.ID != "new" || component.Version != 1 || in.ID != "new" {
		t.Errorf("created %s, %s and %s", c.ID, component.ID, in.ID)
	}
	own := errors.New("own")
	if _, err := w.UpdateCustomer(t.Context(), "other", plain, true, func(*ipaas.Customer) error { return own }); !errors.Is(err, own) {
		t.Errorf("the error of the change is %v", err)
	}
	if _, err := w.UpdateComponent(t.Context(), "other", plain, true, func(*ipaas.Component) error { return own }); !errors.Is(err, own) {
		t.Errorf("the error of the change is %v", err)
	}
	if _, err := w.UpdateIntegration(t.Context(), "other", plain, true, func(*ipaas.Definition) error { return own }); !errors.Is(err, own) {
		t.Errorf("the error of the change is %v", err)
	}
	_, err := w.UpdateCustomer(t.Context(), "other", plain, false, func(*ipaas.Customer) error { return nil })
	refused(t, err, ipaas.ReasonNotFound)
}

func TestIDsThatAreTakenOrMalformed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("acme", tutorial())
	w.instance("one", "acme", nil)
	one := ipaas.Instance{ID: "one", DisplayName: "X", CustomerID: "cust-one", IntegrationID: "acme"}
	_, err := w.CreateInstance(t.Context(), one, config.Change{}, plain)
	refused(t, err, ipaas.ReasonAlreadyExists)
	_, err = w.CreateCustomer(t.Context(), ipaas.Customer{ID: "cust-one", DisplayName: "X"}, plain)
	refused(t, err, ipaas.ReasonAlreadyExists)
	_, err = w.CreateComponent(t.Context(), acme(), plain)
	refused(t, err, ipaas.ReasonAlreadyExists)
	builtin := acme()
	builtin.ID = "http"
	_, err = w.CreateComponent(t.Context(), builtin, plain)
	refused(t, err, ipaas.ReasonAlreadyExists)
	_, err = w.UpdateComponent(t.Context(), "http", plain, false, func(*ipaas.Component) error { return nil })
	refused(t, err, ipaas.ReasonReadOnly)
	refused(t, w.DeleteComponent(t.Context(), "http", plain), ipaas.ReasonReadOnly)
	refused(t, w.DeleteComponent(t.Context(), "acme-erp", plain), ipaas.ReasonInUse)
	refused(t, w.DeleteComponent(t.Context(), "nothing", plain), ipaas.ReasonNotFound)
	refused(t, w.DeleteCustomer(t.Context(), "cust-one", plain), ipaas.ReasonInUse)
	refused(t, w.DeleteIntegration(t.Context(), "acme", plain), ipaas.ReasonInUse)
	_, err = w.CreateIntegration(t.Context(), "acme", ipaas.Definition{DisplayName: "X"}, plain)
	refused(t, err, ipaas.ReasonAlreadyExists)

	_, err = w.CreateInstance(t.Context(), ipaas.Instance{ID: "No Id"}, config.Change{}, plain)
	var fields []string
	for _, v := range refused(t, err, ipaas.ReasonInvalidArgument).Violations {
		fields = append(fields, v.Field)
	}
	if diff := cmp.Diff([]string{"displayName", "id", "customerId", "integrationId"}, fields); diff != "" {
		t.Errorf("violations (-want +got):\n%s", diff)
	}
	one.ID, one.CustomerID = "two", "nobody"
	_, err = w.CreateInstance(t.Context(), one, config.Change{}, plain)
	refused(t, err, ipaas.ReasonNotFound)
	one.CustomerID, one.IntegrationID = "cust-one", "nothing"
	_, err = w.CreateInstance(t.Context(), one, config.Change{}, plain)
	refused(t, err, ipaas.ReasonNotFound)
	_, err = w.CreateIntegration(t.Context(), "-", ipaas.Definition{}, plain)
	if e := refused(t, err, ipaas.ReasonInvalidArgument); len(e.Violations) != 2 {
		t.Errorf("violations: %+v", e.Violations)
	}
	_, err = w.CreateComponent(t.Context(), ipaas.Component{ID: "-"}, plain)
	refused(t, err, ipaas.ReasonInvalidArgument)
}

// TestAComponentThatIsChangedIsSeenAtOnce asks each time for the problems of the very same definition.
func TestAComponentThatIsChangedIsSeenAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := ipaas.Definition{DisplayName: "X", Flows: []ipaas.Flow{hookFlow("F", step("Ping", "pinger.ping", inputs{}))}}
	def.Normalize(nil, time.Now())
	reasons := func() (found []ipaas.Reason) {
		t.Helper()
		for _, v := range must[[]ipaas.Violation](t)(w.Problems(t.Context(), &def)) {
			found = append(found, v.Reason)
		}
		return found
	}
	look := func(when string, want ...ipaas.Reason) {
		t.Helper()
		for range 2 { // the second time everything is known already
			if diff := cmp.Diff(want, reasons()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", when, diff)
			}
		}
	}
	pinger := func(action string) ipaas.Component {
		return ipaas.Component{ID: "pinger", DisplayName: "Pinger", Actions: []ipaas.Action{{
			Key: action, DisplayName: "Ping", Effect: ipaas.EffectRead, Request: &ipaas.HTTPRequest{Method: "GET", URL: "https://example.com"},
		}}}
	}
	look("before there is one", ipaas.ReasonUnknownComponent)
	must[ipaas.Component](t)(w.CreateComponent(t.Context(), pinger("pong"), plain))
	look("without the action", ipaas.ReasonUnknownAction)
	must[ipaas.Component](t)(w.UpdateComponent(t.Context(), "pinger", plain, false, func(c *ipaas.Component) error {
		c.Actions = pinger("ping").Actions
		return nil
	}))
	look("with the action")
	for _, action := range []string{"pong", "ping"} { // each is version 1 of another component
		if err := w.DeleteComponent(t.Context(), "pinger", plain); err != nil {
			t.Fatal(err)
		}
		look("deleted", ipaas.ReasonUnknownComponent)
		must[ipaas.Component](t)(w.CreateComponent(t.Context(), pinger(action), plain))
		if action == "pong" {
			look("made anew without the action", ipaas.ReasonUnknownAction)
		} else {
			look("made anew with the action")
		}
	}
}

func TestNewVersionOfAComponentReachesOnlyWhatIsDeployedAnew(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := tutorial()
	def.Flows = append(def.Flows, syncFlow("List", step("List", "acme-erp.listWebhooks", inputs{"connection": cfg("ERP")})))
	urls := w.deployed("pin", def, w.erpConfig())
	must[ipaas.Component](t)(w.UpdateComponent(t.Context(), "acme-erp", plain, false, func(c *ipaas.Component) error {
		c.Actions[1].Result = "{{$response.status}}"
		return nil
	}))
	if _, body := w.call("POST", urls["List"], "", ""); !strings.HasPrefix(body, `[{"id":"wh_1"`) {
		t.Errorf("the deployed version answered %s", body)
	}
	w.publish("int-pin", def) // with the new version of the component
	must[control.DeployResult](t)(w.DeployInstance(t.Context(), "pin", 2, plain))
	if _, body := w.call("POST", urls["List"], "", ""); body != `200` {
		t.Errorf("the new version answered %s", body)
	}
	same := must[ipaas.Component](t)(w.UpdateComponent(t.Context(), "acme-erp", plain, false, func(*ipaas.Component) error { return nil }))
	if same.Version != 2 {
		t.Errorf("a change that changes nothing made version %d", same.Version)
	}
}
