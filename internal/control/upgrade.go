package control

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

const (
	defaultParallelism = 4
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
