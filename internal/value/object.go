package value

import (
	"iter"
	"slices"
	"strings"
)

// Field is a key of an object and its value.
type Field struct {
	Key   string
	Value any
}

// Object is a JSON object that keeps the order in which its keys were set. A nil Object reads as an empty one. Any number of
// goroutines may read one that none changes.
type Object struct {
	fields []Field
	places map[string]int // where keys are among the fields; nil while there are few

	// FoldKeys makes Find fall back to keys that differ in case only: HTTP headers. It is no part of any encoding.
	FoldKeys bool
}

// few is how many fields are looked through rather than looked up.
const few = 8

// Obj returns an object with these fields.
func Obj(fields ...Field) *Object {
	o := &Object{}
	if len(fields) > 0 {
		o.fields = make([]Field, 0, len(fields))
	}
	for _, f := range fields {
		o.Set(f.Key, f.Value)
	}
	return o
}

// ObjOf returns an object of keys and values in turn: "id", 1, "name", "x".
func ObjOf(pairs ...any) *Object {
	o := &Object{fields: make([]Field, 0, len(pairs)/2)}
	for i := 0; i < len(pairs); i += 2 {
		o.Set(pairs[i].(string), pairs[i+1])
	}
	return o
}

// Get returns the value of a key.
func (o *Object) Get(key string) (any, bool) {
	if i := o.place(key); i >= 0 {
		return o.fields[i].Value, true
	}
	return nil, false
}

// Find returns the value of a key, in any case if the object folds keys and has no exact one.
func (o *Object) Find(key string) (any, bool) {
	if v, ok := o.Get(key); ok || o == nil || !o.FoldKeys {
		return v, ok
	}
	for i := range o.fields {
		if strings.EqualFold(o.fields[i].Key, key) {
			return o.fields[i].Value, true
		}
	}
	return nil, false
}

// Set sets the value of a key. A key that is there keeps its place.
func (o *Object) Set(key string, v any) {
	if i := o.place(key); i >= 0 {
		o.fields[i].Value = v
		return
	}
	o.fields = append(o.fields, Field{Key: key, Value: v})
	switch {
	case o.places != nil:
		o.places[key] = len(o.fields) - 1
	case len(o.fields) > few:
		o.index()
	}
}

// Add sets the value of a key that may be there already: what repeats becomes a list.
func (o *Object) Add(key string, v any) {
	old, ok := o.Get(key)
	if !ok {
		o.Set(key, v)
		return
	}
	if list, ok := old.([]any); ok {
		o.Set(key, append(list, v))
		return
	}
	o.Set(key, []any{old, v})
}

// Delete removes a key.
func (o *Object) Delete(key string) {
	i := o.place(key)
	if i < 0 {
		return
	}
	o.fields = slices.Delete(o.fields, i, i+1)
	o.index()
}

// Len returns the number of keys.
func (o *Object) Len() int {
	if o == nil {
		return 0
	}
	return len(o.fields)
}

// Keys returns the keys in their order.
func (o *Object) Keys() []string {
	if o.Len() == 0 {
		return nil
	}
	keys := make([]string, len(o.fields))
	for i := range o.fields {
		keys[i] = o.fields[i].Key
	}
	return keys
}

// All ranges over keys and values in their order.
func (o *Object) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		if o == nil {
			return
		}
		for _, f := range o.fields {
			if !yield(f.Key, f.Value) {
				return
			}
		}
	}
}

// Clone returns a copy that shares nothing with o.
func (o *Object) Clone() *Object {
	if o == nil {
		return nil
	}
	c := &Object{fields: make([]Field, len(o.fields)), FoldKeys: o.FoldKeys}
	for i, f := range o.fields {
		c.fields[i] = Field{Key: f.Key, Value: Clone(f.Value)}
	}
	c.index()
	return c
}

// Equal is the function Equal for two objects; tests that compare structs find it.
func (o *Object) Equal(other *Object) bool {
	if o.Len() != other.Len() {
		return false
	}
	for k, v := range o.All() {
		if w, ok := other.Get(k); !ok || !Equal(v, w) {
			return false
		}
	}
	return true
}

// MarshalJSON is the function JSON for encoding/json.
func (o *Object) MarshalJSON() ([]byte, error) { return JSON(o), nil }

func (o *Object) place(key string) int {
	if o == nil {
		return -1
	}
	if o.places != nil {
		if i, ok := o.places[key]; ok {
			return i
		}
		return -1
	}
	for i := range o.fields {
		if o.fields[i].Key == key {
			return i
		}
	}
	return -1
}

// index is done by those who change the object, never by those who read it: they may be many at once.
func (o *Object) index() {
	o.places = nil
	if len(o.fields) <= few {
		return
	}
	o.places = make(map[string]int, len(o.fields))
	for i := range o.fields {
		o.places[o.fields[i].Key] = i
	}
}
