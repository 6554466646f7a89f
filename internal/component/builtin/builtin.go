// Package builtin holds the components that are shipped with the server, one file each; a large one has several that begin with its name.
//
// To add one, write its file and its line in All; the catalogue, the checks of drafts and the API know it from then on. log.go is
// the smallest to start from, http.go one with a connection and calls to other systems, webhook_triggers.go one with a trigger. What
// an action declares is what people read and what is checked before it runs:
//
//   - Inputs are resolved, converted to their declared types and complete when Perform gets them. An error of Perform names the
//     input, the trouble and the way out, and quotes no value: it may be a secret.
//   - Effect says what running it does to the world. Left out, it counts as a write: the careful reading.
//   - call.Client is the only way out of the house. An action that leaves something behind in another system declares its Undo.
//
// It must not know flows or storage: an action gets its inputs and says what it did.
package builtin

import (
	"context"
	"fmt"
	"net/http"

	"golang.org/x/net/http/httpguts"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// All returns the built-in components.
func All() []*component.Component {
	return []*component.Component{
		branch(),
		changeDataFormat(),
		code(),
		collectionTools(),
		crossFlow(),
		csvComponent(),
		dataMapper(),
		dateTime(),
		hashComponent(),
		htmlUtils(),
		httpComponent(),
		liquidTemplate(),
		logComponent(),
		loop(),
		managementTriggers(),
		mathComponent(),
		messagePack(),
		persistData(),
		processData(),
		recursiveFlow(),
		registration(),
		resultPlaceholder(),
		scheduleTriggers(),
		sleep(),
		stopExecution(),
		textManipulation(),
		uuidComponent(),
		webhookTriggers(),
		xmlComponent(),
		zipComponent(),
	}
}

// pure is an action that changes nothing and asks nobody: what it gives is made of its inputs.
func pure(key, name, description, output string, do func(in component.Inputs) (any, error), inputs ...ipaas.InputField) component.Action {
	return component.Action{
		Action: ipaas.Action{Key: key, DisplayName: name, Description: description, Output: output, Effect: ipaas.EffectPure, Inputs: inputs},
		Perform: func(_ context.Context, call component.Call) (component.Result, error) {
			data, err := do(call.Inputs)
			if err != nil {
				return component.Result{}, err
			}
			return component.Result{Data: data}, nil
		},
	}
}

// statusInput returns an input as the status of an answer, or otherwise where it is not given.
func statusInput(in component.Inputs, key string, otherwise int) (int, error) {
	if in.Value(key) == nil {
		return otherwise, nil
	}
	status, err := in.Int(key)
	if err != nil {
		return 0, err
	}
	if status < 200 || status > 599 {
		return 0, fmt.Errorf("input %q is %d: give a status from 200 to 599", key, status)
	}
	return status, nil
}

// connectionHeaders are made by the server for the connection.
var connectionHeaders = map[string]bool{
	"Connection": true, "Content-Length": true, "Keep-Alive": true, "Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// headersInput returns a key/value list as the headers of an answer. No error quotes a value: it may be a secret.
func headersInput(in component.Inputs, key string) ([]ipaas.NamedText, error) {
	var headers []ipaas.NamedText
	for _, p := range in.Pairs(key) {
		text := value.Text(p.Value)
		switch {
		case p.Key == "" && text == "":
			continue // a row of a form that was left empty
		case !httpguts.ValidHeaderFieldName(p.Key):
			return nil, fmt.Errorf("input %q has the header name %q: use letters, digits and hyphens", key, p.Key)
		case connectionHeaders[http.CanonicalHeaderKey(p.Key)]:
			return nil, fmt.Errorf("input %q has the header %s, which the server itself sets: remove it", key, p.Key)
		case !httpguts.ValidHeaderFieldValue(text):
			return nil, fmt.Errorf("input %q: header %s holds a line break or another control character: remove it", key, p.Key)
		}
		headers = append(headers, ipaas.NamedText{Name: p.Key, Text: text})
	}
	return headers, nil
}

// hasHeader reports whether a header is among some.
func hasHeader(headers []ipaas.NamedText, name string) bool {
	for _, h := range headers {
		if http.CanonicalHeaderKey(h.Name) == name {
			return true
		}
	}
	return false
}

// contentTypeHeader adds a content type, unless the headers have one or it is empty.
func contentTypeHeader(headers []ipaas.NamedText, contentType string) ([]ipaas.NamedText, error) {
	if contentType == "" || hasHeader(headers, "Content-Type") {
		return headers, nil
	}
	if !httpguts.ValidHeaderFieldValue(contentType) {
		return nil, fmt.Errorf("input %q holds a line break or another control character: give a content type such as application/json", "contentType")
	}
	return append([]ipaas.NamedText{{Name: "Content-Type", Text: contentType}}, headers...), nil
}

// encodeBody returns data as a body and the content type it has by itself.
func encodeBody(data any) ([]byte, string) {
	switch data := data.(type) {
	case nil:
		return nil, ""
	case value.Bytes:
		if data.ContentType == "" {
			return data.Data, "application/octet-stream"
		}
		return data.Data, data.ContentType
	case string:
		if data == "" {
			return nil, ""
		}
		if looksLikeJSON(data) {
			return []byte(data), "application/json"
		}
		return []byte(data), "text/plain; charset=utf-8"
	default:
		return value.JSON(data), "application/json"
	}
}

// looksLikeJSON reports whether a text is a JSON object or list. Other JSON is also the text it is.
func looksLikeJSON(text string) bool {
	v, err := value.Parse([]byte(text))
	if err != nil {
		return false
	}
	switch v.(type) {
	case *value.Object, []any:
		return true
	default:
		return false
	}
}
