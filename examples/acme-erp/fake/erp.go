package fake

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"
)

// How long Acme ERP waits for others.
const (
	// ChallengeTimeout is the time a callback URL has to echo its challenge.
	ChallengeTimeout = 3 * time.Second
	// DeliveryTimeout is the time a callback URL has to take a delivery.
	DeliveryTimeout = 30 * time.Second
)

// ERP is Acme ERP: a system of the old school that keeps customers and inventory and calls webhooks when they change.
// It checks that a callback URL answers before it registers it, but it does not look whether it has the same one already, unless it is
// told to with RefuseDuplicates: duplicates are the caller's fault, and the ledger shows them.
type ERP struct {
	desk   *desk
	client *http.Client
	// challengeTimeout is ChallengeTimeout, but for tests that have no time.
	challengeTimeout time.Duration

	mu         sync.Mutex
	webhooks   []Webhook
	registered int // ever
	ledger     []Entry
	customers  records
	inventory  records
	delivered  int // ever begun
	deliveries []Delivery
}

// NewERP makes an Acme ERP that knows nobody but the owner of apiKey. An empty key admits nobody.
func NewERP(apiKey string) *ERP {
	e := &ERP{
		client: &http.Client{
			// One connection per call: none goes stale when the other side restarts, none is left behind.
			Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true},
			// A redirect is no answer; it is reported as what it is.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		challengeTimeout: ChallengeTimeout,
		customers:        records{keys: []string{"id"}, prefix: "cust_"},
		inventory:        records{keys: []string{"id", "sku"}, prefix: "item_"},
	}
	e.desk = newDesk(
		func(r *http.Request) bool { return sameSecret(r.Header.Get("X-Api-Key"), apiKey) },
		refuse(http.StatusUnauthorized, "UNAUTHORIZED", "the header X-Api-Key is missing or wrong"),
	)
	e.desk.route(route{pattern: "POST /api/webhooks", handle: e.createWebhook, event: eventInBody, exists: e.hasWebhook})
	e.desk.route(route{pattern: "GET /api/webhooks", handle: e.listWebhooks})
	e.desk.route(route{pattern: "GET /api/webhooks/{id}", handle: e.getWebhook, event: e.eventOfWebhook})
	e.desk.route(route{pattern: "PATCH /api/webhooks/{id}", handle: e.updateWebhook, event: e.eventOfWebhook})
	e.desk.route(route{pattern: "DELETE /api/webhooks/{id}", handle: e.deleteWebhook, event: e.eventOfWebhook})
	e.business("/api/customers", "customers", "customer.updated", &e.customers)
	e.business("/api/inventory", "inventory", "inventory.updated", &e.inventory)
	e.desk.show("GET /{$}", e.page)
	e.desk.show("GET /admin/ledger", func() answer {
		return answer{status: http.StatusOK, body: map[string]any{"entries": e.Ledger()}}
	})
	e.desk.show("GET /admin/deliveries", func() answer {
		return answer{status: http.StatusOK, body: map[string]any{"deliveries": e.Deliveries()}}
	})
	return e
}

// ServeHTTP answers the API below /api, the accounts and orders below /admin, and a page for people at /.
func (e *ERP) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.desk.ServeHTTP(w, r) }

// Webhooks are those registered now, oldest first.
func (e *ERP) Webhooks() []Webhook {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]Webhook{}, e.webhooks...)
}

// Ledger holds every creation, change and deletion of a webhook ever, in order.
func (e *ERP) Ledger() []Entry {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]Entry{}, e.ledger...)
}

// Deliveries are all that were ever attempted and have ended, in the order of their ends.
func (e *ERP) Deliveries() []Delivery {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]Delivery{}, e.deliveries...)
}

// Customers are the records as they are now, in the order they first came.
func (e *ERP) Customers() []json.RawMessage {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.customers.all()
}

// Inventory are the records as they are now, in the order they first came.
func (e *ERP) Inventory() []json.RawMessage {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.inventory.all()
}

// Fail makes requests fail. It panics if the failure can never strike, as one with a misspelled route.
func (e *ERP) Fail(f Failure) { e.desk.mustFail(f) }

// Failures are those told of since the last Heal, also when they are over.
func (e *ERP) Failures() []FailureState { return e.desk.failures.states() }

// Heal forgets all failures. Requests that are being delayed go on at once.
func (e *ERP) Heal() { e.desk.failures.heal() }

// Close ends what is under way and waits for it; from then on all requests are answered 503. Accounts can still be read.
// Close it before the server that serves it, which would otherwise wait for requests that are being delayed.
func (e *ERP) Close() { e.desk.close() }

// sameSecret compares in constant time. No secret is the same as an empty one.
func sameSecret(got, want string) bool {
	return want != "" && subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1
}

func (e *ERP) findWebhook(id string) (Webhook, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := e.indexOf(id)
	if i < 0 {
		return Webhook{}, false
	}
	return e.webhooks[i], true
}

func (e *ERP) indexOf(id string) int {
	return slices.IndexFunc(e.webhooks, func(w Webhook) bool { return w.ID == id })
}
