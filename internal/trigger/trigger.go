// Package trigger makes what flows see of what started them: the same fields for every kind of trigger, and in them the body of a request
// as its content type says, or what another execution has given. It must not know who is let in, nor which flow runs when.
package trigger

import (
	"context"
	"fmt"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/secret"
	"github.com/headrace/headrace/internal/storage"
	"github.com/headrace/headrace/internal/value"
)

// Maker makes the results of triggers.
type Maker struct {
	store storage.Store
	keys  *secret.Keyring
}

// NewMaker returns a maker that reads in a store who somebody is, and opens with these keys what executions give each other.
func NewMaker(store storage.Store, keys *secret.Keyring) *Maker {
	return &Maker{store: store, keys: keys}
}

// Results makes what steps see as the results of the trigger: the same fields for every kind of trigger. The URLs in it are
// made here and never stored.
func (m *Maker) Results(
	ctx context.Context, ex ipaas.Execution, in ipaas.Instance, def *ipaas.Definition, urls map[string]string, keys map[string][]string,
) (*value.Object, error) {
	raw, body, err := ParseBody(ex.Payload)
	if err != nil {
		return nil, err
	}
	given, err := m.OpenGift(in, ex.Payload)
	if err != nil {
		return nil, err
	}
	if given != nil {
		if body, err = given.body(); err != nil {
			return nil, fmt.Errorf("read what execution %s was started with: %w", ex.ID, err)
		}
	}
	customer, err := m.customerResults(ctx, in.CustomerID)
	if err != nil {
		return nil, err
	}
	integration, err := m.store.GetIntegrationHead(ctx, in.IntegrationID)
	if err != nil {
		return nil, err
	}
	flow, _ := def.Flow(ex.FlowID)
	if flow == nil {
		flow = &ipaas.Flow{} // which one it will be, the request tells
	}
	if ex.Unowned() {
		customer, in = value.ObjOf("id", "", "externalId", "", "name", ""), ipaas.Instance{IntegrationID: in.IntegrationID}
	}
	headers := texts(ex.Payload.Headers)
	headers.FoldKeys = true
	results := value.ObjOf(
		"headers", headers,
		"queryParameters", texts(ex.Payload.Query),
		"rawBody", raw,
		"body", body,
		"pathFragment", ex.Payload.Path,
		"method", ex.Payload.Method,
		"executionId", ex.ID,
		"customer", customer,
		"instance", value.ObjOf("id", in.ID, "name", in.DisplayName),
		"user", value.ObjOf("id", "", "email", "", "name", "", "externalId", ""),
		"integration", value.ObjOf("id", in.IntegrationID, "name", def.DisplayName, "versionSequenceId", integration.UID, "externalVersion", ""),
		"flow", value.ObjOf("id", flow.ID, "name", flow.DisplayName, "stableId", flow.UID),
		"startedAt", resultTime(ex.StartTime),
		"globalDebug", false,
	)
	if !ex.ScheduleTime.IsZero() {
		results.Set("scheduledFor", resultTime(ex.ScheduleTime))
	}
	return WithURLs(results, ex, def, urls, keys), nil
}

// resultTime is a moment as the results of triggers have it.
func resultTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// WithURLs returns trigger results with what is never stored of them: the URLs, and the keys to call them with.
func WithURLs(
	results *value.Object, ex ipaas.Execution, def *ipaas.Definition, urls map[string]string, keys map[string][]string,
) *value.Object {
	byName, keysByName := value.Obj(), value.Obj()
	for i := range def.Flows {
		byName.Set(def.Flows[i].DisplayName, urls[def.Flows[i].ID])
		list := []any{}
		for _, key := range keys[def.Flows[i].ID] {
			list = append(list, key)
		}
		keysByName.Set(def.Flows[i].DisplayName, list)
	}
	invokeURL := ""
	shared := def.Endpoint.URLOf(urls, ex.Test)
	switch {
	case ex.Invoke == ipaas.InvokeWebhook && ex.Endpoint:
		invokeURL = shared
	case ex.Invoke == ipaas.InvokeWebhook:
		invokeURL = urls[ex.FlowID]
	}
	full := value.Obj()
	for key, v := range results.All() {
		full.Set(key, v)
		if key == "method" {
			full.Set("webhookUrls", byName)
			full.Set("webhookApiKeys", keysByName)
			full.Set("invokeUrl", invokeURL)
			if def.Endpoint.Shares() {
				full.Set("endpointUrl", shared)
			}
		}
	}
	return full
}

func (m *Maker) customerResults(ctx context.Context, customerID string) (*value.Object, error) {
	if customerID == "" {
		return value.ObjOf("id", "", "externalId", "", "name", "Test"), nil
	}
	c, err := m.store.GetCustomer(ctx, customerID)
	if err != nil {
		return nil, err
	}
	return value.ObjOf("id", c.ID, "externalId", c.ExternalID, "name", c.DisplayName), nil
}

// WithoutURLs returns trigger results as they are stored.
func WithoutURLs(results *value.Object) *value.Object {
	stored := value.Obj()
	for key, v := range results.All() {
		switch key {
		case "webhookUrls", "webhookApiKeys", "invokeUrl", "endpointUrl":
		default:
			stored.Set(key, v)
		}
	}
	return stored
}

// texts makes an object of named texts; those of a name that repeats are joined by a comma, as HTTP does with headers.
func texts(list []ipaas.NamedText) *value.Object {
	o := value.Obj()
	for _, t := range list {
		text := t.Text
		if old, ok := o.Get(t.Name); ok {
			text = value.Text(old) + ", " + text
		}
		o.Set(t.Name, text)
	}
	return o
}
