package control

import (
	"context"
	"errors"
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

// insistOnDeletion is insistOnEnd for a deletion.
func (p *Plane) insistOnDeletion(in ipaas.Instance, why error) {
	p.insist("go on with a deletion", in.ID, why, func(ctx context.Context) error {
		now, err := p.store.GetInstance(ctx, in.ID)
		if err != nil || now.State != ipaas.InstanceDeleting {
			return err
		}
		_, err = p.carryOutRemoval(now, now)
		return err
	})
}

func (p *Plane) insist(what, instanceID string, why error, settle func(ctx context.Context) error) {
	if !errors.Is(why, ipaas.Unavailable) || p.stop.Err() != nil {
		return
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
}
