package control

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/headrace/headrace/internal/config"
	"github.com/headrace/headrace/internal/ipaas"
)

// InstanceView is what is shown of an instance beside its own fields.
type InstanceView struct {
	Flows         []InstanceFlow
	EndpointURL   string // that its flows share; empty if they share none, and in a view that is not full
	Config        map[string]config.View
	Registrations []ipaas.Registration
}

// InstanceFlow is a flow as an instance has it.
type InstanceFlow struct {
	FlowID, DisplayName, TriggerType string
	URL                              string // empty in a view that is not full, as the rest
	Security                         ipaas.FlowSecurity
	Keys                             int  // that count; 0 in a view that is not full
	Locked                           bool // it lets nobody in, since it has no key; never in a view that is not full

	Schedule    string    // when it runs by itself, with what the config says: a cron expression or an interval; empty: never
	NextRunTime time.Time // zero: it does not run by itself, or not while the instance is paused
}

// DescribeInstance returns the flows of an instance; a full view also has their URLs, the config values and the registrations.
func (p *Plane) DescribeInstance(ctx context.Context, in ipaas.Instance, full bool) (InstanceView, error) {
	program, err := p.instanceProgram(ctx, in)
	if err != nil {
		return InstanceView{}, err
	}
	def := program.Definition()
	var view InstanceView
	urls := map[string]string{}
	if full {
		if in.Kind == ipaas.InstanceTest {
			// The draft may have got flows since the last test; their URLs are shown before the first test, too.
			if _, err := p.store.AddWebhooks(ctx, in.ID, p.access.NewWebhooks(in, def, p.now())); err != nil {
				return view, err
			}
		}
		// An instance that was only validated, and one that is gone when its creation is answered again, has no URLs.
		if urls, err = p.access.URLs(ctx, in.ID); err != nil && !errors.Is(err, ipaas.NotFound) {
			return view, err
		}
	}
	keys := map[string]int{}
	if full {
		view.EndpointURL = def.Endpoint.URLOf(urls, in.Kind == ipaas.InstanceTest)
		if keys, err = p.countKeys(ctx, in, def); err != nil {
			return view, err
		}
	}
	for i := range def.Flows {
		f := &def.Flows[i]
		view.Flows = append(view.Flows, InstanceFlow{
			FlowID: f.ID, DisplayName: f.DisplayName, TriggerType: f.Trigger.Type, URL: urls[f.ID],
			Security: cmp.Or(f.Security, ipaas.SecurityCustomerOptional), Keys: keys[f.ID],
			Locked: full && f.Security.Locked(keys[f.ID]),
		})
	}
	if !full {
		return view, nil
	}
	if err := p.showSchedules(ctx, in, view.Flows); err != nil {
		return view, err
	}
	view.Config = make(map[string]config.View, len(def.ConfigVariables))
	for i := range def.ConfigVariables {
		v := &def.ConfigVariables[i]
		view.Config[v.ID] = config.Show(v, in.Config.Values[v.ID], program)
	}
	rows, err := p.store.ListRegistrations(ctx, in.ID, openStates...)
	if errors.Is(err, ipaas.NotFound) {
		return view, nil
	}
	if err != nil {
		return view, err
	}
	view.Registrations, err = p.revealedRegistrations(ctx, in.ID, rows)
	return view, err
}

// showSchedules adds to flows when they run by themselves.
func (p *Plane) showSchedules(ctx context.Context, in ipaas.Instance, flows []InstanceFlow) error {
	schedules, err := p.store.ListSchedules(ctx, in.ID)
	if err != nil && !errors.Is(err, ipaas.NotFound) {
		return err
	}
	for _, s := range schedules {
		i := slices.IndexFunc(flows, func(f InstanceFlow) bool { return f.FlowID == s.FlowID })
		if i < 0 {
			continue
		}
		flows[i].Schedule = s.Spec
		if !in.Paused {
			flows[i].NextRunTime = s.NextTime
		}
	}
	return nil
}
