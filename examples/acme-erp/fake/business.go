package fake

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// maxKept is how much of an answer to a delivery is kept.
const maxKept = 64 << 10

// Delivery is one call of a webhook and what came of it.
type Delivery struct {
	ID          string `json:"id"` // also in the header X-Acme-Delivery
	WebhookID   string `json:"webhookId"`
	Event       string `json:"event"`
	CallbackURL string `json:"callbackUrl"`
	Status      int    `json:"status"` // 0 when there was no answer
	Body        string `json:"body"`
	Error       string `json:"error,omitempty"` // why there was no answer, or not all of it
}

// records are the last known states of things, by a key among their fields.
type records struct {
	keys   []string // the first of them that a record has identifies it
	prefix string   // of ids given to records that have none
	given  int
	order  []string
	byKey  map[string]json.RawMessage
}

// put stores a record just as it came, digits and order of fields included, and returns it, with an id if it had none.
func (rs *records) put(body []byte, fields map[string]json.RawMessage) (record json.RawMessage, created bool, err error) {
	key, err := rs.keyOf(fields)
	if err != nil {
		return nil, false, err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, body); err != nil {
		return nil, false, err
	}
	record = compact.Bytes()
	if key == "" {
		rs.given++
		key = strconv.Quote(rs.prefix + strconv.Itoa(rs.given))
		head := `{"id":` + key
		if len(fields) > 0 {
			head += ","
		}
		record = append([]byte(head), record[1:]...)
	}
	if rs.byKey == nil {
		rs.byKey = map[string]json.RawMessage{}
	}
	if _, has := rs.byKey[key]; !has {
		rs.order = append(rs.order, key)
		created = true
	}
	rs.byKey[key] = record
	return record, created, nil
}

// keyOf is the JSON text of the field that identifies a record, "" when it has none.
func (rs *records) keyOf(fields map[string]json.RawMessage) (string, error) {
	for _, name := range rs.keys {
		key := string(fields[name])
		if key == "" {
			continue
		}
		if key == `""` || !strings.ContainsAny(key[:1], `"-0123456789`) {
			return "", fmt.Errorf("%s %s identifies nothing: use a string or a number, or leave it out", name, key)
		}
		return key, nil
	}
	return "", nil
}

func (rs *records) all() []json.RawMessage {
	all := make([]json.RawMessage, 0, len(rs.order))
	for _, key := range rs.order {
		all = append(all, rs.byKey[key])
	}
	return all
}

// business adds the routes of one sort of record: reading all, and creating or updating one, which is an event.
func (e *ERP) business(path, plural, event string, rs *records) {
	e.desk.route(route{pattern: "GET " + path, handle: func(context.Context, *call) answer {
		e.mu.Lock()
		defer e.mu.Unlock()
		return answer{status: http.StatusOK, body: map[string]any{plural: rs.all()}}
	}})
	e.desk.route(route{
		pattern: "POST " + path,
		event:   func(*call) string { return event },
		handle: func(ctx context.Context, c *call) answer {
			fields, err := c.object()
			if err != nil {
				return refuse(http.StatusBadRequest, "INVALID_JSON", "%v", err)
			}
			e.mu.Lock()
			record, created, err := rs.put(c.body, fields)
			e.mu.Unlock()
			if err != nil {
				return refuse(http.StatusBadRequest, "INVALID_RECORD", "%v", err)
			}
			status := http.StatusOK
			if created {
				status = http.StatusCreated
			}
			return answer{status: status, body: e.tell(ctx, event, record)}
		},
	})
}

// tell calls every webhook registered for the event, one after another in the order of their registration.
func (e *ERP) tell(ctx context.Context, event string, data json.RawMessage) []Delivery {
	message := toJSON(struct {
		Event string          `json:"event"`
		Data  json.RawMessage `json:"data"`
	}{event, data})
	outcomes := []Delivery{}
	for _, w := range e.Webhooks() {
		if w.Event != event {
			continue
		}
		outcome := e.deliver(ctx, w, message)
		e.mu.Lock()
		e.deliveries = append(e.deliveries, outcome)
		e.mu.Unlock()
		outcomes = append(outcomes, outcome)
	}
	return outcomes
}

func (e *ERP) deliver(ctx context.Context, w Webhook, message []byte) Delivery {
	e.mu.Lock()
	e.delivered++
	d := Delivery{ID: "dlv_" + strconv.Itoa(e.delivered), WebhookID: w.ID, Event: w.Event, CallbackURL: w.CallbackURL}
	e.mu.Unlock()
	if err := e.post(ctx, &d, message); err != nil {
		d.Error = err.Error()
	}
	return d
}

func (e *ERP) post(ctx context.Context, d *Delivery, message []byte) error {
	ctx, cancel := context.WithTimeout(ctx, DeliveryTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.CallbackURL, bytes.NewReader(message))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Acme-ERP")
	req.Header.Set("X-Acme-Event", d.Event)
	req.Header.Set("X-Acme-Delivery", d.ID)
	res, err := e.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	d.Status = res.StatusCode
	body, err := io.ReadAll(io.LimitReader(res.Body, maxKept))
	d.Body = string(body)
	if err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	return nil
}
