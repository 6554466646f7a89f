package control_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/component/builtin"
	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/outbound"
	"github.com/headrace/headrace/internal/secret"
	"github.com/headrace/headrace/internal/storage"
	"github.com/headrace/headrace/internal/storage/sqldb"
)

var (
	seed      = flag.Uint64("seed", 0, "simulate only this seed")
	seeds     = flag.Int("seeds", 1000, "how many seeds TestSimulation tries")
	simulates = flag.Duration("simulates", 30*time.Second, "how long TestSimulation begins new seeds")
)

// TestSimulation lets random things happen at once to a plane whose store and whose world fail and whose process dies, and checks after
// each seed that what was promised holds. A seed fixes what happens and where it fails, not how goroutines take turns.
func TestSimulation(t *testing.T) {
	t.Parallel()
	template := newTemplate(t)
	if *seed != 0 {
		reportSimulation(t, *seed, simulateSeed(t, template, *seed, honest))
		return
	}
	begun := time.Now()
	var tried int
	for n := range *seeds {
		if time.Since(begun) > *simulates || t.Failed() {
			break
		}
		reportSimulation(t, uint64(n+1), simulateSeed(t, template, uint64(n+1), honest))
		tried++
	}
	t.Logf("%d seeds in %v", tried, time.Since(begun).Round(time.Second))
}

func reportSimulation(t *testing.T, seed uint64, broken []string) {
	t.Helper()
	for _, b := range broken {
		t.Errorf("seed %d: %s", seed, b)
	}
	if len(broken) > 0 {
		t.Logf("again: go test ./internal/control -run '^TestSimulation$' -seed %d", seed)
	}
}

// TestSimulationSeesWhatIsBroken runs the simulation over stores that lie: it must find them out.
func TestSimulationSeesWhatIsBroken(t *testing.T) {
	t.Parallel()
	template := newTemplate(t)
	for name, liar := range map[string]func(*simulation, storage.Store) storage.Store{
		"acknowledges_without_storing": func(_ *simulation, s storage.Store) storage.Store { return &absentMinded{Store: s} },
		"overwrites_an_ended_execution": func(sim *simulation, s storage.Store) storage.Store {
			return &rewriting{Store: s, path: filepath.Join(sim.dir, "headrace.db")}
		},
		"forgets_what_a_deployment_created": func(_ *simulation, s storage.Store) storage.Store { return &ledgerless{Store: s} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n := range 40 {
				if broken := simulateSeed(t, template, uint64(n+1), liar); len(broken) > 0 {
					t.Logf("found by seed %d: %s", n+1, broken[0])
					return
				}
			}
			t.Error("not found by 40 seeds")
		})
	}
}

// TestSimulationAtEveryCall lets the process die, or the store refuse, at every call that a fixed story makes of it, or at some of them:
// see strideOfMoments.
func TestSimulationAtEveryCall(t *testing.T) {
	t.Parallel()
	template := newTemplate(t)
	for _, kind := range []fault{dieBefore, dieAfter, failOnce} {
		t.Run(faultNames[kind], func(t *testing.T) {
			t.Parallel()
			const together = 16 // many of them wait
			stride := strideOfMoments()
			var past atomic.Bool
			for first := 1; !past.Load(); first += together * stride {
				t.Run("calls", func(t *testing.T) {
					for n := range together {
						nth := first + n*stride
						t.Run(fmt.Sprint(nth), func(t *testing.T) {
							t.Parallel()
							if !simulateCall(t, template, kind, nth) {
								past.Store(true)
							}
						})
					}
				})
			}
		})
	}
}

// simulateCall plays the story with a fault at one call, and reports whether there was that call.
func simulateCall(t *testing.T, tpl *template, kind fault, nth int) bool {
	t.Helper()
	s := newSimulation(t, tpl, uint64(nth), honest)
	f := newFaults(kind, nth)
	s.begin(f)
	s.story()
	if kind == failOnce {
		s.checkHealed()
	}
	for _, b := range s.finish() {
		t.Errorf("at call %d, %s: %s", nth, f.hit(), b)
	}
	return f.hit() != ""
}

func honest(_ *simulation, s storage.Store) storage.Store { return s }

// simInstances are deployed, called and removed by simulations.
var simInstances = []string{"i-0", "i-1", "i-2"}

// simVersions are what the versions of the simulated integration create in the world, by number. The last never comes to be.
var simVersions = map[int][]string{1: {"a", "b"}, 2: {"a", "c"}, 3: nil}

func simDefinition(version int) ipaas.Definition {
	create := func(name, size string) ipaas.Step {
		return step("Create "+name, "remote.create", inputs{"instance": ref("trigger.results.instance.id"), "name": lit(name), "size": lit(size)})
	}
	do := func(what string, event ipaas.Input) ipaas.Step {
		return step("Do "+what, "remote.do", inputs{"what": lit(what), "event": event})
	}
	var deploy []ipaas.Step
	switch version {
	case 1:
		deploy = []ipaas.Step{create("a", "1"), create("b", "1")}
	case 2:
		deploy = []ipaas.Step{create("a", "2"), create("c", "1")}
	default:
		deploy = []ipaas.Step{create("a", "1"), create("d", "1"), step("Fail", "remote.fail", nil)}
	}
	event := ref("trigger.results.body.data.n")
	events, lane := hookFlow("Events", do("one", event), do("two", event)), hookFlow("Lane", do("one", event), do("two", event))
	events.DeduplicationKey, lane.DeduplicationKey = &event, &event
	lane.Ordering = &ipaas.Ordering{Scope: ipaas.OrderByFlow}
	return ipaas.Definition{DisplayName: "Simulated", Flows: []ipaas.Flow{
		events, lane,
		deployFlow("Begin", deploy...),
		removeFlow("End", do("end", ref("trigger.results.executionId"))),
	}}
}

// simEvent is an event that was sent, perhaps more than once.
type simEvent struct {
	number         int
	instance, flow string
	begun, ended   int    // the moments at which it was first sent and answered; not answered: 0
	execution      string // that it was answered with
}

// template is what simulations begin with: a store with all versions published and instances that are not deployed.
type template struct {
	files map[string][]byte
	hooks map[string]string // the token by instance and flow
}

func newTemplate(t *testing.T) *template {
	t.Helper()
	dir := t.TempDir()
	s := &simulation{t: t, dir: dir, remote: newRemote(0), wrap: honest, observed: map[string]string{}}
	s.open()
	s.begin(newFaults(noFault, 0))
	w := &world{Plane: s.plane, t: t, store: s.store}
	for v := 1; v <= len(simVersions); v++ {
		w.publish("sim", simDefinition(v))
	}
	tpl := &template{files: map[string][]byte{}, hooks: map[string]string{}}
	for _, id := range simInstances {
		in := w.instance(id, "sim", nil)
		view := must[control.InstanceView](t)(s.plane.DescribeInstance(t.Context(), in, true))
		for _, f := range view.Flows {
			tpl.hooks[id+" "+f.DisplayName] = tokenOf(f.URL)
		}
	}
	s.end()
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		content, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		tpl.files[e.Name()] = content
	}
	return tpl
}

// simulation is one plane after another over one store and one world.
type simulation struct {
	t        *testing.T
	dir      string
	template *template
	random   *rand.Rand
	remote   *remote
	store    *sqldb.DB
	wrap     func(*simulation, storage.Store) storage.Store

	plane  *control.Plane // the one that lives
	faults *faults
	end    func()

	mu       sync.Mutex
	moments  int                  // pass with whatever happens
	sent     map[int]*simEvent    // by number
	acked    map[string]*simEvent // by the execution it was answered with
	observed map[string]string    // executions as they were when they were first seen ended
	broken   []string
}

func newSimulation(t *testing.T, tpl *template, seed uint64, wrap func(*simulation, storage.Store) storage.Store) *simulation {
	t.Helper()
	dir, err := os.MkdirTemp(memory(), "headrace-sim-") //nolint:usetesting // t.TempDir is on a disk
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	for name, content := range tpl.files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := &simulation{
		t: t, dir: dir, template: tpl, random: rand.New(rand.NewPCG(seed, 27)), remote: newRemote(seed), wrap: wrap,
		sent: map[int]*simEvent{}, acked: map[string]*simEvent{}, observed: map[string]string{},
	}
	s.open()
	return s
}

// memory is a folder in which nothing is ever waited for, if there is one: what a disk does to a store is tested elsewhere.
func memory() string {
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		return "/dev/shm"
	}
	return ""
}

func (s *simulation) open() {
	s.t.Helper()
	var err error
	if s.store, err = sqldb.OpenSQLite(s.t.Context(), filepath.Join(s.dir, "headrace.db"), slog.New(slog.DiscardHandler)); err != nil {
		s.t.Fatal(err)
	}
}

var simHooks = &url.URL{Scheme: "http", Host: "headrace.invalid"}

// begin starts a process that dies, or whose store fails, as faults say. One that dies while it starts has died.
func (s *simulation) begin(f *faults) {
	s.t.Helper()
	keys, err := secret.OpenKeyFile(filepath.Join(s.dir, "keys"))
	if err != nil {
		s.t.Fatal(err)
	}
	client, err := outbound.New(outbound.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.faults, s.plane, s.end = f, nil, func() {}
	plane, err := control.New(s.t.Context(), control.Options{
		Store: s.wrap(s, &frail{Store: s.store, faults: f}), Keys: keys, Client: client, PublicURL: simHooks,
		Builtins: append(builtin.All(), []*component.Component{s.remote.component(f)}...), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		if f.hit() == "" {
			s.t.Fatal(err)
		}
		return
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- plane.Run(ctx) }()
	s.plane, s.end = plane, func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Errorf("the worker ended with: %v", err)
		}
	}
}

// restart ends the process, if it still lives, and begins another.
func (s *simulation) restart(f *faults) {
	s.t.Helper()
	s.end()
	s.observe()
	s.begin(f)
}

// simulateSeed lets happen what a seed says, and returns what does not hold then.
func simulateSeed(t *testing.T, tpl *template, seed uint64, wrap func(*simulation, storage.Store) storage.Store) []string {
	t.Helper()
	s := newSimulation(t, tpl, seed, wrap)
	s.remote.moody = seed%3 == 0
	s.begin(s.someFaults())
	for range 4 + s.random.IntN(6) {
		var together sync.WaitGroup
		for range 1 + s.random.IntN(3) {
			if op := s.op(); s.plane != nil {
				together.Go(op)
			}
		}
		together.Wait()
		if s.plane == nil || s.faults.isDead() || s.random.IntN(8) == 0 {
			s.restart(s.someFaults())
		}
	}
	return s.finish()
}

func (s *simulation) someFaults() *faults {
	kind := []fault{noFault, failOnce, dieBefore, dieAfter}[s.random.IntN(4)]
	return newFaults(kind, 1+s.random.IntN(90))
}

// op chooses something that may happen.
func (s *simulation) op() func() {
	id := simInstances[s.random.IntN(len(simInstances))]
	switch n := s.random.IntN(100); {
	case n < 40:
		flow := []string{"Events", "Lane"}[s.random.IntN(2)]
		return func() { s.event(id, flow) }
	case n < 45:
		number := 1 + s.random.IntN(10)
		return func() { s.resend(number) }
	case n < 75:
		version := 1 + s.random.IntN(len(simVersions))
		return func() { s.deploy(id, version) }
	case n < 81:
		return func() { s.undeploy(id) }
	case n < 83:
		return func() { s.remove(id) }
	case n < 91:
		return func() { s.pause(id) }
	default:
		return func() { s.resume(id) }
	}
}

// story is a life of an instance in which everything happens once.
func (s *simulation) story() {
	id := simInstances[0]
	for _, step := range []func(){
		func() { s.event(id, "Events") },
		func() { s.deploy(id, 1) }, func() { s.event(id, "Lane") }, func() { s.deploy(id, 2) }, func() { s.deploy(id, 3) },
		func() { s.pause(id) }, func() { s.event(id, "Lane") }, func() { s.event(id, "Lane") }, func() { s.resume(id) },
		func() { s.event(id, "Events") },
		func() { s.undeploy(id) }, func() { s.deploy(id, 1) }, func() { s.remove(id) },
	} {
		if s.plane == nil || s.faults.isDead() {
			s.restart(newFaults(noFault, 0))
		}
		step()
	}
}

// allowed are refusals that are right, whatever happened before.
var allowed = []error{ipaas.Unavailable, ipaas.Conflict, ipaas.Precondition, ipaas.NotFound, ipaas.Gone, ipaas.Exhausted}

// tolerate notes an error that nothing explains.
func (s *simulation) tolerate(what string, err error) {
	if err == nil || slices.ContainsFunc(allowed, func(kind error) bool { return errors.Is(err, kind) }) {
		return
	}
	if s.faults.hit() != "" {
		return // what the plane says of a store that failed under it may be anything but a success
	}
	s.breaks("%s: %v", what, err)
}

func (s *simulation) breaks(format string, a ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = append(s.broken, fmt.Sprintf(format, a...))
}

// event sends a new event to a flow of an instance.
func (s *simulation) event(id, flow string) {
	s.mu.Lock()
	s.moments++
	e := &simEvent{number: len(s.sent) + 1, instance: id, flow: flow, begun: s.moments}
	s.sent[e.number] = e
	s.mu.Unlock()
	s.send(e, true)
}

// resend sends an event that was sent before.
func (s *simulation) resend(n int) {
	s.mu.Lock()
	e := s.sent[n]
	s.mu.Unlock()
	if e != nil {
		s.send(e, false)
	}
}

func (s *simulation) send(e *simEvent, first bool) {
	body := jsonPayload(fmt.Sprintf(`{"n":%d}`, e.number))
	reply, err := s.plane.ReceiveWebhook(s.t.Context(), s.template.hooks[e.instance+" "+e.flow], body, control.Preferences{})
	s.tolerate("an event for "+e.instance, err)
	if err != nil || reply.Response.Status != 200 {
		return
	}
	s.mu.Lock()
	if s.moments++; first {
		e.ended = s.moments
	}
	was := e.execution
	e.execution, s.acked[reply.ExecutionID] = reply.ExecutionID, e
	s.mu.Unlock()
	if was != "" && was != reply.ExecutionID {
		s.breaks("event %d was answered with executions %s and %s", e.number, was, reply.ExecutionID)
	}
}

func (s *simulation) deploy(id string, version int) {
	_, err := s.plane.DeployInstance(s.t.Context(), id, version, plain)
	s.tolerate(fmt.Sprintf("deploy %s to %d", id, version), err)
	if err == nil && simVersions[version] == nil {
		s.breaks("a deployment of version %d succeeded", version)
	}
}

func (s *simulation) undeploy(id string) {
	_, err := s.plane.UndeployInstance(s.t.Context(), id, plain)
	s.tolerate("undeploy "+id, err)
}

func (s *simulation) remove(id string) {
	_, err := s.plane.DeleteInstance(s.t.Context(), id, plain)
	s.tolerate("delete "+id, err)
}

func (s *simulation) pause(id string) {
	_, err := s.plane.PauseInstance(s.t.Context(), id, ipaas.PauseHold, plain)
	s.tolerate("pause "+id, err)
}

func (s *simulation) resume(id string) {
	_, err := s.plane.ResumeInstance(s.t.Context(), id, plain)
	s.tolerate("resume "+id, err)
}
