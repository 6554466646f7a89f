// Package webhook is the HTTP face of flows: /hooks/{token}[/path][?query], any method. It reads a request once, hands it over, and
// writes the answer.
// It must not know what a flow is, nor decide anything but how a kind of error reads in HTTP.
package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/fault"
	"github.com/headrace/headrace/internal/ipaas"
)

// Prefix is where hooks are.
const Prefix = "/hooks/"

// DefaultMaxBody is the most bytes of a body where nothing else is said.
const DefaultMaxBody = 6 << 20

// Handler serves the hooks.
type Handler struct {
	Plane   *control.Plane
	Logger  *slog.Logger
	MaxBody int64 // bytes; 0: DefaultMaxBody
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	// What a flow answers is its author's and its callers' data: no script in it may run in our origin.
	header.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	reply, err := h.receive(r)
	fault.Point("accept-answer")
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	write(w, r, reply)
}

func (h *Handler) receive(r *http.Request) (control.Reply, error) {
	token, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, Prefix), "/")
	// A token, and the key that its flow asks for, are looked at before a body is read, so that strangers cannot make the server read.
	if err := h.Plane.LookupWebhook(r.Context(), token, r.Header.Values(ipaas.FlowKeyHeader)...); err != nil {
		return control.Reply{}, err
	}
	payload, err := h.read(r, path)
	if err != nil {
		return control.Reply{}, err
	}
	return h.Plane.ReceiveWebhook(r.Context(), token, payload, preferences(r))
}

// read makes a payload of a request. Headers keep the spelling in which they are usually written; HTTP does not tell the sender's.
func (h *Handler) read(r *http.Request, path string) (ipaas.Payload, error) {
	most := h.MaxBody
	if most == 0 {
		most = DefaultMaxBody
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return ipaas.Payload{}, &refusal{status: http.StatusUnsupportedMediaType, reason: ipaas.ReasonUnsupportedMediaType, message: "the body is encoded as " + strconv.Quote(encoding) + ": send it as it is"}
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	if err != nil {
		return ipaas.Payload{}, &refusal{status: http.StatusBadRequest, reason: ipaas.ReasonMalformedPayload, message: "the body did not arrive whole: send it again"}
	}
	if int64(len(body)) > most {
		return ipaas.Payload{}, &refusal{
			status: http.StatusRequestEntityTooLarge, reason: ipaas.ReasonPayloadTooLarge,
			message: "the body is larger than " + strconv.FormatInt(most, 10) + " bytes: send less, or raise the server's --max-webhook-body",
		}
	}
	payload := ipaas.Payload{Method: r.Method, Path: validText(path), ContentType: validText(r.Header.Get("Content-Type")), Body: body}
	for _, name := range sorted(r.Header) {
		for _, text := range r.Header[name] {
			payload.Headers = append(payload.Headers, ipaas.NamedText{Name: name, Text: validText(text)})
		}
	}
	query := r.URL.Query()
	for _, name := range sorted(query) {
		for _, text := range query[name] {
			payload.Query = append(payload.Query, ipaas.NamedText{Name: validText(name), Text: validText(text)})
		}
	}
	return payload, nil
}

// validText returns what came in as a text that a payload may hold.
func validText(s string) string { return strings.ToValidUTF8(s, "\ufffd") }

// synchronousHeader says by true or false whether the caller wants the flow's result. Callers of other platforms send it.
const synchronousHeader = "Prismatic-Synchronous"

// preferences reads `Prefer: wait=N` (RFC 7240), and synchronousHeader.
func preferences(r *http.Request) (p control.Preferences) {
	if wants, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(r.Header.Get(synchronousHeader)))); err == nil {
		p.Synchronous = &wants
	}
	for _, header := range r.Header.Values("Prefer") {
		for part := range strings.SplitSeq(header, ",") {
			name, text, _ := strings.Cut(strings.TrimSpace(part), "=")
			if !strings.EqualFold(name, "wait") {
				continue
			}
			if seconds, err := strconv.ParseUint(strings.Trim(text, `"`), 10, 16); err == nil {
				p.Wait = time.Duration(seconds) * time.Second
				return p
			}
		}
	}
	return p
}

// refusal is an error of this face itself.
type refusal struct {
	status  int
	reason  ipaas.Reason
	message string
}

func (r *refusal) Error() string { return r.message }

// statuses are the kinds of errors in HTTP.
var statuses = map[ipaas.Kind]int{
	ipaas.NotFound:        http.StatusNotFound,
	ipaas.Unauthenticated: http.StatusUnauthorized,
	ipaas.Gone:            http.StatusGone,
	ipaas.Invalid:         http.StatusBadRequest,
	ipaas.Conflict:        http.StatusConflict,
	ipaas.Exhausted:       http.StatusTooManyRequests,
	ipaas.Unavailable:     http.StatusServiceUnavailable,
}

func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // nobody is there to be answered
	}
	var own *refusal
	var e *ipaas.Error
	var byTrigger interface{ HTTPStatus() int }
	status, message, reason := http.StatusInternalServerError, "internal error", ipaas.ReasonInternal
	switch {
	case errors.As(err, &own):
		status, message, reason = own.status, own.message, own.reason
	case errors.As(err, &byTrigger):
		status, message, reason = byTrigger.HTTPStatus(), err.Error(), ipaas.Reason(ipaas.ExecutionTriggerFailed)
	case errors.As(err, &e) && statuses[e.Kind] != 0:
		status, message, reason = statuses[e.Kind], e.Error(), e.Reason
		if e.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
		}
	default:
		h.Logger.Error("receive a webhook", "error", err)
	}
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `ApiKey realm="flow", header="`+ipaas.FlowKeyHeader+`"`)
	}
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		if w.Header().Get("Retry-After") == "" {
			w.Header().Set("Retry-After", "60")
		}
	}
	text, err := json.Marshal(map[string]string{"error": message, "reason": string(reason)})
	if err != nil {
		text = []byte(`{"error":"internal error","reason":"INTERNAL"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text) // the caller may have gone; there is nobody to tell
}

// hopByHop are headers that belong to the connection, which a flow may not set, and those that are set here.
var hopByHop = map[string]bool{
	"Connection": true, "Transfer-Encoding": true, "Upgrade": true, "Keep-Alive": true, "Trailer": true, "Te": true,
	"Content-Length": true, "X-Content-Type-Options": true, "Content-Security-Policy": true, "Set-Cookie": true,
}

func write(w http.ResponseWriter, r *http.Request, reply control.Reply) {
	set := map[string]bool{} // the first of a name takes the place of ours, the others stand beside it
	for _, header := range reply.Response.Headers {
		name := http.CanonicalHeaderKey(header.Name)
		switch {
		case hopByHop[name]:
		case set[name]:
			w.Header().Add(name, header.Text)
		default:
			w.Header().Set(name, header.Text)
			set[name] = true
		}
	}
	if w.Header().Get("Content-Type") == "" && len(reply.Response.Body) > 0 {
		w.Header().Set("Content-Type", "application/octet-stream")
	}
	w.WriteHeader(reply.Response.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(reply.Response.Body) // the caller may have gone; there is nobody to tell
	}
}

func sorted(m map[string][]string) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
