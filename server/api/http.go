package api

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/headrace/headrace/internal/ipaas"
	contract "github.com/headrace/headrace/proto"
)

// Handler returns what is served over HTTP: the REST face under /v1/, the OpenAPI document, a page to read it, and the probes
// /healthz (the process lives) and /readyz (calls can be served).
//
// The server around it must set ReadHeaderTimeout, and must not set WriteTimeout nor wrap the handler in http.TimeoutHandler:
// DeployInstance runs as long as its integration allows, up to 15 minutes, and TailExecution as long as its execution. ReadTimeout
// may be set, since it ends with the body; bodies are bounded to 4 MiB here.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/v1", a.notFound) // or it would be redirected
	mux.Handle("/v1/", crossOrigin(a, headIsGet(a.gateway())))
	mux.HandleFunc("GET /openapi.json", staticFile("application/json", openAPI(a.version)))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", a.serveReady)
	mux.Handle("GET /{$}", page("index.html"))
	for _, name := range []string{"page.js", "page.css", "icon.svg"} {
		mux.Handle("GET /api-page/"+name, page(name))
	}
	mux.HandleFunc("/", a.notFound)
	return plainPath(a, mux)
}

// plainPath answers for paths with //, /./ or /../ that there is nothing. The mux would redirect them, and a client that follows would
// do to one resource what it was told to do to another: DELETE …/flows/.. would delete the integration.
func plainPath(a *API, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		written := r.URL.EscapedPath()
		if clean := path.Clean("/" + written); clean != written && clean+"/" != written {
			a.notFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// crossOrigin refuses what another site's page asks a browser to change here. Programs, and pages of this server, are let through.
func crossOrigin(a *API, next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		a.refuse(w, httpError{&ipaas.Error{
			Reason:  reasonCrossOrigin,
			Message: "a page of another origin may change nothing here: call from a server, not from a browser",
		}, codes.PermissionDenied, 0})
	}))
	return protection.Handler(next)
}

// headIsGet answers HEAD as GET; net/http leaves the body out.
func headIsGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			r = r.Clone(r.Context())
			r.Method = http.MethodGet
		}
		next.ServeHTTP(w, r)
	})
}

func (a *API) serveReady(w http.ResponseWriter, r *http.Request) {
	if err := a.ready(r.Context()); err != nil {
		a.logger.WarnContext(r.Context(), "not ready", "error", err)
		writeText(w, http.StatusServiceUnavailable, notReady(err))
		return
	}
	writeText(w, http.StatusOK, "ready\n")
}

// notReady tells operators what is wrong, as far as it is in words that were meant for others.
func notReady(err error) string {
	var e *ipaas.Error
	if !errors.As(err, &e) {
		return "not ready\n"
	}
	return fmt.Sprintf("not ready: %s: %s\n", e.Reason, e.Message)
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // Who has hung up does not miss it.
}

// introduction is what the OpenAPI document says of the whole.
const introduction = "Describe an integration once, deploy it for each customer. JSON is lowerCamelCase; unknown fields are refused. " +
	"Every error is a `google.rpc.Status` with an `ErrorInfo` and all field violations. Every change takes a `requestId` (header " +
	"`Idempotency-Key`) and `validateOnly`; an `etag` (header `If-Match`) refuses to overwrite someone else's change. Without an " +
	"`updateMask` a PATCH changes the fields whose keys it holds. The same services are offered over gRPC, with reflection."

// openAPI returns the generated document with a title of its own: the generator takes the name of a file.
func openAPI(version string) []byte {
	var document map[string]json.RawMessage
	if err := json.Unmarshal(contract.OpenAPI, &document); err != nil {
		panic("api: the OpenAPI document is not JSON: " + err.Error())
	}
	if version == "" {
		version = "dev"
	}
	info, err := json.Marshal(map[string]string{"title": "Headrace API", "version": version, "description": introduction})
	if err != nil {
		panic("api: texts do not marshal: " + err.Error())
	}
	document["info"] = info
	out, err := json.Marshal(document)
	if err != nil {
		panic("api: the OpenAPI document does not marshal: " + err.Error())
	}
	return out
}

//go:embed page
var pageFiles embed.FS

// policy lets the page load its own files and call this server, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

var pageTypes = map[string]string{
	"index.html": "text/html; charset=utf-8", "page.js": "text/javascript; charset=utf-8",
	"page.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml",
}

// page serves a file of the API page.
func page(name string) http.Handler {
	text, err := fs.ReadFile(pageFiles, "page/"+name)
	if err != nil {
		panic(fmt.Sprintf("api: the page lacks %s: %v", name, err))
	}
	serve := staticFile(pageTypes[name], text)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("Referrer-Policy", "no-referrer")
		serve(w, r)
	})
}

// staticFile serves a text that changes with the binary only.
func staticFile(contentType string, text []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-cache")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(text))
	}
}
