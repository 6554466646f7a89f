package control

import (
	"context"
	"sync"
	"time"

	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/secret"
)

// TailEvent is one thing that happened in an execution; exactly one field is set.
type TailEvent struct {
	Execution *ipaas.Execution
	Step      *ipaas.StepResult
	Log       *ipaas.Log
}

// tails tells those who follow an execution that something happened in it. What happened they read from the store, so nothing is
// lost when they are slow.
type tails struct {
	mu        sync.Mutex
	listeners map[string]map[chan struct{}]bool // by execution id
}

func newTails() *tails { return &tails{listeners: map[string]map[chan struct{}]bool{}} }

func (t *tails) notify(executionID string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for ch := range t.listeners[executionID] {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

func (t *tails) listen(executionID string) (ch chan struct{}, stop func()) {
	ch = make(chan struct{}, 1)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.listeners[executionID] == nil {
		t.listeners[executionID] = map[chan struct{}]bool{}
	}
	t.listeners[executionID][ch] = true
	return ch, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.listeners[executionID], ch)
		if len(t.listeners[executionID]) == 0 {
			delete(t.listeners, executionID)
		}
	}
}

// Tail sends what has happened in an execution so far, then what happens, and at last the finished execution.
func (p *Plane) Tail(ctx context.Context, executionID string, send func(TailEvent) error) error {
	ch, stop := p.tails.listen(executionID)
	defer stop()
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	f := follower{plane: p, id: executionID, send: send, sent: map[int64]ipaas.StepState{}}
	for {
		ended, err := f.catchUp(ctx)
		if ended {
			return nil
		}
		if p.stop.Err() != nil {
			return shuttingDown() // whatever the store that is being closed said
		}
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.stop.Done():
			return shuttingDown()
		case <-ch:
		case <-poll.C:
		}
	}
}

// follower remembers what was sent of one execution.
type follower struct {
	plane *Plane
	id    string
	send  func(TailEvent) error
	began bool
	sent  map[int64]ipaas.StepState // state in which a step that has not ended was sent last
	from  int64                     // all steps up to here have ended and were sent
	line  int64                     // the last line sent
}

func (f *follower) catchUp(ctx context.Context) (ended bool, err error) {
	// The execution is read first: if it has ended, the steps and lines read after it are all there are.
	ex, err := f.plane.store.GetExecution(ctx, f.id)
	if err != nil {
		return false, err
	}
	urls, err := f.plane.access.ShownURLs(ctx, ex.InstanceID)
	if err != nil {
		return false, err
	}
	mask := access.Mask(urls)
	ex = revealedExecution(ex, mask)
	if !f.began {
		f.began = true
		if !ex.State.Ended() {
			if err := f.send(TailEvent{Execution: &ex}); err != nil {
				return false, err
			}
		}
	}
	if err := f.steps(ctx); err != nil {
		return false, err
	}
	if err := f.lines(ctx, mask); err != nil {
		return false, err
	}
	if !ex.State.Ended() {
		return false, nil
	}
	if err := f.send(TailEvent{Execution: &ex}); err != nil {
		return false, err
	}
	return true, nil
}

func (f *follower) steps(ctx context.Context) error {
	const page = 200
	for after := f.from; ; {
		steps, more, err := f.plane.StepResults(ctx, f.id, after, page)
		if err != nil {
			return err
		}
		for i := range steps {
			s := &steps[i]
			after = s.Sequence
			if f.sent[s.Sequence] != s.State {
				if err := f.send(TailEvent{Step: s}); err != nil {
					return err
				}
				f.sent[s.Sequence] = s.State
			}
			if s.State != ipaas.StepRunning && s.Sequence == f.from+1 {
				f.from = s.Sequence
				delete(f.sent, s.Sequence)
			}
		}
		if !more {
			return nil
		}
	}
}

func (f *follower) lines(ctx context.Context, mask *secret.Mask) error {
	const page = 200
	for {
		logs, err := f.plane.store.ListLogs(ctx, f.id, f.line, page)
		if err != nil {
			return err
		}
		for i := range logs {
			logs[i].Message = mask.Reveal(logs[i].Message)
			if err := f.send(TailEvent{Log: &logs[i]}); err != nil {
				return err
			}
			f.line = logs[i].Sequence
		}
		if len(logs) < page {
			return nil
		}
	}
}
