package fake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

const maxBody = 1 << 20

// A desk is what both fakes have in common: it reads requests, asks for the key, fails when told to, answers, and at the end
// of the day waits until all callers have left.
type desk struct {
	mux      *http.ServeMux
	routes   map[string]route
	failures failures

	admits  func(*http.Request) bool
	noEntry answer
	// begins is told of every request below /api before anything is done about it, and what it returns of the answer.
	begins func(*call) (ends func(answer))

	mu       sync.Mutex
	closed   bool
	cancels  map[*http.Request]context.CancelFunc
	inFlight sync.WaitGroup
}

// A route is one pattern below /api.
type route struct {
	pattern string
	handle  func(context.Context, *call) answer
	event   func(*call) string // which event a request is about; nil where there are none
	exists  func(*call) bool   // whether what a request creates is there already; nil where nothing is created
}

// A call is a request with its body read.
type call struct {
	*http.Request
	body []byte
}

// object decodes the body if it is one JSON object and nothing else.
func (c *call) object() (map[string]json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(c.body, &fields); err != nil {
		return nil, fmt.Errorf("the body is no JSON object: %w", err)
	}
	if fields == nil {
		return nil, errors.New("the body is null: send a JSON object")
	}
	return fields, nil
}

func newDesk(admits func(*http.Request) bool, noEntry answer) *desk {
	d := &desk{
		mux:     http.NewServeMux(),
		routes:  map[string]route{},
		admits:  admits,
		noEntry: noEntry,
		begins:  func(*call) func(answer) { return func(answer) {} },
		cancels: map[*http.Request]context.CancelFunc{},
	}
	d.mux.HandleFunc("/api/", d.serve(route{handle: d.noRoute}))
	d.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		d.noRoute(r.Context(), &call{Request: r}).send(w)
	})
	d.mux.HandleFunc("POST /admin/fail", d.postFail)
	d.mux.HandleFunc("POST /admin/heal", func(w http.ResponseWriter, _ *http.Request) {
		d.failures.heal()
		answer{status: http.StatusNoContent}.send(w)
	})
	d.mux.HandleFunc("GET /admin/failures", d.getFailures)
	return d
}

// route adds a route below /api. It needs the key and can be told to fail.
func (d *desk) route(rt route) {
	d.routes[rt.pattern] = rt
	d.mux.HandleFunc(rt.pattern, d.serve(rt))
}

// show adds a page or an account of what happened. It needs no key and never fails.
func (d *desk) show(pattern string, handle func() answer) {
	d.mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { handle().send(w) })
}

func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// A caller that hangs up does not stop what it asked for: that is what makes lost responses hard. Only close does.
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()
	r = r.WithContext(ctx)
	if !d.enter(r, cancel) {
		closed := refuse(http.StatusServiceUnavailable, "CLOSED", "this fake was closed")
		closed.header = map[string]string{"Connection": "close"} // else the server waits for the rest of the body
		closed.send(w)
		return
	}
	defer d.leave(r)
	defer context.AfterFunc(ctx, func() {
		// Nor does a caller who sends or reads too slowly keep the desk open. Recorders know no deadlines, and need none.
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Now())
		_ = control.SetWriteDeadline(time.Now().Add(time.Second))
	})()
	d.mux.ServeHTTP(w, r)
}

func (d *desk) enter(r *http.Request, cancel context.CancelFunc) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false
	}
	d.cancels[r] = cancel
	d.inFlight.Add(1)
	return true
}

func (d *desk) leave(r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.cancels, r)
	d.inFlight.Done()
}

// close lets nobody in any more, cuts short what is waiting or calling out, and returns when all have left.
func (d *desk) close() {
	d.mu.Lock()
	d.closed = true
	for _, cancel := range d.cancels {
		cancel()
	}
	d.mu.Unlock()
	d.inFlight.Wait()
}

func (d *desk) serve(rt route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		c := &call{Request: r, body: body}
		ends := d.begins(c)
		a := d.decide(rt, c, err)
		ends(a)
		a.send(w)
	}
}

func (d *desk) decide(rt route, c *call, bodyErr error) answer {
	if !d.admits(c.Request) {
		return d.noEntry
	}
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(bodyErr, &tooLarge) {
		return refuse(http.StatusRequestEntityTooLarge, "TOO_LARGE", "the body has more than %d bytes", tooLarge.Limit)
	}
	if bodyErr != nil {
		return refuse(http.StatusBadRequest, "BODY_UNREADABLE", "reading the body: %v", bodyErr)
	}
	due, settle := d.failures.strike(func(f Failure) bool {
		return f.names(rt.pattern, c.Request) && (f.Event == "" || f.Event == rt.event(c))
	})
	a := answerOrFail(rt, c, due)
	settle(a.succeeded() && !a.hangUp)
	return a
}

func answerOrFail(rt route, c *call, due *activeFailure) answer {
	ctx := c.Context()
	if due == nil {
		return rt.handle(ctx, c)
	}
	switch due.Mode {
	case HangUp:
		return answer{hangUp: true}
	case HangUpAfterCommit:
		a := rt.handle(ctx, c)
		a.hangUp = true
		return a
	case RefuseDuplicates:
		if rt.exists(c) {
			return refuse(http.StatusConflict, "ALREADY_EXISTS", "there is one already")
		}
		return rt.handle(ctx, c)
	case Delay:
		timer := time.NewTimer(due.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-due.healed:
		case <-ctx.Done():
			return answer{hangUp: true}
		}
		return rt.handle(ctx, c)
	default:
		return refuse(due.Status, "TOLD_TO_FAIL", "%s was told to fail", due.Route)
	}
}

// noRoute answers what no route matches, and says when it is only the method that is wrong.
func (d *desk) noRoute(_ context.Context, c *call) answer {
	var allowed []string
	for _, method := range []string{http.MethodDelete, http.MethodGet, http.MethodPatch, http.MethodPost, http.MethodPut} {
		if pattern := d.patternOf(method, c.URL); pattern != "/api/" && pattern != "/" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		return refuse(http.StatusNotFound, "NOT_FOUND", "there is nothing at %s", c.URL.Path)
	}
	a := refuse(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "%s does not take %s", c.URL.Path, c.Method)
	a.header = map[string]string{"Allow": strings.Join(allowed, ", ")}
	return a
}

func (d *desk) patternOf(method string, u *url.URL) string {
	_, pattern := d.mux.Handler(&http.Request{Method: method, URL: u})
	return pattern
}

// fail adds a failure, or says what is wrong with it: a failure that never strikes would make a test pass for nothing.
func (d *desk) fail(f Failure) error {
	f = f.withDefaults()
	if err := f.validate(); err != nil {
		return err
	}
	method, path, _ := strings.Cut(f.Route, " ")
	rt, known := d.routes[f.Route]
	if !known && !strings.Contains(path, "{") {
		rt, known = d.routes[d.patternOf(method, &url.URL{Path: path})]
	}
	if !known {
		return fmt.Errorf("route %q is unknown: use one of %s", f.Route, strings.Join(d.patterns(), ", "))
	}
	if f.Event != "" && rt.event == nil {
		return fmt.Errorf("route %q is about no event: leave out %q", f.Route, f.Event)
	}
	if f.Mode == RefuseDuplicates && rt.exists == nil {
		return fmt.Errorf("route %q creates nothing that could be there already: use mode %q elsewhere", f.Route, f.Mode)
	}
	d.failures.add(f)
	return nil
}

func (d *desk) mustFail(f Failure) {
	if err := d.fail(f); err != nil {
		panic("fake: " + err.Error())
	}
}

func (d *desk) patterns() []string {
	patterns := make([]string, 0, len(d.routes))
	for pattern := range d.routes {
		patterns = append(patterns, pattern)
	}
	slices.Sort(patterns)
	return patterns
}

func (d *desk) postFail(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		refuse(http.StatusBadRequest, "BODY_UNREADABLE", "reading the body: %v", err).send(w)
		return
	}
	var f failureJSON
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		refuse(http.StatusBadRequest, "INVALID_FAILURE", "the body is no failure: %v", err).send(w)
		return
	}
	if err := d.fail(f.failure()); err != nil {
		refuse(http.StatusBadRequest, "INVALID_FAILURE", "%v", err).send(w)
		return
	}
	answer{status: http.StatusNoContent}.send(w)
}

func (d *desk) getFailures(w http.ResponseWriter, _ *http.Request) {
	type state struct {
		failureJSON
		Passed int `json:"passed"`
		Struck int `json:"struck"`
	}
	states := []state{}
	for _, s := range d.failures.states() {
		states = append(states, state{s.Failure.json(), s.Passed, s.Struck})
	}
	answer{status: http.StatusOK, body: map[string]any{"failures": states}}.send(w)
}
