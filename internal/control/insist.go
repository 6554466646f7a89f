package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
)

// insistEvery is how often the plane tries to end what the store would not let it end.
const insistEvery = time.Second

// insistOnEnd brings a deployment to its end, by rolling it back, that the store has kept from it: the disk was full, or the writer too
// busy. Meanwhile nothing else can be done with the instance, so it is tried until it is done or the server stops.
func (p *Plane) insistOnEnd(d ipaas.Deployment, why error) {
	p.insist("roll back a deployment", d.InstanceID, why, func(ctx context.Context) error {
		now, err := p.store.GetDeployment(ctx, d.InstanceID, d.ID)
		if err != nil || now.State.Ended() {
			return err
		}
		return p.rollBackLeft(ctx, now)
	})
}

// insistOnRemoval is insistOnEnd for a deletion and an undeployment. It returns what their caller is told: that they go on.
func (p *Plane) insistOnRemoval(in ipaas.Instance, why error) error {
	if !p.insist("go on with a removal", in.ID, why, func(ctx context.Context) error {
		left, err := p.removalLeft(ctx, in)
		if err != nil || left == nil {
			return err
		}
		_, err = p.carryOutRemoval(*left, *left)
		return err
	}) {
		return why
	}
	return &ipaas.Error{
		Kind: ipaas.Unavailable, Reason: ipaas.ReasonOf(why), RetryAfter: insistEvery, Err: why,
		Message: fmt.Sprintf("the removal of instance %q was begun and goes on by itself as soon as it can be recorded: do not begin it again, look at the instance", in.ID),
	}
}

// removalLeft returns an instance whose removal was begun and has not ended, with the generation that served; nil: it has ended.
func (p *Plane) removalLeft(ctx context.Context, begun ipaas.Instance) (*ipaas.Instance, error) {
	now, err := p.store.GetInstance(ctx, begun.ID)
	if err != nil || now.UID != begun.UID {
		return nil, err
	}
	if now.State == ipaas.InstanceDeleting {
		return &now, nil
	}
	undeploying, err := p.store.UnfinishedUndeployments(ctx)
	i := slices.IndexFunc(undeploying, func(in ipaas.Instance) bool { return in.UID == begun.UID })
	if err != nil || i < 0 {
		return nil, err
	}
	return &undeploying[i], nil
}

// insist tries again and again to settle what the store has refused. It reports whether it does.
func (p *Plane) insist(what, instanceID string, why error, settle func(ctx context.Context) error) bool {
	if !errors.Is(why, ipaas.Unavailable) || p.stop.Err() != nil {
		return false
	}
	p.background.Go(func() {
		tick := time.NewTicker(insistEvery)
		defer tick.Stop()
		for errors.Is(why, ipaas.Unavailable) {
			select {
			case <-p.stop.Done():
				return
			case <-tick.C:
			}
			if why = settle(p.stop); why != nil && !errors.Is(why, ipaas.NotFound) {
				p.logger.Error(what, "instance", instanceID, "error", why)
			}
		}
	})
	return true
}
