package format_test

import (
	"testing"

	"github.com/headrace/headrace/internal/format"
)

func TestMediaType(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		contentType, kind, boundary string
		json                        bool
	}{
		{"application/json", "application/json", "", true},
		{"Application/JSON; charset=utf-8", "application/json", "", true},
		{"text/json", "text/json", "", true},
		{"application/vnd.api+json", "application/vnd.api+json", "", true},
		{`multipart/form-data; boundary="a b"`, "multipart/form-data", "a b", false},
		{" Text/Plain ; charset", "text/plain", "", false},
		{"application/json; charset=a b", "application/json", "", true},
		{";", "", "", false},
		{"", "", "", false},
	} {
		kind, params := format.MediaType(tc.contentType)
		if kind != tc.kind || params["boundary"] != tc.boundary || format.IsJSON(kind) != tc.json {
			t.Errorf("%q is %q with boundary %q, JSON: %v; want %q, %q, %v",
				tc.contentType, kind, params["boundary"], format.IsJSON(kind), tc.kind, tc.boundary, tc.json)
		}
	}
}
