package access

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/secret"
)

// NewWebhooks makes a hook for every flow of a definition, and one more if they share one. A test instance shares none with others.
func (k *Keeper) NewWebhooks(in ipaas.Instance, def *ipaas.Definition, now time.Time) []ipaas.Webhook {
	hooks := make([]ipaas.Webhook, len(def.Flows), len(def.Flows)+1)
	for i := range def.Flows {
		hooks[i] = k.NewWebhook(in.ID, def.Flows[i].ID, now)
	}
	if e := def.Endpoint; e.Shares() && (e.Type == ipaas.EndpointPerInstance || in.Kind == ipaas.InstanceTest) {
		hooks = append(hooks, k.NewWebhook(in.ID, ipaas.InstanceEndpoint, now))
	}
	return hooks
}

// NewWebhook makes a hook with a token of its own.
func (k *Keeper) NewWebhook(instanceID, flowID string, now time.Time) ipaas.Webhook {
	token := secret.Token()
	hash := secret.Hash(token)
	return ipaas.Webhook{
		TokenHash: hash, TokenSealed: k.keys.Seal([]byte(token), tokenPlace(hash)),
		InstanceID: instanceID, FlowID: flowID, Current: true, CreateTime: now,
	}
}

// tokenPlace names the place a token is sealed for.
func tokenPlace(hash string) string { return "webhook|" + hash }

// URLs returns the webhook URLs of an instance by flow id.
func (k *Keeper) URLs(ctx context.Context, instanceID string) (map[string]string, error) {
	hooks, err := k.store.ListWebhooks(ctx, instanceID)
	if err != nil {
		return nil, err
	}
	return k.URLsOf(hooks)
}

// ShownURLs returns the URLs of an instance for showing what happened in it. A deleted instance has none any more: the placeholders
// of its tokens stay as they are.
func (k *Keeper) ShownURLs(ctx context.Context, instanceID string) (map[string]string, error) {
	urls, err := k.URLs(ctx, instanceID)
	if errors.Is(err, ipaas.NotFound) {
		return nil, nil
	}
	return urls, err
}

// URLsOf returns the URLs of webhooks by flow id.
func (k *Keeper) URLsOf(hooks []ipaas.Webhook) (map[string]string, error) {
	urls := make(map[string]string, len(hooks))
	for _, h := range hooks {
		token, err := k.keys.Open(h.TokenSealed, tokenPlace(h.TokenHash))
		if err != nil {
			return nil, fmt.Errorf("open the webhook token of flow %s of instance %s: %w", h.FlowID, h.InstanceID, err)
		}
		urls[h.FlowID] = k.url(string(token))
	}
	return urls, nil
}

func (k *Keeper) url(token string) string { return k.publicURL.JoinPath("hooks", token).String() }

// Masked reports whether the token of a URL was hidden in a text that is stored.
func Masked(text string) bool { return strings.Contains(text, "{"+tokenMask) }

// tokenMask is what the placeholders of tokens begin with.
const tokenMask = "webhook-token"

// Mask hides the tokens of an instance's URLs from what is stored, and shows them again.
func Mask(urls map[string]string) *secret.Mask {
	mask := secret.NewMask(tokenMask)
	for flowID, url := range urls {
		mask.Add(flowID, url[strings.LastIndexByte(url, '/')+1:])
	}
	return mask
}
