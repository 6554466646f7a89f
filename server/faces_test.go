package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestFacesTakePathsAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	var got string
	named := func(name string) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = name + " " + r.URL.Path })
	}
	handler := faces(named("hooks"), named("api"))
	for path, want := range map[string]string{
		"/hooks/token//a/../b": "hooks /hooks/token//a/../b",
		"/hooks/token":         "hooks /hooks/token",
		"/hooks":               "api /hooks",
		"/hooksnot/token":      "api /hooksnot/token",
		"/v1/hooks/x":          "api /v1/hooks/x",
		"/":                    "api /",
	} {
		got = ""
		handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, path, nil))
		if got != want {
			t.Errorf("%s went to %q, want %q", path, got, want)
		}
	}
}
