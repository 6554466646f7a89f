package component

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/headrace/headrace/internal/format"
	"github.com/headrace/headrace/internal/outbound"
	"github.com/headrace/headrace/internal/value"
)

// ParseBody returns the body of an answer as a value: JSON by its content type or, where that says nothing, when it is an object or
// a list; else text; else bytes. An empty body is nil. What claims to be JSON and is not stays text: many systems answer a plain
// OK under that name.
func ParseBody(resp *outbound.Response) any {
	if len(resp.Body) == 0 {
		return nil
	}
	kind, _ := format.MediaType(resp.ContentType)
	if format.IsJSON(kind) || kind == "" || kind == "text/plain" {
		if v, ok := parseJSON(resp.Body, format.IsJSON(kind)); ok {
			return v
		}
	}
	if isText(kind) && utf8.Valid(resp.Body) {
		return string(resp.Body)
	}
	return value.Bytes{Data: resp.Body, ContentType: resp.ContentType}
}

// parseJSON reads JSON; where it is only guessed to be some, a bare number or word stays the text it may have been meant as.
func parseJSON(body []byte, declared bool) (any, bool) {
	body = []byte(strings.TrimPrefix(string(body), "\ufeff"))
	v, err := value.Parse(body)
	if err != nil {
		return nil, false
	}
	switch v.(type) {
	case *value.Object, []any:
		return v, true
	default:
		return v, declared
	}
}

// Headers returns the headers of an answer as a value in which names are found in any case.
func Headers(h http.Header) *value.Object {
	o := value.Obj()
	o.FoldKeys = true
	for _, name := range slices.Sorted(maps.Keys(h)) {
		o.Set(name, strings.ToValidUTF8(strings.Join(h[name], ", "), "\ufffd"))
	}
	return o
}

func isText(kind string) bool {
	switch {
	case kind == "", format.IsJSON(kind), strings.HasPrefix(kind, "text/"), strings.HasSuffix(kind, "+xml"):
		return true
	}
	switch kind {
	case "application/xml", "application/javascript", "application/x-www-form-urlencoded", "application/x-ndjson", "application/yaml", "application/graphql":
		return true
	}
	return false
}
