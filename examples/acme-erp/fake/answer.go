package fake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
)

// An answer is what a handler has to say; the desk sends it.
type answer struct {
	status int
	header map[string]string
	body   any // sent as JSON unless it is html; nil sends no body

	duplicate bool // repeats an earlier answer to the same idempotency key
	hangUp    bool // the connection is dropped and none of this is sent
}

// refuse is an answer that names an error.
func refuse(status int, code, format string, args ...any) answer {
	type problem struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	return answer{status: status, body: map[string]problem{"error": {code, fmt.Sprintf(format, args...)}}}
}

// html is a body that is not sent as JSON.
type html []byte

func (a answer) succeeded() bool { return a.status >= 200 && a.status < 300 }

func (a answer) send(w http.ResponseWriter) {
	if a.hangUp {
		panic(http.ErrAbortHandler) // how net/http is told to drop a connection, silently
	}
	kind, body := a.encode()
	if kind != "" {
		w.Header().Set("Content-Type", kind)
	}
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.status)
	if len(body) > 0 {
		_, _ = w.Write(body) // a caller that is gone has nobody left to tell
	}
}

func (a answer) encode() (contentType string, body []byte) {
	switch b := a.body.(type) {
	case nil:
		return "", nil
	case html:
		return "text/html; charset=utf-8", b
	}
	return "application/json", toJSON(a.body)
}

// toJSON writes a value as JSON that leaves the text of records as it is.
func toJSON(v any) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic("fake: a value of ours is no JSON: " + err.Error()) // a mistake in this package
	}
	return buf.Bytes()
}
