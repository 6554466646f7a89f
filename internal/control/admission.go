package control

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// admission is what a flow's event is accepted under: where it stands among others, and by what it is known again. It sets the
// event's place in ex.
func (p *Plane) admission(ctx context.Context, j *job, flow *ipaas.Flow, ex *ipaas.Execution, servingHasFlow bool) (storage.Admission, error) {
	a := storage.Admission{ServingHasFlow: servingHasFlow, MaxHeld: p.limits.MaxHeld, MaxQueued: p.limits.MaxQueued}
	if flow.Ordering == nil && flow.DeduplicationKey == nil && (flow.Retry == nil || flow.Retry.RequestKey == nil) {
		return a, nil
	}
	results, err := p.triggers.Results(ctx, *ex, j.instance, j.program.Definition(), nil, nil)
	if err != nil {
		return a, err
	}
	keys, wrong := j.program.EventKeys(flow.ID, results, j.settings.Values)
	if len(wrong) > 0 {
		return a, ipaas.InvalidArgument("the event has no keys that flow "+flow.DisplayName+" could use", wrong...)
	}
	if keys.Request != "" {
		ex.RequestKey = sum([]byte(keys.Request))
	}
	if keys.Deduplication != "" {
		body, err := p.eventBody(j, ex)
		if err != nil {
			return a, err
		}
		a.Deduplication = &storage.Deduplication{
			KeyHash: sum([]byte(keys.Deduplication)), BodyHash: sum(body), ExpireTime: p.now().Add(p.limits.DeduplicateFor),
		}
	}
	if o := flow.Ordering; o != nil {
		ex.OnFailure = o.OnFailure
		switch {
		case o.Scope == ipaas.OrderByFlow:
			ex.Lane = "flow"
		case keys.Ordering != "":
			ex.Lane = "key:" + sum([]byte(keys.Ordering))
			ex.OrderingKey = ipaas.Cut(access.Mask(j.urls).Hide(j.settings.Redactor.Text(keys.Ordering)), maxShownKey)
		}
	}
	return a, nil
}

// eventBody is what two events with the same deduplication key have in common.
func (p *Plane) eventBody(j *job, ex *ipaas.Execution) ([]byte, error) {
	g, err := p.triggers.OpenGift(j.instance, ex.Payload)
	if err != nil || g == nil {
		return ex.Payload.Body, err
	}
	return []byte(g.Data + g.Cursor), nil
}

// maxShownKey is the most characters that are shown of an ordering key.
const maxShownKey = 200

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}
