package control

import (
	"context"
	"fmt"
	"sync"

	"github.com/headrace/headrace/internal/storage"
)

// testRuns are the tests under way that have a request id, by caller and id: the same request waits for the same answer, so that a
// flow that changes other systems runs once.
type testRuns struct {
	mu    sync.Mutex
	byKey map[string]*testRun
}

type testRun struct {
	requestHash string
	done        chan struct{}
	result      TestResult
	err         error
}

// join returns the run of a mutation, and whether the caller is the one to carry it out.
func (t *testRuns) join(m Mutation) (run *testRun, first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if run = t.byKey[m.key()]; run != nil {
		return run, false
	}
	if t.byKey == nil {
		t.byKey = map[string]*testRun{}
	}
	run = &testRun{requestHash: m.RequestHash, done: make(chan struct{})}
	t.byKey[m.key()] = run
	return run, true
}

func (t *testRuns) end(m Mutation, run *testRun) {
	t.mu.Lock()
	delete(t.byKey, m.key())
	t.mu.Unlock()
	close(run.done)
}

// joinTest gives the answer of the test that a request id stands for: that of the store, or of the test under way, or of a new one.
// Losing its caller does not tear a test; the same request id joins it again.
func (p *Plane) joinTest(ctx context.Context, m Mutation, test func(context.Context) (TestResult, error)) (TestResult, error) {
	run, first := p.tests.join(m)
	if run.requestHash != m.RequestHash {
		return TestResult{}, requestIDReused(m.RequestID)
	}
	if first {
		own := context.WithoutCancel(ctx)
		p.background.Go(func() {
			defer p.tests.end(m, run)
			run.result, run.err = p.rememberTest(own, m, test)
		})
	}
	select {
	case <-run.done:
		return run.result, run.err
	case <-ctx.Done():
		return TestResult{}, fmt.Errorf("the test of request %q goes on without you: %w", m.RequestID, ctx.Err())
	}
}

// rememberTest carries out a test, unless the same request was answered before, and keeps its answer. A test that did not come to an
// execution left nothing behind, and may be asked for again.
func (p *Plane) rememberTest(ctx context.Context, m Mutation, test func(context.Context) (TestResult, error)) (TestResult, error) {
	return once(ctx, p, m, func(write func(TestResult) (storage.Write, error)) (TestResult, error) {
		result, err := test(ctx)
		if err != nil {
			return result, err
		}
		w, err := write(result)
		if err != nil {
			return result, err
		}
		return result, p.store.SaveReceipt(ctx, *w.Receipt)
	})
}
