package fake

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// Webhook is a registration at Acme ERP: which URL to call about which event.
type Webhook struct {
	ID          string    `json:"id"`
	Event       string    `json:"event"`
	CallbackURL string    `json:"callbackUrl"`
	CreatedAt   time.Time `json:"createdAt"`
	Secret      string    `json:"-"` // never shown again; "": none
}

// Op is what happened to a webhook.
type Op string

// The ops of the ledger.
const (
	Create Op = "create"
	Update Op = "update"
	Delete Op = "delete"
)

// Entry is a line of the ledger. Seq counts from 1.
type Entry struct {
	Seq         int    `json:"seq"`
	Op          Op     `json:"op"`
	ID          string `json:"id"`
	Event       string `json:"event"`
	CallbackURL string `json:"callbackUrl"`
}

var eventName = regexp.MustCompile(`^[a-z][a-z_]*(\.[a-z][a-z_]*)+$`)

func (e *ERP) createWebhook(ctx context.Context, c *call) answer {
	in, refused := e.checkWebhook(ctx, c.body, Webhook{})
	if refused != nil {
		return *refused
	}
	w := e.Plant(in)
	return answer{status: http.StatusCreated, header: map[string]string{"Location": "/api/webhooks/" + w.ID}, body: w}
}

// Plant registers a webhook as if someone had done it before, without a challenge. ID and time of creation are given here.
func (e *ERP) Plant(w Webhook) Webhook {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.registered++
	w.ID, w.CreatedAt = "wh_"+strconv.Itoa(e.registered), time.Now().UTC().Truncate(time.Millisecond)
	e.webhooks = append(e.webhooks, w)
	e.enterInLedger(Create, w)
	return w
}

// updateWebhook changes what the body names, and leaves the rest.
func (e *ERP) updateWebhook(ctx context.Context, c *call) answer {
	was, found := e.findWebhook(c.PathValue("id"))
	if !found {
		return noWebhook(c)
	}
	in, refused := e.checkWebhook(ctx, c.body, was)
	if refused != nil {
		return *refused
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	i := e.indexOf(was.ID)
	if i < 0 {
		return noWebhook(c)
	}
	w := &e.webhooks[i]
	w.Event, w.CallbackURL, w.Secret = in.Event, in.CallbackURL, in.Secret
	e.enterInLedger(Update, *w)
	return answer{status: http.StatusOK, body: *w}
}

// checkWebhook reads what a body makes of a webhook, and challenges a callback URL that was another before.
func (e *ERP) checkWebhook(ctx context.Context, body []byte, was Webhook) (Webhook, *answer) {
	in := struct{ Event, CallbackURL, Secret string }{was.Event, was.CallbackURL, was.Secret}
	no := func(status int, code, format string, args ...any) (Webhook, *answer) {
		a := refuse(status, code, format, args...)
		return Webhook{}, &a
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return no(http.StatusBadRequest, "INVALID_JSON", "the body is no webhook: %v", err)
	}
	if !eventName.MatchString(in.Event) {
		return no(http.StatusBadRequest, "INVALID_EVENT", "event %q is none: name one such as customer.updated", in.Event)
	}
	callback, err := parseCallback(in.CallbackURL)
	if err != nil {
		return no(http.StatusBadRequest, "INVALID_CALLBACK_URL", "callbackUrl %q: %v", in.CallbackURL, err)
	}
	if in.CallbackURL != was.CallbackURL {
		if err := e.challenge(ctx, callback); err != nil {
			return no(http.StatusUnprocessableEntity, "CHALLENGE_FAILED", "callbackUrl %q: %v", in.CallbackURL, err)
		}
	}
	return Webhook{Event: in.Event, CallbackURL: in.CallbackURL, Secret: in.Secret}, nil
}

// hasWebhook says whether a body is that of a webhook that is registered already.
func (e *ERP) hasWebhook(c *call) bool {
	var in struct{ Event, CallbackURL string }
	if err := json.Unmarshal(c.body, &in); err != nil {
		return false // refused by the handler
	}
	return slices.ContainsFunc(e.Webhooks(), func(w Webhook) bool { return w.Event == in.Event && w.CallbackURL == in.CallbackURL })
}

func (e *ERP) listWebhooks(context.Context, *call) answer {
	return answer{status: http.StatusOK, body: map[string]any{"webhooks": e.Webhooks()}}
}

func (e *ERP) getWebhook(_ context.Context, c *call) answer {
	w, found := e.findWebhook(c.PathValue("id"))
	if !found {
		return noWebhook(c)
	}
	return answer{status: http.StatusOK, body: w}
}

func (e *ERP) deleteWebhook(_ context.Context, c *call) answer {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := e.indexOf(c.PathValue("id"))
	if i < 0 {
		return noWebhook(c)
	}
	w := e.webhooks[i]
	e.webhooks = append(e.webhooks[:i:i], e.webhooks[i+1:]...)
	e.enterInLedger(Delete, w)
	return answer{status: http.StatusNoContent}
}

func noWebhook(c *call) answer {
	return refuse(http.StatusNotFound, "NOT_FOUND", "there is no webhook %q", c.PathValue("id"))
}

// enterInLedger is called with the lock held, in one go with what it tells of.
func (e *ERP) enterInLedger(op Op, w Webhook) {
	e.ledger = append(e.ledger, Entry{Seq: len(e.ledger) + 1, Op: op, ID: w.ID, Event: w.Event, CallbackURL: w.CallbackURL})
}

func parseCallback(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, err
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("use an absolute http or https URL")
	case u.Host == "":
		return nil, errors.New("it names no host")
	case u.Fragment != "":
		return nil, errors.New("leave out the fragment: it is never sent")
	}
	return u, nil
}

// challenge calls a callback URL with something it cannot know and wants to read it back.
func (e *ERP) challenge(ctx context.Context, callback *url.URL) error {
	ctx, cancel := context.WithTimeout(ctx, e.challengeTimeout)
	defer cancel()
	word := rand.Text()
	u := *callback
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += "challenge=" + word
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "Acme-ERP")
	res, err := e.client.Do(req)
	if err != nil {
		return fmt.Errorf("calling it with a challenge: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("it answered the challenge with status %d, not 200", res.StatusCode)
	}
	if kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err != nil || kind != "text/plain" {
		return fmt.Errorf("it answered the challenge with content type %q, not text/plain", res.Header.Get("Content-Type"))
	}
	// One byte more than the word shows that there is more than the word.
	echo, err := io.ReadAll(io.LimitReader(res.Body, int64(len(word))+1))
	if err != nil {
		return fmt.Errorf("reading its answer to the challenge: %w", err)
	}
	if string(echo) != word {
		return errors.New("its answer's body is not the challenge")
	}
	return nil
}

func eventInBody(c *call) string {
	var in struct{ Event string }
	if err := json.Unmarshal(c.body, &in); err != nil {
		return "" // refused by the handler
	}
	return in.Event
}

func (e *ERP) eventOfWebhook(c *call) string {
	w, _ := e.findWebhook(c.PathValue("id"))
	return w.Event
}
