package trigger

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/headrace/headrace/internal/format"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// ParseBody returns the body of a payload as a flow sees it: `rawBody` as received, and `body` parsed by its content type. JSON
// becomes its value, a form an object, a multipart form an object of parts {data, contentType}, other text a text, the rest bytes.
func ParseBody(payload ipaas.Payload) (raw, body *value.Object, err error) {
	payload.ContentType = validText(payload.ContentType)
	kind, params := format.MediaType(payload.ContentType)
	var data any
	switch {
	case len(payload.Body) == 0:
		data = nil
	case format.IsJSON(kind):
		if data, err = value.Parse(payload.Body); err != nil {
			err = malformedPayload("JSON", err)
		}
	case kind == "application/x-www-form-urlencoded":
		if data, err = format.ParseForm(payload.Body); err != nil {
			err = malformedPayload("form", err)
		}
	case kind == "multipart/form-data":
		data, err = parseMultipart(payload.Body, params["boundary"])
	default:
		data = textOrBytes(payload.Body, payload.ContentType)
	}
	if err != nil {
		return nil, nil, err
	}
	return part(textOrBytes(payload.Body, payload.ContentType), payload.ContentType), part(data, payload.ContentType), nil
}

func part(data any, contentType string) *value.Object {
	o := value.Obj(value.Field{Key: "data", Value: data})
	if contentType != "" {
		o.Set("contentType", contentType)
	}
	return o
}

func textOrBytes(body []byte, contentType string) any {
	kind, _ := format.MediaType(contentType)
	binary := strings.HasPrefix(kind, "image/") || strings.HasPrefix(kind, "audio/") || strings.HasPrefix(kind, "video/") ||
		kind == "application/octet-stream" || kind == "application/pdf" || kind == "application/zip"
	switch {
	case len(body) == 0:
		return nil
	case !binary && utf8.Valid(body):
		return string(body)
	default:
		return value.Bytes{Data: body, ContentType: contentType}
	}
}

// maxParts bounds the parts of a multipart body.
const maxParts = 1000

func parseMultipart(body []byte, boundary string) (any, error) {
	if boundary == "" {
		return nil, malformedPayload("multipart form", errors.New("the content type has no boundary"))
	}
	o := value.Obj()
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	for n := 0; ; n++ {
		p, err := r.NextRawPart()
		if err == io.EOF { //nolint:errorlint // a body that breaks off has an error that wraps it
			return o, nil
		}
		if err == nil && n >= maxParts {
			err = fmt.Errorf("it has more than %d parts", maxParts)
		}
		if err != nil {
			return nil, malformedPayload("multipart form", err)
		}
		data, err := io.ReadAll(p) // bounded by the body, which is in memory already
		if err != nil {
			return nil, malformedPayload("multipart form", err)
		}
		contentType := validText(p.Header.Get("Content-Type"))
		item := value.Obj(value.Field{Key: "data", Value: textOrBytes(data, contentType)})
		if len(data) == 0 {
			item.Set("data", "")
		}
		item.Set("contentType", contentType)
		if name := p.FileName(); name != "" {
			item.Set("fileName", validText(name))
		}
		o.Add(validText(p.FormName()), item)
	}
}

// validText returns what came in as a text that a value may hold.
func validText(s string) string { return strings.ToValidUTF8(s, "\ufffd") }

func malformedPayload(what string, err error) error {
	return &ipaas.Error{
		Kind: ipaas.Invalid, Reason: ipaas.ReasonMalformedPayload,
		Message: fmt.Sprintf("the body is not a well-formed %s, as its content type says: %v", what, err), Err: err,
	}
}

// PayloadOf turns what a test sends into what a webhook would have brought.
func PayloadOf(t *ipaas.TestPayload) ipaas.Payload {
	if t == nil {
		t = &ipaas.TestPayload{}
	}
	payload := ipaas.Payload{Method: t.Method, Path: t.Path, ContentType: t.ContentType}
	if payload.Method == "" {
		payload.Method = "POST"
	}
	fallback := ""
	switch t.Kind {
	case ipaas.BodyJSON:
		payload.Body, fallback = []byte(t.Text), "application/json"
	case ipaas.BodyText:
		payload.Body, fallback = []byte(t.Text), "text/plain; charset=utf-8"
	case ipaas.BodyBinary:
		payload.Body, fallback = t.Binary, "application/octet-stream"
	}
	for _, name := range slices.Sorted(maps.Keys(t.Headers)) {
		payload.Headers = append(payload.Headers, ipaas.NamedText{Name: name, Text: t.Headers[name]})
		if strings.EqualFold(name, "Content-Type") && payload.ContentType == "" {
			payload.ContentType = t.Headers[name]
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.Query)) {
		payload.Query = append(payload.Query, ipaas.NamedText{Name: name, Text: t.Query[name]})
	}
	if payload.ContentType == "" {
		payload.ContentType = fallback
	}
	return payload
}
