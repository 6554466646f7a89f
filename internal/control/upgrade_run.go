package control

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// mostAttempts is how often one instance is deployed again after deployments that a stop of the server cut.
const mostAttempts = 3

// startUpgrade carries out an upgrade beside its caller.
func (p *Plane) startUpgrade(id string) {
	p.background.Go(func() {
		for {
			err := p.carryOutUpgrade(p.stop, id)
			if err == nil || p.stop.Err() != nil {
				return
			}
			if !errors.Is(err, ipaas.Unavailable) {
				p.logger.Error("an upgrade stands still until the server is started again", "upgrade", id, "error", err)
				return
			}
			p.logger.Warn("an upgrade waits for the store", "upgrade", id, "error", err)
			select {
			case <-p.stop.Done():
				return
			case <-time.After(pollEvery):
			}
		}
	})
}

// resumeUpgrades goes on with the upgrades that a stopped server left.
func (p *Plane) resumeUpgrades(ctx context.Context) {
	left, err := p.store.UnfinishedUpgrades(ctx)
	if err != nil && ctx.Err() == nil {
		p.logger.Error("find unfinished upgrades", "error", err)
	}
	for _, u := range left {
		p.startUpgrade(u.ID)
	}
}

// upgrading is an upgrade that is carried out.
type upgrading struct {
	plane *Plane
	id    string
	mu    sync.Mutex // whoever decides about the next instance knows what became of those before
}

// carryOutUpgrade moves one instance after another until all are through or too many have failed. An error says that it stopped where it
// stands: the server stops, or the store fails.
func (p *Plane) carryOutUpgrade(ctx context.Context, id string) error {
	leave, err := p.upgrades.Take(ctx, id)
	if err != nil {
		return err
	}
	defer leave()
	run := &upgrading{plane: p, id: id}
	if err := run.takeOver(ctx); err != nil {
		return err
	}
	for {
		u, err := p.store.GetUpgrade(ctx, id)
		if err != nil || u.State.Ended() {
			return err
		}
		to, why := verdict(u)
		if u, err = p.store.MoveUpgrade(ctx, id, to, why, 0, p.now(), storage.Write{}); err != nil {
			return err
		}
		if u.State.Ended() {
			p.logger.Info("upgrade ended", "upgrade", id, "integration", u.IntegrationID, "state", u.State, "succeeded", u.Succeeded,
				"failed", u.Failed, "skipped", u.Skipped)
			return nil
		}
		if err := run.batch(ctx, u); err != nil {
			return err
		}
	}
}

// verdict says where an upgrade goes from what became of its instances so far, and why it stops.
func verdict(u ipaas.Upgrade) (to ipaas.UpgradeState, why string) {
	switch {
	case u.InCanary() && u.Failed > 0:
		return ipaas.UpgradeStopped, "a canary failed"
	case u.Failed > u.MaxFailures:
		return ipaas.UpgradeStopped, fmt.Sprintf("%d failed, and %d may", u.Failed, u.MaxFailures)
	case u.Remaining() == 0:
		return ipaas.UpgradeSucceeded, ""
	case u.InCanary():
		return ipaas.UpgradeCanary, ""
	default:
		return ipaas.UpgradeRunning, ""
	}
}

// takeOver comes to an end with the instances that a stopped server was moving.
func (run *upgrading) takeOver(ctx context.Context) error {
	u, err := run.plane.store.GetUpgrade(ctx, run.id)
	if err != nil {
		return err
	}
	left, err := run.plane.store.ListUpgradeResults(ctx, run.id, storage.Query{Size: 100, Filter: &storage.Filter{
		Field: "state", Operator: storage.Equal, Value: string(ipaas.UpgradeResultRunning),
	}})
	if err != nil {
		return err
	}
	for _, r := range left.Items {
		if err := run.move(ctx, u, r); err != nil {
			return err
		}
	}
	return nil
}

// batch moves one canary, or all that remain, several side by side.
func (run *upgrading) batch(ctx context.Context, u ipaas.Upgrade) error {
	if u.InCanary() {
		_, err := run.one(ctx)
		return err
	}
	var (
		all    sync.WaitGroup
		mu     sync.Mutex
		failed error
	)
	for range u.Parallelism {
		all.Go(func() {
			for {
				more, err := run.one(ctx)
				if err != nil {
					mu.Lock()
					failed = errors.Join(failed, err)
					mu.Unlock()
				}
				if !more || err != nil {
					return
				}
			}
		})
	}
	all.Wait()
	return failed
}

// one moves the next instance, if there is one and none stands against it.
func (run *upgrading) one(ctx context.Context) (more bool, err error) {
	u, r, err := run.next(ctx)
	if errors.Is(err, ipaas.NotFound) || errors.Is(err, ipaas.Conflict) {
		return false, nil
	}
	if err != nil || r.UpgradeID == "" {
		return false, err
	}
	return true, run.move(ctx, u, r)
}

// next takes the next instance. The zero result says that the upgrade goes on no further, or elsewhere.
func (run *upgrading) next(ctx context.Context) (u ipaas.Upgrade, r ipaas.UpgradeResult, err error) {
	run.mu.Lock()
	defer run.mu.Unlock()
	if u, err = run.plane.store.GetUpgrade(ctx, run.id); err != nil {
		return u, r, err
	}
	if to, _ := verdict(u); to != u.State {
		return u, r, nil
	}
	r, err = run.plane.store.BeginUpgradeResult(ctx, run.id, u.InCanary(), run.plane.now())
	return u, r, err
}

// move brings one instance to the version and records what became of it.
func (run *upgrading) move(ctx context.Context, u ipaas.Upgrade, r ipaas.UpgradeResult) error {
	if err := run.plane.upgradeInstance(ctx, u, &r); err != nil {
		return err
	}
	r.EndTime = run.plane.now()
	if r.State == ipaas.UpgradeResultPending {
		r.EndTime = time.Time{}
	}
	run.mu.Lock()
	defer run.mu.Unlock()
	return run.plane.store.SaveUpgradeResult(context.WithoutCancel(ctx), r)
}

// upgradeInstance deploys an instance and notes what became of it. Each attempt has a request id of its own, so that no instance is
// deployed twice by it, whatever was known when the server stopped. An error says that the server stops.
func (p *Plane) upgradeInstance(ctx context.Context, u ipaas.Upgrade, r *ipaas.UpgradeResult) error {
	in, err := p.store.GetInstance(ctx, r.InstanceID)
	if err != nil && !errors.Is(err, ipaas.NotFound) {
		return err
	}
	m := Mutation{Method: "Upgrade", RequestID: fmt.Sprintf("%s/%s/%d", u.ID, r.InstanceID, r.Attempts), RequestHash: u.ID}
	known, err := p.store.FindDeployment(ctx, r.InstanceID, m.RequestID)
	begun := err == nil
	if err != nil && !errors.Is(err, ipaas.NotFound) {
		return err
	}
	if !begun && skip(r, u, in) {
		return nil
	}
	var result DeployResult
	if begun && known.State.Ended() {
		result, err = p.pastResult(ctx, known)
	} else {
		result, err = p.deployPatiently(ctx, r.InstanceID, u.Version, m)
	}
	switch {
	case err == nil:
		r.State, r.DeploymentID = ipaas.UpgradeResultSucceeded, result.Deployment.ID
	case p.stop.Err() != nil:
		return err
	case ipaas.ReasonOf(err) == ipaas.ReasonDeployInterrupted && r.Attempts < mostAttempts:
		r.State = ipaas.UpgradeResultPending
	default:
		p.failResult(r, err)
	}
	return nil
}

// deployPatiently deploys an instance as soon as other deployments of it have ended and the store can take it.
func (p *Plane) deployPatiently(ctx context.Context, id string, version int, m Mutation) (DeployResult, error) {
	const most = 20 * time.Minute // longer than any deployment may take
	for begin := time.Now(); ; {
		result, err := p.DeployInstance(ctx, id, version, m)
		busy := ipaas.ReasonOf(err) == ipaas.ReasonDeploymentRunning || errors.Is(err, ipaas.Unavailable)
		if !busy || time.Since(begin) > most {
			return result, err
		}
		select {
		case <-ctx.Done():
			return result, ctx.Err()
		case <-time.After(pollEvery):
		}
	}
}
