package builtin

import (
	"fmt"
	"unicode/utf8"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/format"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// dataField is a required input of any kind.
func dataField(key, name, description string) ipaas.InputField {
	return ipaas.InputField{Key: key, DisplayName: name, Type: ipaas.FieldData, Required: true, Description: description}
}

// contentInput returns an input that is to be read: texts and bytes as they are, and the data of what a trigger or another step gives as
// {data, contentType}. Flows pass such results around whole.
func contentInput(in component.Inputs, key string) any {
	v := in.Value(key)
	o, ok := v.(*value.Object)
	if !ok || o.Len() > 3 {
		return v
	}
	data, ok := o.Get("data")
	contentType, ok2 := o.Get("contentType")
	if _, isText := contentType.(string); !ok || !ok2 || !isText {
		return v
	}
	if o.Len() == 3 {
		if _, ok := o.Get("fileName"); !ok {
			return v
		}
	}
	return data
}

// encodedData returns content as what is to be parsed, and whether it was a text. It is false for what is no text and no bytes: somebody
// parsed it before.
func encodedData(v any) (data []byte, isText, ok bool) {
	switch v := v.(type) {
	case string:
		return []byte(v), true, true
	case value.Bytes:
		return v.Data, false, true
	default:
		return nil, false, false
	}
}

// bytesOf returns content as bytes: a text by its UTF-8, anything but texts and bytes as JSON.
func bytesOf(v any) []byte {
	if data, _, ok := encodedData(v); ok {
		return data
	}
	if v == nil {
		return nil
	}
	return value.JSON(v)
}

// inInput says which input an error is about.
func inInput(key string, err error) error { return fmt.Errorf("input %q: %w", key, err) }

func wrongKind(key string, v any, wanted string) error {
	return fmt.Errorf("input %q is %s: give %s", key, value.Kind(v), wanted)
}

// parsedJSON returns an input as a value: texts and bytes are read as JSON.
func parsedJSON(in component.Inputs, key string) (any, error) {
	v := contentInput(in, key)
	data, _, ok := encodedData(v)
	if !ok {
		return v, nil
	}
	parsed, err := format.ParseJSON(data)
	if err != nil {
		return nil, inInput(key, err)
	}
	return parsed, nil
}

// looseJSON returns an input as a value as parsedJSON does, but what is no JSON as the text or the bytes that it is.
func looseJSON(in component.Inputs, key string) any {
	v := in.Value(key)
	data, _, ok := encodedData(v)
	if !ok {
		return v
	}
	if parsed, err := format.ParseJSON(data); err == nil {
		return parsed
	}
	if utf8.Valid(data) {
		return string(data)
	}
	return v
}

// listContent returns an input as a list: JSON texts are read, one object is a list of itself.
func listContent(in component.Inputs, key string) ([]any, error) {
	v := looseJSON(in, key)
	switch v := v.(type) {
	case []any:
		return v, nil
	case *value.Object:
		return []any{v}, nil
	default:
		return nil, wrongKind(key, v, "a list")
	}
}
