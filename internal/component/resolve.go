package component

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// Resolve checks what the inputs of a step evaluated to against what is declared: it fills in defaults and turns texts into numbers
// and booleans where those are declared. All that is wrong is returned at once, each with the path from the inputs on.
func Resolve(fields []ipaas.InputField, given map[string]any) (Inputs, []ipaas.Violation) {
	in := make(Inputs, len(fields))
	var wrong []ipaas.Violation
	for i := range fields {
		f := &fields[i]
		v, err := resolveField(f, given[f.Key])
		if err != nil {
			wrong = append(wrong, ipaas.Violation{Field: "inputs." + f.Key, Reason: reasonOf(err), Description: err.Error()})
			continue
		}
		in[f.Key] = v
	}
	return in, wrong
}

func resolveField(f *ipaas.InputField, v any) (any, error) {
	if isUnset(f, v) && f.Default != "" {
		d, err := value.Parse([]byte(f.Default))
		if err != nil {
			return nil, fmt.Errorf("has a default that is not JSON: %w", err)
		}
		v = d
	}
	if v == nil || v == "" && f.Type != ipaas.FieldData && f.Collection == "" {
		// An empty line in a form is no value; an empty text as data is one, and as a list one without items.
		if f.Required {
			return nil, &missing{}
		}
		if v == nil {
			return nil, nil
		}
	}
	switch f.Collection {
	case ipaas.CollectionList:
		return resolveList(f, v)
	case ipaas.CollectionKeyValueList:
		return resolvePairs(f, v)
	default:
		return resolveOne(f, v)
	}
}

// isUnset reports whether nothing was given. Definitions written by forms set every input and leave what was not filled in as an
// empty text; where an empty text cannot be meant, it stands for the default.
func isUnset(f *ipaas.InputField, v any) bool {
	if v == nil {
		return true
	}
	text, ok := v.(string)
	if !ok || text != "" {
		return false
	}
	switch f.Type {
	case ipaas.FieldNumber, ipaas.FieldBoolean, ipaas.FieldDate, ipaas.FieldTimestamp, ipaas.FieldConditions, ipaas.FieldConnection:
		return true
	default:
		return len(f.Choices) > 0 || f.Collection != ""
	}
}

func resolveList(f *ipaas.InputField, v any) (any, error) {
	list, ok := v.([]any)
	if text, isText := encoded(v); isText {
		// Lists come as JSON text from config variables and from definitions that were written elsewhere.
		if strings.TrimSpace(text) == "" {
			return []any{}, nil
		}
		parsed, err := value.Parse([]byte(text))
		if err == nil {
			list, ok = parsed.([]any)
		}
	}
	if !ok {
		return nil, fmt.Errorf("is %s: give a list", value.Kind(v))
	}
	out := make([]any, len(list))
	for i, item := range list {
		one, err := resolveOne(f, item)
		if err != nil {
			return nil, fmt.Errorf("item %d %w", i, err)
		}
		out[i] = one
	}
	return out, nil
}

func resolvePairs(f *ipaas.InputField, v any) (any, error) {
	if text, ok := encoded(v); ok {
		if strings.TrimSpace(text) == "" {
			return []Pair{}, nil
		}
		if parsed, err := value.Parse([]byte(text)); err == nil {
			v = parsed
		}
	}
	var pairs []Pair
	switch v := v.(type) {
	case *value.Object:
		for key, item := range v.All() {
			pairs = append(pairs, Pair{Key: key, Value: item})
		}
	case []any:
		for i, item := range v {
			o, ok := item.(*value.Object)
			if !ok {
				return nil, fmt.Errorf("item %d is %s: give named values", i, value.Kind(item))
			}
			key, named := o.Get("key")
			if !named {
				return nil, fmt.Errorf("item %d has no key: give named values", i)
			}
			val, _ := o.Get("value")
			pairs = append(pairs, Pair{Key: value.Text(key), Value: val})
		}
	default:
		return nil, fmt.Errorf("is %s: give named values", value.Kind(v))
	}
	for i := range pairs {
		one, err := resolveOne(f, pairs[i].Value)
		if err != nil {
			return nil, fmt.Errorf("%q %w", pairs[i].Key, err)
		}
		pairs[i].Value = one
	}
	return pairs, nil
}

// encoded returns a text, or bytes that are one, such as a file: it may be JSON.
func encoded(v any) (string, bool) {
	if b, ok := v.(value.Bytes); ok && utf8.Valid(b.Data) {
		return string(b.Data), true
	}
	text, ok := v.(string)
	return text, ok
}

// errMisplacedConnection says that a connection was given where its secrets would become data.
var errMisplacedConnection = errors.New("is a connection: connections may only be given to inputs of type CONNECTION")

// resolveOne turns one value into what the field's type declares.
func resolveOne(f *ipaas.InputField, v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	switch f.Type {
	case ipaas.FieldNumber:
		return toNumber(f, v)
	case ipaas.FieldBoolean:
		return toBool(f, v)
	case ipaas.FieldConnection:
		c, ok := v.(*Connection)
		if v == "" {
			return nil, nil
		}
		if !ok {
			return nil, fmt.Errorf("is %s: give a config variable of type CONNECTION", kind(v))
		}
		return c, nil
	case ipaas.FieldData, ipaas.FieldConditions:
		if _, ok := v.(*Connection); ok {
			return nil, errMisplacedConnection
		}
		return v, nil
	default:
		return toText(f, v)
	}
}

func toText(f *ipaas.InputField, v any) (any, error) {
	if _, ok := v.(*Connection); ok {
		return nil, errMisplacedConnection
	}
	if b, ok := v.(value.Bytes); ok {
		return b, nil
	}
	text := value.Text(v)
	switch {
	case text == "":
		return text, nil
	case len(f.Choices) > 0:
		return toChoice(f, text)
	case f.Type == ipaas.FieldDate:
		return toTime(f, text, time.DateOnly, "a date such as 2026-01-31")
	case f.Type == ipaas.FieldTimestamp:
		return toTime(f, text, time.RFC3339, "a moment such as 2026-01-31T12:00:00Z")
	}
	return text, nil
}

// toChoice returns the choice that a text names, in capital or small letters.
func toChoice(f *ipaas.InputField, text string) (any, error) {
	if slices.Contains(f.Choices, text) {
		return text, nil
	}
	for _, choice := range f.Choices {
		if strings.EqualFold(choice, strings.TrimSpace(text)) {
			return choice, nil
		}
	}
	return nil, &notAChoice{text: text, choices: f.Choices, secret: f.Secret}
}

// toTime checks that a text is a time; it stays the text it is.
func toTime(f *ipaas.InputField, text, layout, wanted string) (any, error) {
	if _, err := time.Parse(layout, text); err != nil {
		return nil, fmt.Errorf("is %s: give %s", quote(f, text), wanted)
	}
	return text, nil
}

func toNumber(f *ipaas.InputField, v any) (any, error) {
	switch v := v.(type) {
	case value.Number:
		return v, nil
	case string:
		text := strings.TrimSpace(v)
		if text == "" {
			return nil, nil
		}
		if n, ok := spelledNumber(text); ok {
			return n, nil
		}
		return nil, fmt.Errorf("is %s: give a number", quote(f, text))
	default:
		return nil, fmt.Errorf("is %s: give a number", kind(v))
	}
}

// spelling is how people and other programs write numbers, beyond what JSON allows: +7, 007, .5 and 5.
var spelling = regexp.MustCompile(`^([+-]?)0*([0-9]*)(?:\.([0-9]*))?([eE][+-]?[0-9]+)?$`)

// spelledNumber returns the number that a text says.
func spelledNumber(text string) (value.Number, bool) {
	if n, ok := value.ParseNumber(text); ok {
		return n, true
	}
	m := spelling.FindStringSubmatch(text)
	if digits, _, _ := strings.Cut(strings.ToLower(text), "e"); m == nil || !strings.ContainsAny(digits, "0123456789") {
		return "", false
	}
	plain := strings.TrimPrefix(m[1], "+") + cmp.Or(m[2], "0")
	if m[3] != "" {
		plain += "." + m[3]
	}
	return value.ParseNumber(plain + m[4])
}

func toBool(f *ipaas.InputField, v any) (any, error) {
	switch v := v.(type) {
	case bool:
		return v, nil
	case value.Number:
		switch {
		case value.Equal(v, value.Number("1")):
			return true, nil
		case value.Equal(v, value.Number("0")):
			return false, nil
		}
		return nil, errors.New("is a number: give true or false")
	case string:
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "":
			return nil, nil
		case "true", "t", "yes", "y", "1":
			return true, nil
		case "false", "f", "no", "n", "0":
			return false, nil
		}
		return nil, fmt.Errorf("is %s: give true or false", quote(f, v))
	default:
		return nil, fmt.Errorf("is %s: give true or false", kind(v))
	}
}

func kind(v any) string {
	if _, ok := v.(*Connection); ok {
		return "a connection"
	}
	return value.Kind(v)
}

// quote shows what was given, unless it is a secret.
func quote(f *ipaas.InputField, text string) string {
	if f.Secret {
		return "some text"
	}
	return "the text " + strconv.Quote(value.Shorten(text))
}

// missing is the error for a required input that has no value.
type missing struct{}

func (m *missing) Error() string { return "has no value, and it is required" }

// notAChoice is the error for a text that is not among the choices.
type notAChoice struct {
	text    string
	choices []string
	secret  bool
}

func (n *notAChoice) Error() string {
	if n.secret {
		return "is none of its choices: give one of them"
	}
	return fmt.Sprintf("is %q: give one of %s", value.Shorten(n.text), strings.Join(n.choices, ", "))
}

func reasonOf(err error) ipaas.Reason {
	var none *missing
	var other *notAChoice
	switch {
	case errors.As(err, &none):
		return ipaas.ReasonRequired
	case errors.As(err, &other):
		return ipaas.ReasonNotAChoice
	default:
		return ipaas.ReasonWrongType
	}
}
