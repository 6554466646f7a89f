package control

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/headrace/headrace/internal/config"
	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// CreateInstance adds an instance of an integration for a customer. Its URLs exist from here on, so that a plan can show them; they
// run nothing until it is deployed.
func (p *Plane) CreateInstance(ctx context.Context, in ipaas.Instance, change config.Change, m Mutation) (ipaas.Instance, error) {
	return once(ctx, p, m, func(write func(ipaas.Instance) (storage.Write, error)) (ipaas.Instance, error) {
		now := p.now()
		chosen := in.ID != ""
		if !chosen {
			in.ID = ipaas.Slug(in.DisplayName, "instance")
		}
		in.UID, in.Kind, in.State, in.Revision = ipaas.NewUID(), ipaas.InstanceStandard, ipaas.InstanceCreated, 1
		in.CreateTime, in.UpdateTime = now, now
		if err := checkInstance(in); err != nil {
			return in, err
		}
		program, err := p.instanceProgram(ctx, in)
		if err != nil {
			return in, err
		}
		if in.Config, err = p.configs.Apply(in.UID, []*engine.Program{program}, ipaas.Config{}, change); err != nil {
			return in, err
		}
		for {
			w, err := write(in)
			if err != nil {
				return in, err
			}
			err = p.store.CreateInstance(ctx, in, p.access.NewWebhooks(in, program.Definition(), p.now()), w)
			if chosen || !errors.Is(err, ipaas.Exists) {
				return in, err
			}
			in.ID = ipaas.RandomID(in.DisplayName, "instance")
		}
	})
}

func checkInstance(in ipaas.Instance) error {
	wrong := ipaas.ValidateNamed("instance", in.ID, in.DisplayName, in.Labels)
	if in.CustomerID == "" {
		wrong = append(wrong, ipaas.Violation{Field: "customerId", Reason: ipaas.ReasonRequired, Description: "is empty: say whose instance it is"})
	}
	if in.IntegrationID == "" {
		wrong = append(wrong, ipaas.Violation{Field: "integrationId", Reason: ipaas.ReasonRequired, Description: "is empty: say what it is an instance of"})
	}
	if len(wrong) > 0 {
		return ipaas.InvalidArgument("instance is not well formed", wrong...)
	}
	return nil
}

// UpdateInstance changes names, labels and config of an instance, standard or test.
func (p *Plane) UpdateInstance(
	ctx context.Context, id string, change config.Change, m Mutation, apply func(*ipaas.Instance) error,
) (ipaas.Instance, error) {
	return once(ctx, p, m, func(write func(ipaas.Instance) (storage.Write, error)) (ipaas.Instance, error) {
		return p.changeInstance(ctx, id, m, func(in *ipaas.Instance) error {
			if err := apply(in); err != nil {
				return err
			}
			if in.Kind == ipaas.InstanceStandard {
				if err := checkInstance(*in); err != nil {
					return err
				}
			}
			return p.changeConfig(ctx, in, change)
		}, write)
	})
}

func (p *Plane) changeConfig(ctx context.Context, in *ipaas.Instance, change config.Change) error {
	if len(change.Values) == 0 && !change.ReplaceAll {
		return nil
	}
	program, err := p.instanceProgram(ctx, *in)
	if err != nil {
		return err
	}
	programs := []*engine.Program{program}
	if in.Version != 0 {
		// What a newer version will need can be set before the deployment that moves to it.
		integration, err := p.store.GetIntegrationHead(ctx, in.IntegrationID)
		if err != nil {
			return err
		}
		newest, _, err := p.versionProgram(ctx, in.IntegrationID, integration.LatestVersion)
		if err != nil {
			return err
		}
		programs = append(programs, newest)
	}
	in.Config, err = p.configs.Apply(in.UID, programs, in.Config, change)
	return err
}

// changeInstance reads an instance, changes it and stores it, as one change.
func (p *Plane) changeInstance(
	ctx context.Context, id string, m Mutation, apply func(*ipaas.Instance) error, write func(ipaas.Instance) (storage.Write, error),
) (in ipaas.Instance, err error) {
	err = patiently(m, func() error {
		if in, err = p.instanceAt(ctx, id, m.Base); err != nil {
			return err
		}
		base := in.Revision
		if err := apply(&in); err != nil {
			return err
		}
		in.Revision, in.UpdateTime = base+1, p.now()
		w, err := write(in)
		if err != nil {
			return err
		}
		return p.store.UpdateInstance(ctx, in, base, w)
	})
	return in, err
}

// instanceAt returns an instance if its revision is base, or whatever it is for base 0.
func (p *Plane) instanceAt(ctx context.Context, id string, base int64) (ipaas.Instance, error) {
	in, err := p.store.GetInstance(ctx, id)
	if err != nil {
		return in, err
	}
	if base != 0 && in.Revision != base {
		return in, ipaas.Stale("instance", id)
	}
	return in, nil
}

// standardAt is instanceAt for what only a customer's instance can do.
func (p *Plane) standardAt(ctx context.Context, id string, base int64) (ipaas.Instance, error) {
	in, err := p.instanceAt(ctx, id, base)
	if err != nil {
		return in, err
	}
	if in.Kind == ipaas.InstanceTest {
		return in, &ipaas.Error{
			Kind: ipaas.Precondition, Reason: ipaas.ReasonTestInstance,
			Message: fmt.Sprintf("instance %q is a test instance, which is always on the draft: use TestFlow and ResetTestInstance", id),
		}
	}
	if in.State == ipaas.InstanceDeleting {
		return in, &ipaas.Error{
			Kind: ipaas.Precondition, Reason: ipaas.ReasonInstanceDeleting,
			Message: fmt.Sprintf("instance %q is being deleted: create another one", id),
		}
	}
	return in, nil
}

// PauseInstance stops running flows for webhooks.
func (p *Plane) PauseInstance(ctx context.Context, id string, mode ipaas.PauseMode, m Mutation) (ipaas.Instance, error) {
	if mode == "" {
		mode = ipaas.PauseHold
	}
	return p.changeState(ctx, id, m,
		func(in *ipaas.Instance) bool {
			changes := !in.Paused || in.PauseMode != mode
			in.Paused, in.PauseMode = true, mode
			return changes
		},
		func(in ipaas.Instance, now time.Time, w storage.Write) (ipaas.Instance, error) {
			return p.store.PauseInstance(ctx, id, mode, in.Revision, now, w)
		})
}

// ResumeInstance ends a pause.
func (p *Plane) ResumeInstance(ctx context.Context, id string, m Mutation) (ipaas.Instance, error) {
	defer p.wake()
	return p.changeState(ctx, id, m,
		func(in *ipaas.Instance) bool {
			changes := in.Paused
			in.Paused, in.PauseMode = false, ""
			return changes
		},
		func(in ipaas.Instance, now time.Time, w storage.Write) (ipaas.Instance, error) {
			return p.store.ResumeInstance(ctx, id, in.Revision, now, w)
		})
}

// RotateWebhookToken gives one flow, or all, new URLs, and with all of them the one that they share, or that one alone.
func (p *Plane) RotateWebhookToken(ctx context.Context, id, flowID string, endpoint bool, overlap time.Duration, m Mutation) (ipaas.Instance, error) {
	return p.changeState(ctx, id, m, func(*ipaas.Instance) bool { return true },
		func(in ipaas.Instance, now time.Time, w storage.Write) (ipaas.Instance, error) {
			current, err := p.store.ListWebhooks(ctx, id)
			if err != nil {
				return in, err
			}
			var hooks []ipaas.Webhook
			for _, h := range current {
				switch {
				case h.FlowID == ipaas.SharedEndpoint: // it is not the instance's own
				case endpoint && h.FlowID != ipaas.InstanceEndpoint, !endpoint && flowID != "" && h.FlowID != flowID:
				default:
					hooks = append(hooks, p.access.NewWebhook(in.ID, h.FlowID, now))
				}
			}
			if len(hooks) == 0 && endpoint {
				return in, absentEndpoint(id)
			}
			if len(hooks) == 0 {
				return in, absentURL(id, flowID)
			}
			return p.store.RotateWebhooks(ctx, id, hooks, now.Add(overlap), in.Revision, now, w)
		})
}

func absentEndpoint(id string) error {
	err := ipaas.Absent("endpoint", id)
	err.Message = fmt.Sprintf("the flows of instance %q share no URL of its own: deploy a version with an endpoint of type %s", id, ipaas.EndpointPerInstance)
	return err
}

func absentURL(id, flowID string) error {
	err := ipaas.Absent("webhook URL", flowID)
	err.Message = fmt.Sprintf("instance %q has no webhook URL for flow %q: deploy it first, or name another flow", id, flowID)
	if flowID == "" {
		err.Message = fmt.Sprintf("instance %q has no webhook URLs yet: deploy it first", id)
	}
	return err
}

// changeState makes a change that the store does by itself; expect tells what it makes of the instance, for the remembered answer, and
// whether that is a change at all.
func (p *Plane) changeState(
	ctx context.Context, id string, m Mutation, expect func(*ipaas.Instance) bool,
	change func(ipaas.Instance, time.Time, storage.Write) (ipaas.Instance, error),
) (ipaas.Instance, error) {
	return once(ctx, p, m, func(write func(ipaas.Instance) (storage.Write, error)) (out ipaas.Instance, err error) {
		err = patiently(m, func() error {
			in, err := p.standardAt(ctx, id, m.Base)
			if err != nil {
				return err
			}
			after, now := in, p.now()
			if expect(&after) {
				after.Revision, after.UpdateTime = in.Revision+1, now
			}
			w, err := write(after)
			if err != nil {
				return err
			}
			out, err = change(in, now, w)
			return err
		})
		return out, err
	})
}

// instanceProgram returns what an instance is on: the draft for a test instance, the pinned version, or the newest one for an
// instance that was never deployed.
func (p *Plane) instanceProgram(ctx context.Context, in ipaas.Instance) (*engine.Program, error) {
	if in.Kind == ipaas.InstanceTest {
		program, err := p.draftProgram(ctx, in.IntegrationID)
		return program, err
	}
	version, err := p.versionToDeploy(ctx, in, 0)
	if err != nil {
		return nil, err
	}
	program, _, err := p.versionProgram(ctx, in.IntegrationID, version)
	return program, err
}

// programAt is instanceProgram for a version; 0 is the one the instance is on.
func (p *Plane) programAt(ctx context.Context, in ipaas.Instance, version int) (*engine.Program, error) {
	if version == 0 || in.Kind == ipaas.InstanceTest {
		return p.instanceProgram(ctx, in)
	}
	program, _, err := p.versionProgram(ctx, in.IntegrationID, version)
	return program, err
}

func (p *Plane) draftProgram(ctx context.Context, integrationID string) (*engine.Program, error) {
	in, err := p.store.GetIntegration(ctx, integrationID)
	if err != nil {
		return nil, err
	}
	program, _, err := p.catalogue.Program(ctx, &in.Draft, in.Draft.Hash(), nil)
	return program, err
}

// versionProgram returns what a version runs, with the versions of the declarative components that it was published with.
func (p *Plane) versionProgram(ctx context.Context, integrationID string, version int) (*engine.Program, map[string]int, error) {
	v, err := p.store.GetVersionHead(ctx, integrationID, version)
	if err != nil {
		return nil, nil, err
	}
	return p.catalogue.Pinned(ctx, v.DefinitionHash, v.ComponentVersions)
}

// generationProgram returns what a generation runs.
func (p *Plane) generationProgram(ctx context.Context, g ipaas.Generation) (*engine.Program, error) {
	program, _, err := p.catalogue.Pinned(ctx, g.DefinitionHash, g.ComponentVersions)
	return program, err
}

// versionToDeploy returns the version asked for, the pinned one, or the newest.
func (p *Plane) versionToDeploy(ctx context.Context, in ipaas.Instance, asked int) (int, error) {
	if asked != 0 {
		return asked, nil
	}
	if in.Version != 0 {
		return in.Version, nil
	}
	integration, err := p.store.GetIntegrationHead(ctx, in.IntegrationID)
	if err != nil {
		return 0, err
	}
	if integration.LatestVersion == 0 {
		return 0, &ipaas.Error{
			Kind: ipaas.Precondition, Reason: ipaas.ReasonNotPublished,
			Message: fmt.Sprintf("integration %q has no version yet: publish it first", in.IntegrationID),
			Meta:    map[string]string{"integration_id": in.IntegrationID},
		}
	}
	return integration.LatestVersion, nil
}
