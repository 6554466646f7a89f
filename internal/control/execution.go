package control

import (
	"context"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// CancelExecution ends an execution before its end: one that waits at once, one that runs by cutting the step it is in. One that has
// failed and blocks its lane gives way.
func (p *Plane) CancelExecution(ctx context.Context, id string, m Mutation) (ipaas.Execution, error) {
	var ended <-chan struct{}
	stop := func() {}
	id, err := once(ctx, p, m, func(write func(string) (storage.Write, error)) (string, error) {
		w, err := write(id)
		if err != nil {
			return "", err
		}
		if !w.DryRun {
			ended, stop = p.tails.listen(id)
		}
		ex, err := p.store.CancelExecution(ctx, id, p.now(), w)
		if err != nil || w.DryRun {
			return id, err
		}
		p.tails.notify(id)
		p.wake() // another one may have its turn now
		if ex.Canceling && ex.State == ipaas.ExecutionRunning {
			p.live.cut(id, errCanceled)
		}
		return id, nil
	})
	defer stop()
	if err != nil {
		return ipaas.Execution{}, err
	}
	return p.awaitEnd(ctx, id, ended)
}

// awaitEnd returns an execution when it has ended, or as it is after a while.
func (p *Plane) awaitEnd(ctx context.Context, id string, happened <-chan struct{}) (ipaas.Execution, error) {
	late := time.NewTimer(p.limits.CutWithin)
	defer late.Stop()
	for {
		ex, err := p.store.GetExecution(ctx, id)
		if err != nil || !ex.Canceling || ex.State.Ended() || happened == nil {
			return ex, err
		}
		select {
		case <-happened:
		case <-late.C:
			return ex, nil
		case <-ctx.Done():
			return ex, ctx.Err()
		}
	}
}
