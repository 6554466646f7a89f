package prismatic

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// object is a mapping of the file. Each key is taken by whoever knows it; what nobody took is noted as dropped.
type object struct {
	r      *reader
	at     string
	fields *value.Object
	taken  []string
}

// object takes v as a mapping that stands at a place. Null is an empty one; anything else is a violation.
func (r *reader) object(at string, v any) *object {
	o := &object{r: r, at: at}
	if v == nil {
		return o
	}
	fields, ok := v.(*value.Object)
	if !ok {
		r.wrong(at, ipaas.ReasonWrongType, "is %s: give an object", value.Kind(v))
	}
	o.fields = fields
	return o
}

// path is where a key of the object stands.
func (o *object) path(key string) string { return keyed(o.at, key) }

// has reports whether a key is said; null says nothing.
func (o *object) has(key string) bool {
	v, _ := o.fields.Get(key)
	return v != nil
}

func (o *object) take(key string) any {
	v, _ := o.fields.Get(key)
	o.taken = append(o.taken, key)
	return v
}

// text takes a text. Files say numbers and booleans where texts are meant, and an empty list or object where nothing is.
func (o *object) text(key string) string {
	v := o.take(key)
	switch v.(type) {
	case []any, *value.Object:
		if isNothing(v) {
			return ""
		}
		o.r.wrong(o.path(key), ipaas.ReasonWrongType, "is %s: give a text", value.Kind(v))
		return ""
	}
	return value.Text(v)
}

// name takes a text that names something. One that was written as a block ends with a line break, which belongs to the file.
func (o *object) name(key string) string { return strings.TrimRight(o.text(key), "\r\n") }

// word takes a text that is one of a closed set, which has the empty one if it may be left out.
func word[T any](o *object, key string, set map[string]T) T {
	text := o.text(key)
	if found, ok := set[text]; ok {
		return found
	}
	for known, found := range set {
		if strings.EqualFold(known, text) {
			return found
		}
	}
	choices := slices.DeleteFunc(slices.Sorted(maps.Keys(set)), func(s string) bool { return s == "" })
	o.r.wrong(o.path(key), ipaas.ReasonNotAChoice, "%q is unknown: give one of %s", value.Shorten(text), strings.Join(choices, ", "))
	var none T
	return none
}

// yes takes a boolean, which may be written as a text or a number.
func (o *object) yes(key string) bool {
	v := o.take(key)
	is, ok := truth(v)
	if !ok {
		o.r.wrong(o.path(key), ipaas.ReasonWrongType, "is %s: give true or false", shown(v))
	}
	return is
}

// truth reads a boolean in any of the words that YAML has had for it; what holds nothing is false.
func truth(v any) (is, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case value.Number, string:
		switch strings.ToLower(strings.TrimSpace(value.Text(v))) {
		case "true", "yes", "y", "on", "1":
			return true, true
		case "false", "no", "n", "off", "0":
			return false, true
		}
	}
	return false, isNothing(v)
}

// whole takes a whole number, which may be written as a text.
func (o *object) whole(key string) int {
	v := o.take(key)
	switch v.(type) {
	case nil:
		return 0
	case value.Number, string:
		text := strings.TrimSpace(value.Text(v))
		if text == "" {
			return 0
		}
		if n, ok := value.ParseNumber(text); ok {
			// More than any count of these files, less than what would run over as a duration.
			if i, ok := n.Int64(); ok && i > -1e9 && i < 1e9 {
				return int(i)
			}
		}
	}
	o.r.wrong(o.path(key), ipaas.ReasonWrongType, "is %s: give a whole number", shown(v))
	return 0
}

// atMost takes a whole number that is no more than may be asked for.
func (o *object) atMost(key string, most int) int {
	n := o.whole(key)
	if n > most {
		o.r.notes.add(o.path(key), Changed, "%d is more than may be asked for: it is taken for %d", n, most)
	}
	return min(n, most)
}

// span takes a whole number of units of time, no more than may be asked for.
func (o *object) span(key string, unit time.Duration, most int) time.Duration {
	return time.Duration(o.atMost(key, most)) * unit
}

// list takes a list. What holds nothing, such as an empty text where a form left one, is an empty one.
func (o *object) list(key string) []any {
	v := o.take(key)
	if isNothing(v) {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		o.r.wrong(o.path(key), ipaas.ReasonWrongType, "is %s: give a list", value.Kind(v))
	}
	return list
}

// object takes a mapping. What holds nothing is an empty one.
func (o *object) object(key string) *object {
	v := o.take(key)
	if isNothing(v) {
		v = nil
	}
	return o.r.object(o.path(key), v)
}

// drop takes a key and notes what is lost with it, if it holds anything.
func (o *object) drop(key, why string) {
	if v := o.take(key); !isNothing(v) {
		o.r.notes.add(o.path(key), Dropped, "%s", why)
	}
}

// skip takes keys that say nothing of how an integration runs and follow from the rest.
func (o *object) skip(keys ...string) { o.taken = append(o.taken, keys...) }

// rest notes what nobody took.
func (o *object) rest() {
	for key, v := range o.fields.All() {
		if !slices.Contains(o.taken, key) && !isNothing(v) {
			o.r.notes.add(o.path(key), Dropped, "%q has no meaning here, and is left out", value.Shorten(key))
		}
	}
}

// isNothing reports whether a value holds nothing that could be lost.
func isNothing(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return strings.TrimSpace(v) == ""
	case []any:
		return len(v) == 0
	case *value.Object:
		return v.Len() == 0
	default:
		return false
	}
}

// shown is a value as a message quotes it.
func shown(v any) string {
	if text, ok := v.(string); ok {
		return "the text " + strconv.Quote(value.Shorten(text))
	}
	return value.Kind(v)
}

// keyed is the path of a value in an object, item that of one in a list.
func keyed(at, key string) string {
	switch {
	case key == "" || strings.Trim(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "":
		return at + "[" + strconv.Quote(key) + "]"
	case at == "":
		return key
	}
	return at + "." + key
}

func item(at string, i int) string { return fmt.Sprintf("%s[%d]", at, i) }

// joined is the path of an entry of a map of the definition, in which keys stand as they are.
func joined(at, key string) string { return at + "." + key }
