package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// once does what a caller asked for, unless the same request was answered before: then it gives that answer again.
// do makes the change and hands its answer to write, so that both are stored in one step.
func once[T any](ctx context.Context, p *Plane, m Mutation, do func(write func(answer T) (storage.Write, error)) (T, error)) (T, error) {
	if m.RequestID == "" {
		return do(func(T) (storage.Write, error) { return storage.Write{DryRun: m.ValidateOnly}, nil })
	}
	if answer, known, err := recall[T](ctx, p, m); known || err != nil {
		return answer, err
	}
	answer, err := do(func(answer T) (storage.Write, error) {
		text, err := json.Marshal(answer)
		if err != nil {
			return storage.Write{}, fmt.Errorf("remember the answer to request %q: %w", m.RequestID, err)
		}
		w := storage.Write{DryRun: m.ValidateOnly}
		if !m.ValidateOnly {
			w.Receipt = &storage.Receipt{
				Key: m.key(), RequestHash: m.RequestHash, Answer: text, ExpireTime: p.now().Add(p.limits.RequestIDs),
			}
		}
		return w, nil
	})
	if ipaas.ReasonOf(err) == ipaas.ReasonRequestIDReused {
		// The same request came twice at once, and the other one was quicker.
		if answer, known, err := recall[T](ctx, p, m); known || err != nil {
			return answer, err
		}
	}
	return answer, err
}

func recall[T any](ctx context.Context, p *Plane, m Mutation) (answer T, known bool, err error) {
	r, err := p.store.GetReceipt(ctx, m.key(), p.clock.atLeast())
	switch {
	case errors.Is(err, ipaas.NotFound):
		return answer, false, nil
	case err != nil:
		return answer, false, err
	case r.RequestHash != m.RequestHash:
		return answer, false, requestIDReused(m.RequestID)
	}
	if err := json.Unmarshal(r.Answer, &answer); err != nil {
		return answer, false, fmt.Errorf("read the remembered answer to request %q: %w", m.RequestID, err)
	}
	return answer, true, nil
}

func (m Mutation) key() string { return strings.Join([]string{m.Caller, m.Method, m.RequestID}, "\n") }

func requestIDReused(id string) error {
	return &ipaas.Error{
		Kind: ipaas.Invalid, Reason: ipaas.ReasonRequestIDReused,
		Message: fmt.Sprintf("request id %q was used for a different request: send a fresh one", id),
		Meta:    map[string]string{"request_id": id},
	}
}

// patiently does a read-change-write again when someone else was quicker, as long as the caller did not insist on a revision.
func patiently(m Mutation, do func() error) error {
	const most = 100
	var err error
	for i := range most {
		if err = do(); m.Base != 0 || ipaas.ReasonOf(err) != ipaas.ReasonStaleEtag {
			return err
		}
		// Of many at once each round lets one through: who waits a while of his own does not meet the same ones again.
		time.Sleep(rand.N(time.Duration(min(i+1, 20)) * time.Millisecond)) //nolint:gosec // a wait is no secret
	}
	return err
}
