package liquid

import (
	"strconv"

	"github.com/headrace/headrace/internal/value"
)

// node is a part of a template that can be rendered.
type node interface{ render(r *run, out *builder) }

type (
	textNode   struct{ text string }
	outputNode struct {
		of   expr
		line int
	}
	assignNode struct {
		name string
		of   expr
		line int
	}
	captureNode struct {
		name string
		body []node
	}
	branch struct {
		when expr // nil: else
		body []node
	}
	ifNode struct {
		branches []branch
		line     int
	}
	when struct {
		values []expr // none: else
		body   []node
	}
	caseNode struct {
		of    expr
		whens []when
		line  int
	}
	forNode struct {
		name          string
		of            expr
		limit, offset expr
		reversed      bool
		body, without []node
		line          int
	}
	leaveNode struct{ leave leave }
	countNode struct {
		name string
		by   int64
	}
	cycleNode struct {
		group  expr
		key    string
		values []expr
		line   int
	}
)

// render renders nodes one after the other, until a loop is left.
func (r *run) render(nodes []node, out *builder) {
	for _, n := range nodes {
		r.spend(1)
		n.render(r, out)
		if r.leave != stays {
			return
		}
	}
}

func (n textNode) render(_ *run, out *builder) { out.put(n.text) }

func (n outputNode) render(r *run, out *builder) {
	r.line = n.line
	out.value(n.of.eval(r))
}

func (n assignNode) render(r *run, _ *builder) {
	r.line = n.line
	r.vars[n.name] = n.of.eval(r)
}

func (n captureNode) render(r *run, _ *builder) {
	inner := &builder{r: r}
	r.render(n.body, inner)
	r.vars[n.name] = inner.b.String()
}

func (n ifNode) render(r *run, out *builder) {
	r.line = n.line
	for _, b := range n.branches {
		if b.when == nil || truth(b.when.eval(r)) {
			r.render(b.body, out)
			return
		}
	}
}

func (n caseNode) render(r *run, out *builder) {
	r.line = n.line
	v := n.of.eval(r)
	for _, w := range n.whens {
		met := len(w.values) == 0
		for _, x := range w.values {
			met = met || r.equal(v, x.eval(r))
		}
		if met {
			r.render(w.body, out)
			return
		}
	}
}

func (n forNode) render(r *run, out *builder) {
	r.line = n.line
	count, item := r.items(n.of.eval(r))
	first := int64(0)
	if n.offset != nil {
		first = min(max(r.whole(n.offset.eval(r)), 0), count)
	}
	last := count
	if n.limit != nil {
		last = min(first+max(r.whole(n.limit.eval(r)), 0), count)
	}
	if first == last {
		r.render(n.without, out)
		return
	}
	outer, had := r.vars["forloop"]
	old, hadOld := r.vars[n.name]
	for i := first; i < last && r.leave != breaks; i++ {
		at := i
		if n.reversed {
			at = last - 1 - (i - first)
		}
		r.spend(10)
		r.vars[n.name] = item(at)
		r.vars["forloop"] = forloop(i-first, last-first, outer)
		r.leave = stays
		r.render(n.body, out)
	}
	r.leave = stays
	restore(r.vars, "forloop", outer, had)
	restore(r.vars, n.name, old, hadOld)
}

func restore(vars map[string]any, name string, v any, had bool) {
	if had {
		vars[name] = v
		return
	}
	delete(vars, name)
}

// items returns how many items a value has for a loop, and what gives them. Those of an object are lists of key and value.
func (r *run) items(v any) (int64, func(int64) any) {
	switch v := v.(type) {
	case span:
		return v.len(), func(i int64) any { return value.FromInt(v.from + i) }
	case []any:
		return int64(len(v)), func(i int64) any { return v[i] }
	case *value.Object:
		r.spend(v.Len())
		keys := v.Keys()
		return int64(len(keys)), func(i int64) any {
			item, _ := v.Get(keys[i])
			return []any{keys[i], item}
		}
	case string:
		if v != "" {
			return 1, func(int64) any { return v }
		}
	}
	return 0, nil
}

func forloop(i, n int64, outer any) *value.Object {
	o := value.Obj(
		value.Field{Key: "index", Value: value.FromInt(i + 1)},
		value.Field{Key: "index0", Value: value.FromInt(i)},
		value.Field{Key: "rindex", Value: value.FromInt(n - i)},
		value.Field{Key: "rindex0", Value: value.FromInt(n - i - 1)},
		value.Field{Key: "first", Value: i == 0},
		value.Field{Key: "last", Value: i == n-1},
		value.Field{Key: "length", Value: value.FromInt(n)},
	)
	if outer != nil {
		o.Set("parentloop", outer)
	}
	return o
}

func (n leaveNode) render(r *run, _ *builder) { r.leave = n.leave }

func (n countNode) render(r *run, out *builder) {
	c := r.counters[n.name]
	if n.by < 0 {
		c--
		out.put(strconv.FormatInt(c, 10))
	} else {
		out.put(strconv.FormatInt(c, 10))
		c++
	}
	r.counters[n.name] = c
}

func (n cycleNode) render(r *run, out *builder) {
	r.line = n.line
	key := n.key
	if n.group != nil {
		key = "group " + r.string(n.group.eval(r))
	}
	i := r.cycles[key]
	r.cycles[key] = i + 1
	out.value(n.values[i%len(n.values)].eval(r))
}
