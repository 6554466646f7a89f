package trigger

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// Gift is what an execution gives one that it starts. The JSON of this type is sealed in the payload: a step may pass on a secret.
type Gift struct {
	Data   string `json:"data,omitempty"`   // in the storage form of values
	Cursor string `json:"cursor,omitempty"` // likewise, of a recursive flow
	Round  int    `json:"round,omitempty"`  // how many of a recursive flow came before, in one line
	Hop    int    `json:"hop,omitempty"`
}

// SealGift returns a gift as it is kept in the payload of an execution of an instance.
func (m *Maker) SealGift(in ipaas.Instance, g Gift) (string, error) {
	text, err := json.Marshal(g)
	if err != nil {
		return "", fmt.Errorf("keep what a flow is started with: %w", err)
	}
	return m.keys.Seal(text, giftPlace(in)), nil
}

// OpenGift returns what an execution was started with by another one; nil: it was not.
func (m *Maker) OpenGift(in ipaas.Instance, payload ipaas.Payload) (*Gift, error) {
	if payload.Invocation == "" {
		return nil, nil
	}
	text, err := m.keys.Open(payload.Invocation, giftPlace(in))
	if err != nil {
		return nil, fmt.Errorf("open what a flow of instance %s is started with: %w", in.ID, err)
	}
	var g Gift
	if err := json.Unmarshal(text, &g); err != nil {
		return nil, fmt.Errorf("read what a flow of instance %s is started with: %w", in.ID, err)
	}
	return &g, nil
}

// giftPlace is not one of the execution: retries and replays have the same.
func giftPlace(in ipaas.Instance) string { return strings.Join([]string{"invocation", in.UID}, "|") }

// body is what the trigger's results show of it.
func (g *Gift) body() (*value.Object, error) {
	if g.Cursor != "" {
		cursor, err := value.Decode([]byte(g.Cursor))
		return part(value.ObjOf("cursor", cursor), ""), err
	}
	if g.Data == "" {
		return part(nil, ""), nil
	}
	data, err := value.Decode([]byte(g.Data))
	return part(data, ""), err
}
