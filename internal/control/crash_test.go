package control_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headrace/headrace/examples/acme-erp/fake"
	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
	"github.com/headrace/headrace/internal/value"
)

// A cutter makes a plane die at one of the moments at which it reaches out: before or after a write of its store, before or after a
// request to the ERP. From then on neither takes anything from it, as if it had been killed; what it had done stays.
type cutter struct {
	mu     sync.Mutex
	at     int // the moment, counted from 1; 0: never
	passed []string
	dead   chan struct{}
}

func newCutter(at int) *cutter { return &cutter{at: at, dead: make(chan struct{})} }

var errCut = errors.New("cut")

// pass is a moment. It reports an error if the plane is dead, or dies here.
func (c *cutter) pass(name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.dead:
		return errCut
	default:
	}
	c.passed = append(c.passed, name)
	if len(c.passed) == c.at {
		close(c.dead)
		return errCut
	}
	return nil
}

// around is a write.
func (c *cutter) around(name string, write func() error) error {
	if err := c.pass("before " + name); err != nil {
		return err
	}
	if err := write(); err != nil {
		return err
	}
	return c.pass("after " + name)
}

// serve is a request to the ERP. Who dies meanwhile gets no answer.
func (c *cutter) serve(erp http.Handler, rw http.ResponseWriter, r *http.Request) {
	name := r.Method + " " + r.URL.Path
	if c.pass("before "+name) != nil {
		panic(http.ErrAbortHandler)
	}
	answer := httptest.NewRecorder()
	erp.ServeHTTP(answer, r)
	if c.pass("after "+name) != nil {
		panic(http.ErrAbortHandler)
	}
	for name, texts := range answer.Header() {
		rw.Header()[name] = texts
	}
	rw.WriteHeader(answer.Code)
	_, _ = rw.Write(answer.Body.Bytes())
}

// cutStore is a store whose writes, as far as deployments and removals make them, can be cut.
type cutStore struct {
	storage.Store
	cut *cutter
}

func (s *cutStore) BeginDeployment(ctx context.Context, d ipaas.Deployment, hooks []ipaas.Webhook, base int64) (in ipaas.Instance, all []ipaas.Webhook, err error) {
	err = s.cut.around("BeginDeployment", func() (err error) {
		in, all, err = s.Store.BeginDeployment(ctx, d, hooks, base)
		return err
	})
	return in, all, err
}

func (s *cutStore) CommitDeployment(
	ctx context.Context, id string, now time.Time, t storage.Takeover,
) (rows []ipaas.Registration, err error) {
	err = s.cut.around("CommitDeployment", func() (err error) {
		rows, err = s.Store.CommitDeployment(ctx, id, now, t)
		return err
	})
	return rows, err
}

func (s *cutStore) BeginRollback(ctx context.Context, id string, cause ipaas.DeploymentError, keep bool, now time.Time) (rows []ipaas.Registration, err error) {
	err = s.cut.around("BeginRollback", func() (err error) {
		rows, err = s.Store.BeginRollback(ctx, id, cause, keep, now)
		return err
	})
	return rows, err
}

func (s *cutStore) FinishRollback(ctx context.Context, id string, now time.Time) error {
	return s.cut.around("FinishRollback", func() error { return s.Store.FinishRollback(ctx, id, now) })
}

func (s *cutStore) RecordChanges(ctx context.Context, id string, changes []ipaas.RegistrationChange) error {
	return s.cut.around("RecordChanges", func() error { return s.Store.RecordChanges(ctx, id, changes) })
}

func (s *cutStore) StartExecution(ctx context.Context, ex ipaas.Execution) error {
	return s.cut.around("StartExecution", func() error { return s.Store.StartExecution(ctx, ex) })
}

func (s *cutStore) BeginStep(ctx context.Context, attempt int, r ipaas.StepResult) (recorded ipaas.StepResult, done bool, err error) {
	err = s.cut.around("BeginStep "+r.Path, func() (err error) {
		recorded, done, err = s.Store.BeginStep(ctx, attempt, r)
		return err
	})
	return recorded, done, err
}

func (s *cutStore) CompleteStep(ctx context.Context, attempt int, r ipaas.StepResult, logs []ipaas.Log, created *ipaas.Registration, effects ...storage.StepEffects) error {
	return s.cut.around("CompleteStep "+r.Path, func() error { return s.Store.CompleteStep(ctx, attempt, r, logs, created, effects...) })
}

func (s *cutStore) RecordProgress(ctx context.Context, executionID string, attempt int, p storage.Progress) error {
	return s.cut.around("RecordProgress", func() error { return s.Store.RecordProgress(ctx, executionID, attempt, p) })
}

func (s *cutStore) FinishExecution(ctx context.Context, ex ipaas.Execution, before ...storage.Progress) error {
	return s.cut.around("FinishExecution", func() error { return s.Store.FinishExecution(ctx, ex, before...) })
}

func (s *cutStore) BeginRegistration(ctx context.Context, r ipaas.Registration) (begun ipaas.Registration, err error) {
	err = s.cut.around("BeginRegistration "+r.Key, func() (err error) {
		begun, err = s.Store.BeginRegistration(ctx, r)
		return err
	})
	return begun, err
}

func (s *cutStore) UseRegistration(ctx context.Context, id, deploymentID string) error {
	return s.cut.around("UseRegistration", func() error { return s.Store.UseRegistration(ctx, id, deploymentID) })
}

func (s *cutStore) BeginUpdate(ctx context.Context, id, deploymentID, image string, now time.Time) (r ipaas.Registration, err error) {
	err = s.cut.around("BeginUpdate", func() (err error) {
		r, err = s.Store.BeginUpdate(ctx, id, deploymentID, image, now)
		return err
	})
	return r, err
}

func (s *cutStore) RestoreRegistration(ctx context.Context, r ipaas.Registration, now time.Time) error {
	return s.cut.around("RestoreRegistration", func() error { return s.Store.RestoreRegistration(ctx, r, now) })
}

func (s *cutStore) SettleRegistration(ctx context.Context, id string, state ipaas.RegistrationState, message string, now time.Time) error {
	return s.cut.around("SettleRegistration", func() error { return s.Store.SettleRegistration(ctx, id, state, message, now) })
}

func (s *cutStore) BeginRemoval(
	ctx context.Context, id string, state ipaas.InstanceState, base int64, now time.Time, write storage.Write,
) (in ipaas.Instance, err error) {
	err = s.cut.around("BeginRemoval", func() (err error) {
		in, err = s.Store.BeginRemoval(ctx, id, state, base, now, write)
		return err
	})
	return in, err
}

func (s *cutStore) FailRemoval(ctx context.Context, r ipaas.Registration) error {
	return s.cut.around("FailRemoval", func() error { return s.Store.FailRemoval(ctx, r) })
}

func (s *cutStore) FinishUndeployment(ctx context.Context, id string) error {
	return s.cut.around("FinishUndeployment", func() error { return s.Store.FinishUndeployment(ctx, id) })
}

func (s *cutStore) FinishDeletion(ctx context.Context, id string, now time.Time) error {
	return s.cut.around("FinishDeletion", func() error { return s.Store.FinishDeletion(ctx, id, now) })
}

// forgetful is a store without a ledger: the control of the tests that need one.
type forgetful struct{ storage.Store }

func (s forgetful) BeginRegistration(_ context.Context, r ipaas.Registration) (ipaas.Registration, error) {
	return r, nil
}

func (s forgetful) CompleteStep(ctx context.Context, attempt int, r ipaas.StepResult, logs []ipaas.Log, _ *ipaas.Registration, effects ...storage.StepEffects) error {
	return s.Store.CompleteStep(ctx, attempt, r, logs, nil, effects...)
}

// crash is a story in which a plane dies at every moment, one after another.
type crash struct {
	name      string
	component ipaas.Component
	before    func(w *world)       // what had happened
	cut       func(w *world) error // what is cut
	previous  []string             // events that the ERP calls about if it came to nothing
	wanted    []string             // and if it was done
	kept      string               // what the flows keep under the key n if it was done, as JSON
	upserts   sameness             // of the ERP; nil: it never does
	ledgerOff bool
}

const crashed = "crash"

func deployCrashed(w *world) error {
	_, err := w.DeployInstance(w.t.Context(), crashed, 0, as("DeployInstance", "cut", "h"))
	return err
}

// deployNext deploys the latest version of an instance that was deployed.
func deployNext(w *world) error {
	_, err := w.DeployInstance(w.t.Context(), crashed, 2, as("DeployInstance", "cut", "h"))
	return err
}

// changed is a version that updates one registration, drops another and adds a third.
func changed(steps ...ipaas.Step) ipaas.Definition {
	def := tutorial()
	def.Flows[2].Steps = append([]ipaas.Step{
		register("Customer Webhook", "customer.created", "Customers"), register("Orders", "order.updated", "Inventory"),
	}, steps...)
	return def
}

func crashes() []crash {
	first := func(w *world) {
		w.publish("acme", tutorial())
		w.instance(crashed, "acme", w.erpConfig())
	}
	served := func(next ipaas.Definition) func(w *world) {
		return func(w *world) {
			first(w)
			w.deploy(crashed)
			w.publish("acme", next)
		}
	}
	one, two := []string{"customer.updated", "inventory.updated"}, []string{"customer.created", "order.updated"}
	return []crash{
		{name: "first deployment", component: acmeFinding(), before: first, cut: deployCrashed, wanted: one},
		{name: "redeployment", component: acmeFinding(), before: served(changed()), cut: deployNext, previous: one, wanted: two},
		{
			name: "deployment that fails", component: acmeFinding(), cut: deployNext, previous: one, wanted: one,
			before: served(changed(step("Break", "probe.fail", inputs{"value": lit("no")}))),
		},
		{
			name: "undeploying", component: acmeFinding(), previous: one,
			before: func(w *world) { first(w); w.deploy(crashed) },
			cut: func(w *world) error {
				_, err := w.UndeployInstance(w.t.Context(), crashed, plain)
				return err
			},
		},
		{
			name: "deletion", component: acmeFinding(), previous: one,
			before: func(w *world) { first(w); w.deploy(crashed) },
			cut: func(w *world) error {
				_, err := w.DeleteInstance(w.t.Context(), crashed, plain)
				return err
			},
		},
		{
			name: "ensuring", component: acmeFinding(), cut: deployCrashed, wanted: one,
			before: func(w *world) {
				w.publish("acme", ensuring())
				w.instance(crashed, "acme", w.erpConfig())
			},
		},
		{
			name: "keeping and trying again", component: acmeFinding(), cut: deployNext, previous: one, wanted: two, kept: "20",
			before: func(w *world) {
				next := changed(
					keep("Ten", "incrementCrossFlowValue", inputs{"keyInput": lit("n"), "amountInput": num("10")}),
					keep("More", "incrementCrossFlowValue", inputs{"keyInput": lit("n"), "amountInput": num("10")}),
				)
				next.Flows[2].Steps[1] = retried(next.Flows[2].Steps[1], 2)
				served(next)(w)
				w.erp.Fail(fake.Failure{Route: "POST /api/webhooks", Event: "order.updated", Status: 422, Times: 1})
			},
		},
		{name: "nothing to look with", component: acme(), before: first, cut: deployCrashed, wanted: one},
		{name: "upserting", component: acmeFinding(), before: served(changed()), cut: deployNext, previous: one, wanted: two, upserts: sameURL},
		{
			name: "upserting with nothing to look with", component: acme(), before: served(changed()), cut: deployNext, previous: one, wanted: two,
			upserts: sameURL,
		},
		{
			name: "upserting that fails", component: acmeFinding(), cut: deployNext, previous: one, wanted: one, upserts: sameURL,
			before: served(changed(breaking())),
		},
		{
			name: "undeploying what was upserted", component: acmeFinding(), previous: two, upserts: sameURL,
			before: func(w *world) {
				served(changed())(w)
				must[control.DeployResult](w.t)(w.DeployInstance(w.t.Context(), crashed, 2, plain))
			},
			cut: func(w *world) error {
				_, err := w.UndeployInstance(w.t.Context(), crashed, plain)
				return err
			},
		},
	}
}

// TestKilledAtAnyMomentConverges cuts at writes of the store and calls of the ERP, before and after: what the ERP has in the end is what
// the new generation wants, or what the old one wanted, each once. In a soak it cuts at every one: see strideOfMoments.
func TestKilledAtAnyMomentConverges(t *testing.T) {
	t.Parallel()
	for _, c := range crashes() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			moments, wrong := c.play(t, 0)
			if wrong != "" || len(moments) < 10 {
				t.Fatalf("of %d moments none was cut, and %s", len(moments), wrong)
			}
			for i, moment := range moments {
				if i%strideOfMoments() != 0 {
					continue
				}
				t.Run(fmt.Sprintf("%d %s", i+1, moment), func(t *testing.T) {
					t.Parallel()
					if _, wrong := c.play(t, i+1); wrong != "" {
						t.Error(wrong)
					}
				})
			}
		})
	}
}

// TestWithoutALedgerItDoesNotConverge shows that the test above can fail.
func TestWithoutALedgerItDoesNotConverge(t *testing.T) {
	t.Parallel()
	c := crashes()[0]
	c.ledgerOff = true
	moments, _ := c.play(t, 0)
	for i := range moments {
		if _, wrong := c.play(t, i+1); wrong != "" {
			return
		}
	}
	t.Error("without a ledger, too, nothing was left or done twice")
}

// play lets the plane die at a moment, counted from 1, and another one take over; 0 lets it live. It returns the moments that were passed
// and what is wrong in the end; "": nothing.
func (c crash) play(t *testing.T, at int) (moments []string, wrong string) {
	t.Helper()
	w := newWorld(t)
	if c.upserts != nil {
		w.upsert(c.upserts)
	}
	if _, err := w.CreateComponent(t.Context(), c.component, plain); err != nil {
		t.Fatal(err)
	}
	c.before(w)
	w.stop()
	cut := newCutter(at)
	w.wrap = func(s storage.Store) storage.Store {
		if c.ledgerOff {
			s = forgetful{s}
		}
		return &cutStore{Store: s, cut: cut}
	}
	w.start()
	w.cutter.Store(cut)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = c.cut(w) // what a caller is told whose server dies does not matter
	}()
	select {
	case <-cut.dead:
	case <-ended:
	}
	w.stop()
	<-ended
	w.cutter.Store(nil)
	w.wrap = nil
	if c.ledgerOff {
		w.wrap = func(s storage.Store) storage.Store { return forgetful{s} }
	}
	w.start()
	return cut.passed, c.wrong(w)
}

// wrong tells what is not as it should be once everything has come to rest; "": nothing.
func (c crash) wrong(w *world) string {
	var state ipaas.DeploymentState
	w.eventually("all has come to rest", func() bool {
		page, err := w.store.UnfinishedDeployments(w.t.Context())
		rows, rowsErr := w.store.ListRegistrations(w.t.Context(), crashed)
		if err := errors.Join(err, rowsErr); err != nil {
			w.t.Fatal(err)
		}
		in, err := w.store.GetInstance(w.t.Context(), crashed)
		if err == nil {
			state = ""
			if d, err := w.store.FindDeployment(w.t.Context(), crashed, "cut"); err == nil {
				state = d.State
			}
		}
		due, _, err := w.store.DueRemovals(w.t.Context(), time.Now(), 1)
		if err != nil {
			w.t.Fatal(err)
		}
		return len(page)+len(due) == 0 && in.State != ipaas.InstanceDeleting && !slices.ContainsFunc(rows, func(r ipaas.Registration) bool {
			return r.State == ipaas.RegistrationRemovePending || r.State == ipaas.RegistrationIntent || r.BeforeImage != ""
		})
	})
	want := c.wanted
	if state == ipaas.DeploymentFailed || c.begun(w) == false {
		want = c.previous
	}
	var found []string
	for _, hook := range w.erp.Webhooks() {
		found = append(found, hook.Event)
	}
	slices.Sort(found)
	if wrong := c.wrongKept(w, state); wrong != "" {
		return wrong
	}
	rows := must[[]ipaas.Registration](w.t)(w.store.ListRegistrations(w.t.Context(), crashed, ipaas.RegistrationUnconfirmed))
	if slices.Equal(want, found) || len(rows) > 0 && len(found) <= len(want)+len(rows) && c.component.Actions[0].Find == nil {
		return ""
	}
	all := must[[]ipaas.Registration](w.t)(w.store.ListRegistrations(w.t.Context(), crashed))
	var ledger []string
	for _, r := range all {
		ledger = append(ledger, fmt.Sprintf("%s %s %s %s", r.Key, r.RemoteID, r.State, r.Error))
	}
	return fmt.Sprintf("the deployment is %s, and the ERP calls about %v, want %v; the ledger has\n%s", state, found, want, strings.Join(ledger, "\n"))
}

// wrongKept tells what is not as it should be of what flows keep: it is there once, or not at all.
func (c crash) wrongKept(w *world, state ipaas.DeploymentState) string {
	if c.kept == "" {
		return ""
	}
	var found, want string
	if state == ipaas.DeploymentSucceeded {
		want = c.kept
	}
	for _, e := range must[storage.Page[ipaas.StateEntry]](w.t)(w.ListStateEntries(w.t.Context(), crashed, storage.Query{Size: 10})).Items {
		found += string(value.JSON(must[control.StateEntryView](w.t)(w.GetStateEntry(w.t.Context(), crashed, e.ID)).Value))
	}
	if left := w.dumped("state_changes"); found != want || len(left) > 0 {
		return fmt.Sprintf("the deployment is %s, and its flows keep %q, want %q; %d changes wait still", state, found, want, len(left))
	}
	return ""
}

// begun reports whether what was cut had begun.
func (c crash) begun(w *world) bool {
	in, err := w.store.GetInstance(w.t.Context(), crashed)
	if errors.Is(err, ipaas.NotFound) {
		return true // deleted
	}
	if _, err := w.store.FindDeployment(w.t.Context(), crashed, "cut"); err == nil {
		return true
	}
	return in.State == ipaas.InstanceUndeployed
}
