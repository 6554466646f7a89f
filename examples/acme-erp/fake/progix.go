package fake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// Progix is the B2B software company of the tutorial: it takes customers and inventory. It honours Idempotency-Key, so that
// a test can tell how often it was asked from how often something came of it.
type Progix struct {
	desk *desk

	mu       sync.Mutex
	received []Received
	effects  []Effect
	answers  map[string]keyedAnswer // by idempotency key
	given    map[string]int         // ids, by prefix
	known    map[string]bool        // paths of the records there are
}

// Received is one request below /api, whatever became of it.
type Received struct {
	Seq            int         `json:"seq"`
	Method         string      `json:"method"`
	Path           string      `json:"path"`
	Header         http.Header `json:"header"`
	Body           any         `json:"body"` // as JSON, numbers as json.Number; nil if it is none
	Raw            string      `json:"raw"`  // as it came
	IdempotencyKey string      `json:"idempotencyKey,omitempty"`
	Status         int         `json:"status"`              // of the answer; 0 before it and when the connection was dropped instead
	Duplicate      bool        `json:"duplicate,omitempty"` // had the first answer to its idempotency key again
}

// Effect is a record that was created or replaced, once however often it was asked for.
type Effect struct {
	Seq            int    `json:"seq"`
	Method         string `json:"method"`
	Path           string `json:"path"`
	ID             string `json:"id"`
	Body           any    `json:"body"`
	IdempotencyKey string `json:"idempotencyKey,omitempty"`
	Duplicates     int    `json:"duplicates"` // how often it was asked for again
}

// A keyedAnswer is the first answer to an idempotency key, the request it belongs to, and the effect.
type keyedAnswer struct {
	method, path string
	body         any
	answer       answer
	effect       int // its index
}

// NewProgix makes a Progix that knows nobody but the owner of apiKey. An empty key admits nobody.
func NewProgix(apiKey string) *Progix {
	p := &Progix{answers: map[string]keyedAnswer{}, given: map[string]int{}, known: map[string]bool{}}
	noEntry := refuse(http.StatusUnauthorized, "UNAUTHORIZED", "the header Authorization is missing or does not hold the right bearer token")
	noEntry.header = map[string]string{"WWW-Authenticate": "Bearer"}
	p.desk = newDesk(func(r *http.Request) bool {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		return strings.EqualFold(scheme, "Bearer") && sameSecret(token, apiKey)
	}, noEntry)
	p.desk.begins = p.receive
	for path, prefix := range map[string]string{"/api/customers": "cus_", "/api/inventory": "inv_"} {
		p.desk.route(route{pattern: "POST " + path, handle: p.create(prefix)})
		p.desk.route(route{pattern: "PUT " + path + "/{id}", handle: p.replace})
	}
	p.desk.show("GET /{$}", p.page)
	p.desk.show("GET /admin/received", func() answer {
		return answer{status: http.StatusOK, body: map[string]any{"received": p.Received()}}
	})
	p.desk.show("GET /admin/effects", func() answer {
		return answer{status: http.StatusOK, body: map[string]any{"effects": p.Effects()}}
	})
	return p
}

// ServeHTTP answers the API below /api, the accounts and orders below /admin, and a page for people at /.
func (p *Progix) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.desk.ServeHTTP(w, r) }

// Received are all requests below /api, in the order they came: refused ones and those that were made to fail, too.
func (p *Progix) Received() []Received {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Received{}, p.received...)
}

// Effects are what came of the requests, in order.
func (p *Progix) Effects() []Effect {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Effect{}, p.effects...)
}

// Fail makes requests fail. It panics if the failure can never strike, as one with a misspelled route.
func (p *Progix) Fail(f Failure) { p.desk.mustFail(f) }

// Failures are those told of since the last Heal, also when they are over.
func (p *Progix) Failures() []FailureState { return p.desk.failures.states() }

// Heal forgets all failures. Requests that are being delayed go on at once.
func (p *Progix) Heal() { p.desk.failures.heal() }

// Close ends what is under way and waits for it; from then on all requests are answered 503. Accounts can still be read.
// Close it before the server that serves it, which would otherwise wait for requests that are being delayed.
func (p *Progix) Close() { p.desk.close() }

// receive takes note of a request and, later, of its answer.
func (p *Progix) receive(c *call) func(answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := len(p.received)
	body, err := parse(c.body)
	if err != nil {
		body = nil
	}
	p.received = append(p.received, Received{
		Seq: at + 1, Method: c.Method, Path: c.URL.Path, Header: c.Header.Clone(),
		Body: body, Raw: string(c.body), IdempotencyKey: c.Header.Get("Idempotency-Key"),
	})
	return func(a answer) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.received[at].Duplicate = a.duplicate
		if !a.hangUp {
			p.received[at].Status = a.status
		}
	}
}

// create stores a record under an id of Progix's own.
func (p *Progix) create(prefix string) func(context.Context, *call) answer {
	return func(_ context.Context, c *call) answer {
		return p.once(c, func(c *call) (string, int) {
			p.given[prefix]++
			id := prefix + strconv.Itoa(p.given[prefix])
			p.known[c.URL.Path+"/"+id] = true
			return id, http.StatusCreated
		})
	}
}

// replace stores a record under the caller's id.
func (p *Progix) replace(_ context.Context, c *call) answer {
	return p.once(c, func(c *call) (string, int) {
		status := http.StatusOK
		if !p.known[c.URL.Path] {
			p.known[c.URL.Path] = true
			status = http.StatusCreated
		}
		return c.PathValue("id"), status
	})
}

// once has the effect of a request unless its idempotency key already had it. The effect is had with the lock held,
// so that of two requests with one key at once the second waits for the answer of the first.
func (p *Progix) once(c *call, effect func(*call) (id string, status int)) answer {
	if _, err := c.object(); err != nil {
		return refuse(http.StatusBadRequest, "INVALID_JSON", "%v", err)
	}
	body, err := parse(c.body)
	if err != nil {
		return refuse(http.StatusBadRequest, "INVALID_JSON", "%v", err)
	}
	key := c.Header.Get("Idempotency-Key")
	p.mu.Lock()
	defer p.mu.Unlock()
	if first, repeated := p.answers[key]; repeated {
		if first.method != c.Method || first.path != c.URL.Path || !reflect.DeepEqual(first.body, body) {
			return refuse(http.StatusUnprocessableEntity, "IDEMPOTENCY_KEY_REUSED", "the idempotency key %q belongs to another request", key)
		}
		p.effects[first.effect].Duplicates++
		first.answer.duplicate = true
		return first.answer
	}
	id, status := effect(c)
	at := len(p.effects)
	p.effects = append(p.effects, Effect{Seq: at + 1, Method: c.Method, Path: c.URL.Path, ID: id, Body: body, IdempotencyKey: key})
	// The sender's own id may be among the data, so Progix's stands beside them.
	a := answer{status: status, body: taken{ID: id, Data: c.body}}
	if key != "" {
		p.answers[key] = keyedAnswer{method: c.Method, path: c.URL.Path, body: body, answer: a, effect: at}
	}
	return a
}

// taken is what Progix answers.
type taken struct {
	ID   string          `json:"id"`
	Data json.RawMessage `json:"data"`
}

// parse reads JSON with all the digits of its numbers.
func parse(data []byte) (any, error) {
	if !json.Valid(data) { // a decoder would not look behind the first value
		return nil, errors.New("it is no JSON")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	return v, nil
}
