package liquid

import (
	"strings"

	"github.com/headrace/headrace/internal/value"
)

func (l literal) eval(*run) any { return l.v }

func (v variable) eval(r *run) any {
	r.spend(1 + len(v.path))
	name, ok := v.root.eval(r).(string)
	if !ok {
		return nil
	}
	at := r.lookUp(name)
	for _, key := range v.path {
		at = r.property(at, key.eval(r))
	}
	return at
}

// property looks a key up in a value.
func (r *run) property(of, key any) any {
	name := r.string(key)
	switch of := of.(type) {
	case *value.Object:
		if v, ok := of.Find(name); ok {
			return v
		}
		switch name {
		case "size":
			return value.FromInt(int64(of.Len()))
		case "first":
			for k, v := range of.All() {
				return []any{k, v}
			}
		}
	case []any:
		if n, ok := value.ParseNumber(name); ok {
			i, ok := n.Int64()
			if i < 0 {
				i += int64(len(of))
			}
			if ok && i >= 0 && i < int64(len(of)) {
				return of[i]
			}
			return nil
		}
		switch {
		case name == "size":
			return value.FromInt(int64(len(of)))
		case name == "first" && len(of) > 0:
			return of[0]
		case name == "last" && len(of) > 0:
			return of[len(of)-1]
		}
	case string:
		if name == "size" {
			return value.FromInt(int64(len([]rune(of))))
		}
	case span:
		switch name {
		case "size":
			return value.FromInt(of.len())
		case "first":
			return value.FromInt(of.from)
		case "last":
			return value.FromInt(of.to)
		}
	}
	return nil
}

func (s rangeOf) eval(r *run) any { return span{r.whole(s.from.eval(r)), r.whole(s.to.eval(r))} }

// whole returns a value as a whole number that a loop can count with.
func (r *run) whole(v any) int64 {
	const most = 1 << 53
	f := r.float(v)
	if f > most || f < -most {
		r.fail("a number is too large to count with")
	}
	return int64(f)
}

func (f filtered) eval(r *run) any {
	v := f.of.eval(r)
	for _, c := range f.filters {
		r.line = f.line
		r.spend(1)
		args := arguments{r: r, name: c.name, list: make([]any, len(c.args))}
		for i, a := range c.args {
			args.list[i] = a.eval(r)
		}
		for name, a := range c.named {
			if name == "allow_false" {
				args.allowFalse = truth(a.eval(r))
			}
		}
		v = c.run(r, v, args)
	}
	return v
}

func (c connective) eval(r *run) any {
	r.spend(1)
	left := truth(c.left.eval(r))
	if left == c.or {
		return left
	}
	return truth(c.right.eval(r))
}

func (c comparison) eval(r *run) any {
	r.spend(1)
	a, b := c.left.eval(r), c.right.eval(r)
	switch c.op {
	case "==":
		return r.equal(a, b)
	case "!=", "<>":
		return !r.equal(a, b)
	case "contains":
		return r.contains(a, b)
	}
	order, ok := r.compare(a, b)
	switch {
	case !ok:
		return false
	case c.op == "<":
		return order < 0
	case c.op == "<=":
		return order <= 0
	case c.op == ">":
		return order > 0
	default:
		return order >= 0
	}
}

// truth is Liquid's: only nothing and false are not true.
func truth(v any) bool { return v != nil && v != false }

// equal compares two values and pays for what it looks at: lists made by a template may hold each other many times.
func (r *run) equal(a, b any) bool {
	r.spend(1)
	if s, ok := b.(special); ok {
		return r.is(a, s)
	}
	switch a := a.(type) {
	case special:
		return r.is(b, a)
	case value.Number:
		n, ok := b.(value.Number)
		if !ok {
			return false
		}
		c, ok := a.Compare(n)
		return ok && c == 0
	case string:
		s, ok := b.(string)
		if ok && len(s) == len(a) {
			r.spend(len(s) / textUnit)
		}
		return ok && s == a
	case []any:
		l, ok := b.([]any)
		if !ok || len(l) != len(a) {
			return false
		}
		for i := range a {
			if !r.equal(a[i], l[i]) {
				return false
			}
		}
		return true
	case *value.Object:
		o, ok := b.(*value.Object)
		if !ok || o.Len() != a.Len() {
			return false
		}
		for key, v := range a.All() {
			if w, ok := o.Get(key); !ok || !r.equal(v, w) {
				return false
			}
		}
		return true
	case value.Bytes:
		return value.Equal(a, b)
	case nil, bool, span:
		switch b.(type) {
		case nil, bool, span:
			return a == b
		}
	}
	return false
}

func (r *run) is(v any, s special) bool {
	switch v := v.(type) {
	case string:
		r.spend(len(v) / textUnit)
		return v == "" || s == "blank" && strings.TrimSpace(v) == ""
	case []any:
		return len(v) == 0
	case *value.Object:
		return v.Len() == 0
	case special:
		return v == s
	case nil:
		return s == "blank"
	case bool:
		return s == "blank" && !v
	default:
		return false
	}
}

// compare orders numbers, and texts that are none.
func (r *run) compare(a, b any) (int, bool) {
	r.spend(1)
	if x, ok := value.NumberOf(a); ok {
		if y, ok := value.NumberOf(b); ok {
			return x.Compare(y)
		}
	}
	x, ok := a.(string)
	y, ok2 := b.(string)
	if !ok || !ok2 {
		return 0, false
	}
	r.spend(min(len(x), len(y)) / textUnit)
	return strings.Compare(x, y), true
}

func (r *run) contains(a, b any) bool {
	switch a := a.(type) {
	case string:
		r.spend(len(a) / textUnit)
		return b != nil && strings.Contains(a, r.string(b))
	case []any:
		for _, item := range a {
			if r.equal(item, b) {
				return true
			}
		}
	case *value.Object:
		_, ok := a.Find(r.string(b))
		return ok
	case span:
		n, ok := b.(value.Number)
		if !ok {
			return false
		}
		i, ok := n.Int64()
		return ok && i >= a.from && i <= a.to
	}
	return false
}

// builder is a text that grows and is paid for.
type builder struct {
	r *run
	b strings.Builder
}

func (t *builder) put(s string) {
	if t.b.Len()+len(s) > MaxOutput {
		t.r.fail("a text grows larger than %d MiB", MaxOutput>>20)
	}
	t.r.spend(len(s)/textUnit + 1)
	t.b.WriteString(s)
}

// value writes how a value reads in a text: the items of a list one after the other, objects as JSON.
func (t *builder) value(v any) {
	switch v := v.(type) {
	case nil, special:
	case []any:
		for _, item := range v {
			t.value(item)
		}
	case *value.Object:
		t.json(v)
	case span:
		t.put(value.FromInt(v.from).String() + ".." + value.FromInt(v.to).String())
	default:
		t.put(value.Text(v))
	}
}

func (t *builder) json(v any) {
	switch v := v.(type) {
	case []any:
		t.put("[")
		for i, item := range v {
			if i > 0 {
				t.put(",")
			}
			t.json(item)
		}
		t.put("]")
	case *value.Object:
		t.put("{")
		i := 0
		for key, item := range v.All() {
			if i > 0 {
				t.put(",")
			}
			i++
			t.put(string(value.JSON(key)) + ":")
			t.json(item)
		}
		t.put("}")
	case span:
		t.json(t.r.list(v))
	case special:
		t.put(`""`)
	default:
		t.put(string(value.JSON(v)))
	}
}

// string returns how a value reads in a text.
func (r *run) string(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case value.Number:
		return string(v)
	}
	t := &builder{r: r}
	t.value(v)
	return t.b.String()
}

// list returns a value as a list: an object as a list of itself, as Liquid's filters take it.
func (r *run) list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	case span:
		n := v.len()
		if n > maxWork {
			r.fail("a range is too large to be a list")
		}
		r.spend(int(n))
		list := make([]any, n)
		for i := range list {
			list[i] = value.FromInt(v.from + int64(i))
		}
		return list
	default:
		return []any{v}
	}
}

// float returns a value as a number to calculate with, 0 where it is none.
func (r *run) float(v any) float64 {
	n, ok := value.NumberOf(v)
	if !ok {
		return 0
	}
	f, _ := n.Float64()
	return f
}
