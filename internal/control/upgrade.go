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

const (
	defaultParallelism = 4
	// mostAttempts is how often one instance is deployed again after deployments that a stop of the server cut.
	mostAttempts = 3
	// mostPlanned bounds the instances in a plan.
	mostPlanned = 1000
)

// CreateUpgrade begins to move the instances of an integration that fit a filter to a version. Only checked, it returns what would become
// of them, too.
func (p *Plane) CreateUpgrade(
	ctx context.Context, u ipaas.Upgrade, filter *storage.Filter, m Mutation,
) (ipaas.Upgrade, []ipaas.UpgradeResult, error) {
	created := false
	out, err := once(ctx, p, m, func(write func(ipaas.Upgrade) (storage.Write, error)) (ipaas.Upgrade, error) {
		var err error
		if u.Version, err = p.versionToDeploy(ctx, ipaas.Instance{IntegrationID: u.IntegrationID}, u.Version); err != nil {
			return u, err
		}
		if u.Parallelism == 0 {
			u.Parallelism = defaultParallelism
		}
		now := p.now()
		u.ID, u.State, u.Revision, u.CreateTime, u.UpdateTime = ipaas.NewID("upg"), ipaas.UpgradePending, 1, now, now
		w, err := write(u)
		if err != nil {
			return u, err
		}
		out, err := p.store.CreateUpgrade(ctx, u, filter, w)
		created = err == nil
		return out, err
	})
	switch {
	case err != nil:
		return out, nil, err
	case m.ValidateOnly:
		return p.planUpgrade(ctx, out, filter)
	case created:
		p.startUpgrade(out.ID)
	}
	out, err = p.store.GetUpgrade(ctx, out.ID) // the same request sees how far it is
	return out, nil, err
}

// planUpgrade tells what would become of the instances, and counts them.
func (p *Plane) planUpgrade(ctx context.Context, u ipaas.Upgrade, filter *storage.Filter) (ipaas.Upgrade, []ipaas.UpgradeResult, error) {
	var plan []ipaas.UpgradeResult
	query := storage.Query{Size: 500, Filter: &storage.Filter{
		Field: "integration_id", Operator: storage.Equal, Value: u.IntegrationID,
	}}
	if filter != nil {
		query.Filter = &storage.Filter{Join: storage.And, Filters: []*storage.Filter{query.Filter, filter}}
	}
	for {
		page, err := p.store.ListInstances(ctx, query)
		if err != nil {
			return u, nil, err
		}
		for _, in := range page.Items {
			r := p.foresee(ctx, u, in)
			switch r.State {
			case ipaas.UpgradeResultSkipped:
				u.Skipped++
			case ipaas.UpgradeResultFailed:
				u.Failed++
			}
			if len(plan) < mostPlanned {
				plan = append(plan, r)
			}
		}
		if page.Next == "" {
			return u, plan, nil
		}
		query.After = page.Next
	}
}

// foresee tells what would become of an instance in an upgrade; PENDING means that it would be deployed.
func (p *Plane) foresee(ctx context.Context, u ipaas.Upgrade, in ipaas.Instance) ipaas.UpgradeResult {
	r := ipaas.UpgradeResult{
		InstanceID: in.ID, InstanceUID: in.UID, CustomerID: in.CustomerID, FromVersion: in.Version, State: ipaas.UpgradeResultPending,
	}
	if skip(&r, u, in) {
		return r
	}
	if _, err := p.prepare(ctx, in, u.Version); err != nil {
		p.failResult(&r, err)
	}
	return r
}

// skip reports whether an upgrade passes over an instance, and notes why.
func skip(r *ipaas.UpgradeResult, u ipaas.Upgrade, in ipaas.Instance) bool {
	because := func(reason ipaas.Reason, message string) bool {
		r.State, r.Reason, r.Message = ipaas.UpgradeResultSkipped, reason, message
		return true
	}
	switch {
	case in.UID != r.InstanceUID:
		return because(ipaas.ReasonNotFound, "it was deleted meanwhile")
	case in.State == ipaas.InstanceDeleting:
		return because(ipaas.ReasonInstanceDeleting, "it is being deleted")
	case in.Generation == 0:
		return because(ipaas.ReasonNotDeployed, "nothing of it serves: deploy it by itself")
	case in.Paused:
		return because(ipaas.ReasonInstancePaused, "it is paused: resume it, then deploy it by itself")
	case in.Version == u.Version && !u.IncludeUpToDate:
		return because(ipaas.ReasonUpToDate, fmt.Sprintf("it is on version %d already", u.Version))
	}
	return false
}

// failResult notes why an instance cannot be deployed.
func (p *Plane) failResult(r *ipaas.UpgradeResult, err error) {
	r.State, r.Message = ipaas.UpgradeResultFailed, "an internal error; the server's log tells more"
	var known *ipaas.Error
	if !errors.As(err, &known) {
		p.logger.Error("deploy an instance for an upgrade", "upgrade", r.UpgradeID, "instance", r.InstanceID, "error", err)
		return
	}
	r.Reason, r.Message, r.Problems = known.Reason, known.Message, known.Violations
	if id := known.Meta["deployment_id"]; id != "" {
		r.DeploymentID = id
	}
}

// CancelUpgrade begins no further deployments of an upgrade; those under way come to their end.
func (p *Plane) CancelUpgrade(ctx context.Context, id string, m Mutation) (ipaas.Upgrade, error) {
	return p.moveUpgrade(ctx, id, m, func(base int64, now time.Time, w storage.Write) (ipaas.Upgrade, error) {
		return p.store.MoveUpgrade(ctx, id, ipaas.UpgradeCanceled, "", base, now, w)
	})
}

// ResumeUpgrade goes on with an upgrade that was stopped or canceled.
func (p *Plane) ResumeUpgrade(ctx context.Context, id string, m Mutation) (ipaas.Upgrade, error) {
	u, err := p.moveUpgrade(ctx, id, m, func(base int64, now time.Time, w storage.Write) (ipaas.Upgrade, error) {
		return p.store.ResumeUpgrade(ctx, id, base, now, w)
	})
	if err == nil && !m.ValidateOnly {
		p.startUpgrade(id)
	}
	return u, err
}

// moveUpgrade changes where an upgrade is. The same request sees how far it is by then.
func (p *Plane) moveUpgrade(
	ctx context.Context, id string, m Mutation, change func(base int64, now time.Time, w storage.Write) (ipaas.Upgrade, error),
) (ipaas.Upgrade, error) {
	u, err := once(ctx, p, m, func(write func(ipaas.Upgrade) (storage.Write, error)) (u ipaas.Upgrade, err error) {
		err = patiently(m, func() error {
			if u, err = p.store.GetUpgrade(ctx, id); err != nil {
				return err
			}
			w, err := write(u)
			if err != nil {
				return err
			}
			u, err = change(m.Base, p.now(), w)
			return err
		})
		return u, err
	})
	if err != nil || m.ValidateOnly {
		return u, err
	}
	return p.store.GetUpgrade(ctx, id)
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

// startUpgrade carries out an upgrade beside its caller.
func (p *Plane) startUpgrade(id string) {
	p.background.Go(func() {
		if err := p.carryOutUpgrade(p.stop, id); err != nil && p.stop.Err() == nil {
			p.logger.Error("an upgrade stands still until the server is started again", "upgrade", id, "error", err)
		}
	})
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
	leave, err := p.upgrades.take(ctx, id)
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
