package control

import (
	"context"
	"fmt"
	"strings"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/secret"
)

// FlowURL is a flow's display name and its webhook URL.
type FlowURL struct{ DisplayName, URL string }

// urls returns the webhook URLs of an instance by flow id.
func (p *Plane) urls(ctx context.Context, instanceID string) (map[string]string, error) {
	hooks, err := p.store.ListWebhooks(ctx, instanceID)
	if err != nil {
		return nil, err
	}
	return p.hookURLs(hooks)
}

func (p *Plane) hookURLs(hooks []ipaas.Webhook) (map[string]string, error) {
	urls := make(map[string]string, len(hooks))
	for _, h := range hooks {
		token, err := p.keys.Open(h.TokenSealed, tokenPlace(h.TokenHash))
		if err != nil {
			return nil, fmt.Errorf("open the webhook token of flow %s of instance %s: %w", h.FlowID, h.InstanceID, err)
		}
		urls[h.FlowID] = p.hookURL(string(token))
	}
	return urls, nil
}

func (p *Plane) hookURL(token string) string { return p.publicURL.JoinPath("hooks", token).String() }

// tokenMask is what the placeholders of tokens begin with.
const tokenMask = "webhook-token"

// mask hides the tokens of an instance's URLs from what is stored, and shows them again.
func (p *Plane) mask(urls map[string]string) *secret.Mask {
	mask := secret.NewMask(tokenMask)
	for flowID, url := range urls {
		mask.Add(flowID, url[strings.LastIndexByte(url, '/')+1:])
	}
	return mask
}
