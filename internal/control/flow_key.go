package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// CreateFlowKey adds a key to a flow of an instance or of an integration. text is the key, empty to have one made.
func (p *Plane) CreateFlowKey(ctx context.Context, k ipaas.FlowKey, text string, m Mutation) (ipaas.FlowKey, error) {
	return once(ctx, p, m, func(write func(ipaas.FlowKey) (storage.Write, error)) (ipaas.FlowKey, error) {
		chosen := k.ID != ""
		if !chosen {
			k.ID = ipaas.Slug(k.DisplayName, "key")
		}
		if text == "" {
			text = access.NewKey()
		}
		k.DisplayName = cmp.Or(k.DisplayName, k.ID)
		if err := checkFlowKey(k, text); err != nil {
			return k, err
		}
		if err := p.knowsFlow(ctx, k); err != nil {
			return k, err
		}
		p.access.SealKey(&k, text)
		k.CreateTime = p.now()
		for {
			w, err := write(k)
			if err != nil {
				return k, err
			}
			err = p.store.CreateFlowKey(ctx, k, w)
			if chosen || !errors.Is(err, ipaas.Exists) || !p.isTaken(ctx, k) {
				return k, err
			}
			k.ID = ipaas.RandomID(k.DisplayName, "key")
		}
	})
}

// isTaken reports whether it is the id of a key that another one has, rather than its text.
func (p *Plane) isTaken(ctx context.Context, k ipaas.FlowKey) bool {
	keys, err := p.store.ListFlowKeys(ctx, k.InstanceID, k.IntegrationID)
	return err == nil && !slices.ContainsFunc(keys, func(other ipaas.FlowKey) bool { return other.FlowID == k.FlowID && other.Hash == k.Hash })
}

func checkFlowKey(k ipaas.FlowKey, text string) error {
	wrong := ipaas.ValidateNamed("flow key", k.ID, k.DisplayName, nil)
	if !ipaas.ValidFlowKey(text) {
		wrong = append(wrong, ipaas.Violation{Field: "key", Reason: ipaas.ReasonMalformed, Description: fmt.Sprintf(
			"cannot be a key: give %d to %d letters, digits and signs of ASCII without spaces, or nothing to have one made",
			ipaas.MinFlowKeyLength, ipaas.MaxFlowKeyLength)})
	}
	if len(wrong) > 0 {
		return ipaas.InvalidArgument("the flow key is not well formed", wrong...)
	}
	return nil
}

// knowsFlow refuses a key for a flow that there is not: neither in what the instance is on, nor in the draft or the newest version,
// whose keys can be made ahead of the deployment that moves to it.
func (p *Plane) knowsFlow(ctx context.Context, k ipaas.FlowKey) error {
	integrationID := k.IntegrationID
	if k.InstanceID != "" {
		in, err := p.store.GetInstance(ctx, k.InstanceID)
		if err != nil {
			return err
		}
		integrationID = in.IntegrationID
		if in.Version != 0 {
			v, err := p.store.GetIntegrationVersion(ctx, in.IntegrationID, in.Version)
			if err != nil {
				return err
			}
			if flow, _ := v.Definition.Flow(k.FlowID); flow != nil {
				return nil
			}
		}
	}
	integration, err := p.store.GetIntegration(ctx, integrationID)
	if err != nil {
		return err
	}
	if flow, _ := integration.Draft.Flow(k.FlowID); flow != nil {
		return nil
	}
	if integration.LatestVersion > 0 {
		v, err := p.store.GetIntegrationVersion(ctx, integrationID, integration.LatestVersion)
		if err != nil {
			return err
		}
		if flow, _ := v.Definition.Flow(k.FlowID); flow != nil {
			return nil
		}
	}
	return absentPart("flow", k.FlowID, integrationID)
}

// DeleteFlowKey forgets a key: its holders are refused from here on.
func (p *Plane) DeleteFlowKey(ctx context.Context, k ipaas.FlowKey, m Mutation) error {
	_, err := once(ctx, p, m, func(write func(struct{}) (storage.Write, error)) (struct{}, error) {
		w, err := write(struct{}{})
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, p.store.DeleteFlowKey(ctx, k, w)
	})
	return err
}

// ListFlowKeys returns the keys of one flow of an instance or of an integration, oldest first.
func (p *Plane) ListFlowKeys(ctx context.Context, of ipaas.FlowKey) ([]ipaas.FlowKey, error) {
	keys, err := p.store.ListFlowKeys(ctx, of.InstanceID, of.IntegrationID)
	return slices.DeleteFunc(keys, func(k ipaas.FlowKey) bool { return k.FlowID != of.FlowID }), err
}

// FlowKeyText returns the key itself.
func (p *Plane) FlowKeyText(k ipaas.FlowKey) (string, error) { return p.access.KeyText(k) }

// countKeys returns how many keys count for each flow, by its id. An instance that is gone has none.
func (p *Plane) countKeys(ctx context.Context, in ipaas.Instance, def *ipaas.Definition) (map[string]int, error) {
	keys, err := p.store.ListFlowKeys(ctx, in.ID, in.IntegrationID)
	if err != nil && !errors.Is(err, ipaas.NotFound) {
		return nil, err
	}
	counts := map[string]int{}
	for _, k := range keys {
		if flow, _ := def.Flow(k.FlowID); k.CountsFor(flow) {
			counts[k.FlowID]++
		}
	}
	return counts, nil
}

// offer is what came in the header for keys.
type offer struct {
	hash string // of the key; empty: it is none that could let in
	sent int    // how many came. More than one let nobody in: which of them should count?
}

func offeredKey(payload *ipaas.Payload) offer {
	var o offer
	for _, h := range payload.Headers {
		if !strings.EqualFold(h.Name, ipaas.FlowKeyHeader) {
			continue
		}
		if o.sent++; o.sent == 1 && ipaas.ValidFlowKey(h.Text) {
			o.hash = ipaas.HashFlowKey(h.Text)
		} else {
			o.hash = ""
		}
	}
	return o
}

// keysOfFlow returns the keys of one flow: the instance's, and the integration's.
func (p *Plane) keysOfFlow(ctx context.Context, in ipaas.Instance, flowID string) (own, shared []ipaas.FlowKey, err error) {
	keys, err := p.store.ListFlowKeys(ctx, in.ID, in.IntegrationID)
	for _, k := range keys {
		switch {
		case k.FlowID != flowID:
		case k.InstanceID != "":
			own = append(own, k)
		default:
			shared = append(shared, k)
		}
	}
	return own, shared, err
}

// keyRequired says that a request came without a key that its flow asks for.
func keyRequired(offered offer) error {
	const asks = "this flow lets in only those who send one of its keys in the header " + ipaas.FlowKeyHeader
	message := asks + ", and none came"
	switch {
	case offered.sent > 1:
		message = fmt.Sprintf("%s, and %d came: send one", asks, offered.sent)
	case offered.sent == 1:
		message = "the key in the header " + ipaas.FlowKeyHeader + " is none that this flow lets in: send one of its own"
	}
	return &ipaas.Error{Kind: ipaas.Unauthenticated, Reason: ipaas.ReasonAPIKeyRequired, Message: message}
}
