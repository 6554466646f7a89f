package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// own is what a run may hold without asking for it, in MiB.
const own = 8

// runWith runs a flow for a customer with what all runs share.
func runWith(t *testing.T, m *engine.Memory, customer string, h *recorder, p *engine.Program) engine.Outcome {
	t.Helper()
	e := newEngine()
	e.Memory = m
	r := runOf(p)
	r.Customer = customer
	out, err := e.Run(t.Context(), r, h)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// fetch is a step that gives a text of so many MiB.
func fetch(name string, mib int) ipaas.Step { return step(name, "tools.echo", "text", large(mib)) }

// see is a step that sees a result, and gives hardly anything.
func see(name, key string) ipaas.Step {
	return step(name, "tools.length", "value", ref(key+".results"))
}

// TestResultsAreHeldWhileTheyAreSeen looks at what a run holds whenever an action is called: what no step sees any more is let go of.
func TestResultsAreHeldWhileTheyAreSeen(t *testing.T) {
	t.Parallel()
	once := list(ipaas.Literal("x"), ipaas.Literal("y"))
	tests := []struct {
		name  string
		steps []ipaas.Step
		want  []string // step and MiB held while its action runs, the step's inputs included
	}{
		{
			"each is seen by the next step",
			[]ipaas.Step{seed(), fetch("A", 20), see("See A", "a"), fetch("B", 30), see("See B", "b"), see("End", "seed")},
			[]string{"seed 0", "a 20", "see-a 20", "b 30", "see-b 30", "end 0"},
		},
		{
			"one is seen at the end",
			[]ipaas.Step{seed(), fetch("A", 20), fetch("B", 30), see("See A", "a")},
			[]string{"seed 0", "a 20", "b 50", "see-a 20"},
		},
		{
			"one is passed on and takes nothing more",
			[]ipaas.Step{seed(), fetch("A", 20), step("Pass", "tools.echo", "value", ref("a.results")), see("See Both", "pass"), see("Again", "a")},
			[]string{"seed 0", "a 20", "pass 20", "see-both 20", "again 20"},
		},
		{
			"one is seen in a branch that is not taken",
			[]ipaas.Step{
				seed(), fetch("A", 20), branch("Choose", ipaas.Literal("second"), when("first", see("See A", "a")), when("second", see("Other", "seed"))), see("End", "seed"),
			},
			[]string{"seed 0", "a 20", "choose 20", "other 20", "end 0"},
		},
		{
			"one is seen in every round of a loop, and what rounds make only in them",
			[]ipaas.Step{
				seed(), fetch("A", 20), loop("Each", once, fetch("B", 10), see("See B", "b"), see("See A", "a"), see("Small", "seed")), see("End", "each"),
			},
			[]string{
				"seed 0", "a 20", "each[0].b 30", "each[0].see-b 30", "each[0].see-a 20", "each[0].small 20",
				"each[1].b 30", "each[1].see-b 30", "each[1].see-a 20", "each[1].small 20", "end 0",
			},
		},
		{
			"code that comes later sees all",
			[]ipaas.Step{seed(), fetch("A", 20), see("Middle", "seed"), step("Code", "tools.around"), see("End", "seed")},
			[]string{"seed 0", "a 20", "middle 20", "code 20", "end 0"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := engine.NewMemory(1 << 30)
			h := newRecorder()
			var got []string
			h.called = func() {
				call := h.journal[len(h.journal)-1]
				used := 0
				if b := m.Used(); b > 0 {
					used = b>>20 + own
				}
				got = append(got, fmt.Sprintf("%s %d", strings.TrimPrefix(call, "call "), used))
			}
			if out := runWith(t, m, "smith", h, compile(t, tt.steps...)); out.State != ipaas.ExecutionSucceeded {
				t.Fatalf("outcome = %+v", out.Error)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("held (-want +got):\n%s", diff)
			}
			if m.Used() != 0 {
				t.Errorf("%d bytes are used when the run is over", m.Used())
			}
		})
	}
}

// TestLettingGoChangesNothing runs flows that are made at random, once as they are and once holding all results: it comes to the same.
func TestLettingGoChangesNothing(t *testing.T) {
	t.Parallel()
	for i := range uint64(400) {
		made := maker{random: rand.New(rand.NewPCG(i, 7))}
		steps := made.steps(3, nil)
		p, all := compile(t, steps...), compile(t, steps...)
		all.HoldAll()
		h, g := newRecorder(), newRecorder()
		m := engine.NewMemory(1 << 30)
		got, want := runWith(t, m, "smith", h, p), run(t, g, all)
		if diff := cmp.Diff(g.record(), h.record()); diff != "" || value.JSON(got.Result) == nil || !value.Equal(got.Result, want.Result) {
			t.Fatalf("flow %d: steps (-all held +let go):\n%s", i, diff)
		}
		if m.Used() != 0 {
			t.Fatalf("flow %d: %d bytes are used when the run is over", i, m.Used())
		}
	}
}

// maker makes flows at random whose steps refer to what they may.
type maker struct {
	random *rand.Rand
	n      int
}

// steps makes some steps, nested at most so deep. seen are references that stand for something before the first of them.
func (m *maker) steps(depth int, seen []string) []ipaas.Step {
	var steps []ipaas.Step
	for range 1 + m.random.IntN(4) {
		m.n++
		name := fmt.Sprintf("S%d", m.n)
		input := ipaas.Literal(name)
		if len(seen) > 0 && m.random.IntN(5) > 0 {
			a, b := seen[m.random.IntN(len(seen))], seen[m.random.IntN(len(seen))]
			input = []ipaas.Input{ref(a), tmpl("{{$" + a + "}}+{{$" + b + "}}"), list(ref(a), ref(b))}[m.random.IntN(3)]
		}
		kind := m.random.IntN(10)
		key := strings.ToLower(name)
		switch {
		case kind == 0:
			steps = append(steps, step(name, "tools.around"))
		case kind < 3 && depth > 0:
			items := list(ipaas.Literal("x"), ipaas.Literal("y"))
			steps = append(steps, loop(name, items, m.steps(depth-1, append(seen[:len(seen):len(seen)], key+".currentItem", key+".index"))...))
		case kind < 5 && depth > 0:
			s := branch(name, ipaas.Literal([]string{"a", "b"}[m.random.IntN(2)]), when("a", m.steps(depth-1, seen)...), when("b", m.steps(depth-1, append(seen[:len(seen):len(seen)], key+".results"))...))
			steps = append(steps, s)
		default:
			s := step(name, "tools.echo", "value", input)
			if m.random.IntN(8) == 0 {
				s = step(name, "tools.fail", "message", ipaas.Literal("no"))
				s.OnError = &ipaas.ErrorHandling{Effect: ipaas.ErrorIgnore}
			}
			steps = append(steps, s)
		}
		seen = append(seen[:len(seen):len(seen)], key+".results")
	}
	return steps
}

// TestMemoryIsShared begins runs while another one holds much.
func TestMemoryIsShared(t *testing.T) {
	t.Parallel()
	const size = 60 << 20
	holding := func(mib int) []ipaas.Step {
		return []ipaas.Step{seed(), fetch("A", mib), see("Meanwhile", "a")}
	}
	tests := []struct {
		name     string
		held     int // MiB that a run of smith holds meanwhile
		customer string
		asks     int    // MiB
		want     string // part of the error; empty: it gets it
		passing  bool
	}{
		{"a customer alone", 0, "smith", 30, "", false},
		{"another run of the same customer", 30, "smith", 30, "let it be tried again later", true},
		{"another customer", 30, "jones", 25, "", false},
		{"another customer who wants more than would be left", 30, "jones", 31, "let it be tried again later", true},
		{"a small run of the same customer", 31, "smith", own - 1, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := engine.NewMemory(size)
			h := newRecorder()
			var out engine.Outcome
			h.called = func() {
				if strings.HasSuffix(h.journal[len(h.journal)-1], "meanwhile") {
					out = runWith(t, m, tt.customer, newRecorder(), compile(t, seed(), fetch("B", tt.asks), see("See", "b")))
				}
			}
			if first := runWith(t, m, "smith", h, compile(t, holding(tt.held)...)); first.State != ipaas.ExecutionSucceeded {
				t.Fatalf("the run before ends with %+v", first.Error)
			}
			check(t, out, tt.want, tt.passing)
			if m.Used() != 0 {
				t.Errorf("%d bytes are used when all is over", m.Used())
			}
		})
	}
}

func check(t *testing.T, out engine.Outcome, want string, passing bool) {
	t.Helper()
	if want == "" {
		if out.State != ipaas.ExecutionSucceeded {
			t.Fatalf("outcome = %s, %+v, want it to go well", out.State, out.Error)
		}
		return
	}
	if e := failure(t, out); !strings.Contains(e.Message, want) || out.Passing != passing {
		t.Errorf("error = %q, passing %v, want %q in it, passing %v", e.Message, out.Passing, want, passing)
	}
}

// TestRunThatCanNeverFitSaysSo has a run alone on the server that would hold more than one may.
func TestRunThatCanNeverFitSaysSo(t *testing.T) {
	t.Parallel()
	items := list(ipaas.Literal("x"), ipaas.Literal("y"), ipaas.Literal("z"))
	small := `[` + strings.Repeat("{},", 200_000) + `{}]` // 12 MiB of heap, 2 of text
	tests := []struct {
		name  string
		steps []ipaas.Step
		want  string
	}{
		{"results", []ipaas.Step{seed(), fetch("A", 20), fetch("B", 20), see("See A", "a"), see("See B", "b")}, `step "B" (tools.echo): its input "text" cannot be taken: the run would hold more than 20 MiB in memory`},
		{
			"rounds of a loop",
			[]ipaas.Step{seed(), loop("Each", items, fetch("A", 10)), see("End", "each")},
			`step "A" (tools.echo): its input "text" cannot be taken: the run would hold more than 20 MiB`,
		},
		{
			"small things",
			[]ipaas.Step{step("A", "tools.echo", "value", in(ipaas.InputJSON, small)), step("B", "tools.echo", "value", ref("a.results")), step("C", "tools.echo", "value", ref("a.results")), step("All", "tools.around")},
			`action tools.echo gave a result that cannot be taken: the run would hold more than 20 MiB in memory`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := engine.NewMemory(40 << 20)
			check(t, runWith(t, m, "smith", newRecorder(), compile(t, tt.steps...)), tt.want, false)
			if m.Used() != 0 {
				t.Errorf("%d bytes are used when the run is over", m.Used())
			}
		})
	}
}

// TestMemoryIsGivenBackHoweverARunEnds ends runs in the middle.
func TestMemoryIsGivenBackHoweverARunEnds(t *testing.T) {
	t.Parallel()
	tail := map[string]ipaas.Step{
		"failed":      step("Fail", "tools.fail", "message", ipaas.Literal("no")),
		"panicked":    step("Panic", "tools.panic"),
		"stopped":     step("Stop", "tools.stop", "body", ipaas.Literal("done")),
		"interrupted": step("Wait", "tools.wait"),
	}
	for name, last := range tail {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEngine()
			e.Memory = engine.NewMemory(1 << 30)
			ctx, interrupt := context.WithCancelCause(t.Context())
			h := newRecorder()
			most := 0
			h.called = func() {
				most = max(most, e.Memory.Used())
				if name == "interrupted" && strings.HasSuffix(h.journal[len(h.journal)-1], "wait") {
					interrupt(engine.ErrInterrupted)
				}
			}
			p := compile(t, seed(), fetch("A", 20), loop("Each", list(ipaas.Literal("x")), fetch("B", 20), last), see("End", "a"))
			_, err := e.Run(ctx, runOf(p), h)
			if err != nil && !errors.Is(err, engine.ErrInterrupted) {
				t.Fatal(err)
			}
			if most < 30<<20 || e.Memory.Used() != 0 {
				t.Errorf("at most %d bytes were used and %d are when the run is over, want many and none", most, e.Memory.Used())
			}
		})
	}
}

// line lets customers wait for memory, one after another, and notes in which order they are given it.
type line struct {
	t     *testing.T
	m     *engine.Memory
	given chan string
	let   map[string]func() // what lets go of it again
	mu    sync.Mutex
}

func (l *line) wait(ctx context.Context, customer, name string, n int) {
	before := l.m.Waiting()
	go func() {
		release, err := l.m.Await(ctx, customer, n)
		if err != nil {
			l.given <- name + ": " + err.Error()
			return
		}
		l.mu.Lock()
		l.let[name] = release
		l.mu.Unlock()
		l.given <- name
	}()
	until(l.t, func() bool { return l.m.Waiting() > before })
}

// next returns the names of those who are given it, so many, in no order.
func (l *line) next(n int) (names []string) {
	for range n {
		names = append(names, <-l.given)
	}
	slices.Sort(names)
	return names
}

func (l *line) release(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.let[name]()
}

func until(t *testing.T, holds func() bool) {
	t.Helper()
	for t.Context().Err() == nil && !holds() {
		runtime.Gosched()
	}
}

func TestMemoryThatIsGivenBackGoesToThoseWhoWaitByTurns(t *testing.T) {
	t.Parallel()
	l := &line{t: t, m: engine.NewMemory(1000), given: make(chan string, 10), let: map[string]func(){}}
	all, _ := l.m.Reserve("hog", 500)
	for _, name := range []string{"a1", "a2", "a3"} {
		l.wait(t.Context(), "a", name, 400)
	}
	l.wait(t.Context(), "b", "b1", 400)
	canceled, cancel := context.WithCancel(t.Context())
	l.wait(canceled, "c", "c1", 400)
	l.wait(t.Context(), "c", "c2", 400)
	if _, there := l.m.Reserve("a", 1); there {
		t.Error("one that comes later is given memory before those of its customer that wait")
	}
	if little, there := l.m.Reserve("d", 10); !there {
		t.Error("a customer of whom nobody waits is given none")
	} else {
		little()
	}
	cancel()
	all()
	want := func(what string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, l.next(len(want))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	want("it is a's turn, and there is no room for two", "a1", "c1: context canceled")
	l.release("a1")
	want("b's turn", "b1")
	l.release("b1")
	want("c's turn", "c2")
	l.release("c2")
	want("a's again", "a2")
	l.release("a2")
	want("and again", "a3")
	l.release("a3")
	if n := l.m.Used() + l.m.Waiting(); n != 0 {
		t.Errorf("%d are used or waited for in the end", n)
	}
}

func TestOneWhoNeedsMuchMemoryKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	l := &line{t: t, m: engine.NewMemory(1000), given: make(chan string, 10), let: map[string]func(){}}
	held, _ := l.m.Reserve("hog", 500)
	l.wait(t.Context(), "much", "much", 500)
	l.wait(t.Context(), "little", "little", 260)
	some, _ := l.m.Reserve("other", 10)
	held()
	if got := l.next(1); got[0] != "little" {
		t.Errorf("%s is given memory first", got[0])
	}
	some()
	l.release("little")
	if got := l.next(1); got[0] != "much" {
		t.Errorf("%s is given memory then", got[0])
	}
}
