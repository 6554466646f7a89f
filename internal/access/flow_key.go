package access

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/secret"
)

// keyPrefix begins every key that is made here, so that one is known when it is met where it does not belong.
const keyPrefix = "hrk_"

// NewKey makes the text of a key.
func NewKey() string { return keyPrefix + secret.Token() }

// SealKey gives a key its text: under seal, and as the hash by which it is known when somebody sends it.
func (k *Keeper) SealKey(key *ipaas.FlowKey, text string) {
	key.Hash = ipaas.HashFlowKey(text)
	key.Sealed, key.LastFour = k.keys.Seal([]byte(text), keyPlace(key.Hash)), text[len(text)-4:]
}

// KeyText returns the text of a key.
func (k *Keeper) KeyText(key ipaas.FlowKey) (string, error) {
	text, err := k.keys.Open(key.Sealed, keyPlace(key.Hash))
	if err != nil {
		return "", fmt.Errorf("open key %s of flow %s: %w", key.ID, key.FlowID, err)
	}
	return string(text), nil
}

func keyPlace(hash string) string { return "flow-key|" + hash }

// Keys are the keys of an instance's flows as its runs see them: those that count for each flow, by its id.
type Keys struct {
	Texts    map[string][]string
	Redactor *secret.Redactor // of all there are, those that do not count, too; nil: there is none
}

// Keys opens the keys of an instance's flows.
func (k *Keeper) Keys(ctx context.Context, in ipaas.Instance, def *ipaas.Definition) (*Keys, error) {
	keys, err := k.store.ListFlowKeys(ctx, in.ID, in.IntegrationID)
	if err != nil || len(keys) == 0 {
		return &Keys{}, err
	}
	opened := &Keys{Texts: map[string][]string{}, Redactor: &secret.Redactor{}}
	for _, key := range keys {
		text, err := k.KeyText(key)
		if err != nil {
			return nil, err
		}
		opened.Redactor.Add(key.ID, text, secret.Redacted)
		if flow, _ := def.Flow(key.FlowID); key.CountsFor(flow) {
			opened.Texts[key.FlowID] = append(opened.Texts[key.FlowID], text)
		}
	}
	return opened, nil
}

// Hidden returns how many keys there are for each flow, but not the keys.
func (k *Keys) Hidden() map[string][]string {
	out := make(map[string][]string, len(k.Texts))
	for flowID, texts := range k.Texts {
		out[flowID] = slices.Repeat([]string{secret.Redacted}, len(texts))
	}
	return out
}

// madeKey is what a key looks like that was made here.
var madeKey = regexp.MustCompile(keyPrefix + "[a-z2-7]{32}")

// WithoutKeys returns a payload without keys: a payload is stored as it came. In the header for them no key of the flow is left, and in
// no header nor query what looks like one, of whatever flow. Other texts stay: the header may be the flow's own.
func WithoutKeys(payload ipaas.Payload, own, shared []ipaas.FlowKey) ipaas.Payload {
	clean := func(list []ipaas.NamedText, header bool) []ipaas.NamedText {
		cleaned := false
		for i, t := range list {
			text := t.Text
			if strings.Contains(text, keyPrefix) {
				text = madeKey.ReplaceAllString(text, secret.Redacted)
			}
			if header && len(own)+len(shared) > 0 && strings.EqualFold(t.Name, ipaas.FlowKeyHeader) {
				if hash := ipaas.HashFlowKey(text); ipaas.HasFlowKey(own, hash) || ipaas.HasFlowKey(shared, hash) {
					text = secret.Redacted
				}
			}
			if text == t.Text {
				continue
			}
			if !cleaned {
				list, cleaned = slices.Clone(list), true // the caller's own stays as it is
			}
			list[i].Text = text
		}
		return list
	}
	payload.Headers, payload.Query = clean(payload.Headers, true), clean(payload.Query, false)
	return payload
}

// WithoutKeysOf returns a text without the keys of an instance's flows. Of an instance that is gone only those that were made here are
// known.
func (k *Keeper) WithoutKeysOf(ctx context.Context, in ipaas.Instance, text string) string {
	if keys, err := k.Keys(context.WithoutCancel(ctx), in, &ipaas.Definition{}); err == nil {
		text = keys.Redactor.Text(text)
	}
	return madeKey.ReplaceAllString(text, secret.Redacted)
}
