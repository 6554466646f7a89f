package story

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/headrace/headrace/examples/acme-erp/fake"
)

// remote is one of the systems, as its owner sees it.
type remote struct {
	name string
	at   System
	http *http.Client
}

// ask sends JSON, or nothing for nil, and reads the answer into v, unless that is nil.
func (r *remote) ask(ctx context.Context, method, path string, body, v any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, r.at.URL+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	req.Header.Set("X-Api-Key", r.at.Key)
	req.Header.Set("Content-Type", "application/json")
	code, got, err := roundTrip(r.http, req)
	if err != nil {
		return err
	}
	if code < 200 || code > 299 {
		return fmt.Errorf("%s: %s %s was answered %d: %.300s", r.name, method, path, code, got)
	}
	if v == nil {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(got))
	dec.UseNumber()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("%s: %s %s: read the answer: %w", r.name, method, path, err)
	}
	return nil
}

// erp is an Acme ERP.
type erp struct {
	remote

	told int // entries of its ledger that were looked at
}

// webhooks are the registrations as "event -> URL", oldest first.
func (e *erp) webhooks(ctx context.Context) ([]fake.Webhook, error) {
	var got struct{ Webhooks []fake.Webhook }
	err := e.ask(ctx, http.MethodGet, "/api/webhooks", nil, &got)
	return got.Webhooks, err
}

// ledger is everything that was ever created and deleted.
func (e *erp) ledger(ctx context.Context) ([]fake.Entry, error) {
	var got struct{ Entries []fake.Entry }
	err := e.ask(ctx, http.MethodGet, "/admin/ledger", nil, &got)
	return got.Entries, err
}

// news are the entries of the ledger since it was last looked at.
func (e *erp) news(ctx context.Context) ([]fake.Entry, error) {
	all, err := e.ledger(ctx)
	if err != nil {
		return nil, err
	}
	fresh := all[min(e.told, len(all)):]
	e.told = len(all)
	return fresh, nil
}

// change creates or updates a record; the ERP answers how its webhooks took it.
func (e *erp) change(ctx context.Context, path string, record map[string]any) ([]fake.Delivery, error) {
	var got []fake.Delivery
	err := e.ask(ctx, http.MethodPost, path, record, &got)
	return got, err
}

// failFrom makes every change of a webhook for an event fail from now on.
func (e *erp) failFrom(ctx context.Context, event string, status int) error {
	return e.ask(ctx, http.MethodPost, "/admin/fail", map[string]any{
		"route": "PATCH /api/webhooks/{id}", "event": event, "mode": fake.Status, "status": status, "times": -1,
	}, nil)
}

func (e *erp) heal(ctx context.Context) error {
	return e.ask(ctx, http.MethodPost, "/admin/heal", nil, nil)
}

// progix is Progix.
type progix struct {
	remote

	told int // requests that were looked at
}

// news are the requests Progix got since it was last looked at.
func (p *progix) news(ctx context.Context) ([]fake.Received, error) {
	var got struct{ Received []fake.Received }
	if err := p.ask(ctx, http.MethodGet, "/admin/received", nil, &got); err != nil {
		return nil, err
	}
	fresh := got.Received[min(p.told, len(got.Received)):]
	p.told = len(got.Received)
	return fresh, nil
}

// arrival is the line of a request that Progix got, as change.arrival has it. One that it did not take is shown with its status.
func arrival(r fake.Received) (string, error) {
	text, err := json.Marshal(r.Body)
	if err != nil {
		return "", err
	}
	line := r.Method + " " + r.Path + " " + string(text)
	if r.Status != http.StatusCreated || r.Duplicate {
		line += fmt.Sprintf(" (status %d, duplicate %t)", r.Status, r.Duplicate)
	}
	return line, nil
}

// expectWebhooks checks what is registered at an ERP: for each subscriber one webhook per event, and nothing else.
func (e *erp) expectWebhooks(ctx context.Context, subscribers ...*subscriber) error {
	hooks, err := e.webhooks(ctx)
	if err != nil {
		return err
	}
	var found, want []string
	for _, h := range hooks {
		found = append(found, h.Event+" -> "+h.CallbackURL)
	}
	for _, s := range subscribers {
		for flow, event := range events {
			want = append(want, event+" -> "+s.callback(flow))
		}
	}
	return expectSame("webhooks at "+e.name, found, want)
}

// expectNews checks what was created and deleted at an ERP since it was last looked at, as "create event -> URL".
func (e *erp) expectNews(ctx context.Context, want ...string) error {
	entries, err := e.news(ctx)
	if err != nil {
		return err
	}
	found := []string{}
	for _, entry := range entries {
		found = append(found, entryLine(entry.Op, entry.Event, entry.CallbackURL))
	}
	return expectSame("changes of the webhooks at "+e.name, found, want)
}

func entryLine(op fake.Op, event, url string) string {
	return string(op) + " " + event + " -> " + url
}

// expectBalance checks that whatever was created was deleted again, each once.
func (e *erp) expectBalance(ctx context.Context) (created int, err error) {
	entries, err := e.ledger(ctx)
	if err != nil {
		return 0, err
	}
	var creates, deletes []string
	for _, entry := range entries {
		switch entry.Op {
		case fake.Create:
			creates = append(creates, entry.ID)
		case fake.Delete:
			deletes = append(deletes, entry.ID)
		}
	}
	return len(creates), expectSame("deletions at "+e.name+", one for each creation", deletes, slices.Clone(creates))
}

// registered are the entries of an ERP's ledger for a subscriber that registers.
func registered(s *subscriber) []string { return entriesOf(fake.Create, s) }

// removed are the entries of an ERP's ledger for a subscriber that is removed.
func removed(s *subscriber) []string { return entriesOf(fake.Delete, s) }

func entriesOf(op fake.Op, s *subscriber) []string {
	return []string{
		entryLine(op, events[customerFlow], s.callback(customerFlow)),
		entryLine(op, events[inventoryFlow], s.callback(inventoryFlow)),
	}
}
