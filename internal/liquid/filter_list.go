package liquid

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/headrace/headrace/internal/value"
)

var listFilters = map[string]filter{
	"size": func(r *run, v any, _ arguments) any {
		switch v := v.(type) {
		case string:
			r.spend(len(v) / textUnit)
			return value.FromInt(int64(utf8.RuneCountInString(v)))
		case []any:
			return value.FromInt(int64(len(v)))
		case *value.Object:
			return value.FromInt(int64(v.Len()))
		case span:
			return value.FromInt(v.len())
		default:
			return value.Number("0")
		}
	},
	"first":   func(r *run, v any, _ arguments) any { return r.property(v, "first") },
	"last":    func(r *run, v any, _ arguments) any { return r.property(v, "last") },
	"join":    joinList,
	"reverse": func(r *run, v any, _ arguments) any { l := r.copy(v); slices.Reverse(l); return l },
	"concat":  func(r *run, v any, a arguments) any { return append(r.copy(v), r.copy(a.need())...) },
	"compact": func(r *run, v any, a arguments) any {
		return r.keep(v, func(item any) bool { return r.of(item, a) != nil })
	},
	"map": func(r *run, v any, a arguments) any {
		l, key := r.copy(v), a.need()
		for i := range l {
			l[i] = r.property(l[i], key)
		}
		return l
	},
	"where": func(r *run, v any, a arguments) any {
		return r.keep(v, func(item any) bool { return r.matches(item, a) })
	},
	"reject": func(r *run, v any, a arguments) any {
		return r.keep(v, func(item any) bool { return !r.matches(item, a) })
	},
	"find": func(r *run, v any, a arguments) any {
		for _, item := range r.list(v) {
			if r.matches(item, a) {
				return item
			}
		}
		return nil
	},
	"has": func(r *run, v any, a arguments) any {
		return slices.ContainsFunc(r.list(v), func(item any) bool { return r.matches(item, a) })
	},
	"sum": func(r *run, v any, a arguments) any {
		plus, total := numberFilters["plus"], any(value.Number("0"))
		for _, item := range r.list(v) {
			r.spend(1)
			total = plus(r, total, arguments{r: r, name: "sum", list: []any{r.of(item, a)}})
		}
		return total
	},
	"uniq":         uniq,
	"slice":        slice,
	"sort":         func(r *run, v any, a arguments) any { return r.sorted(v, a, false) },
	"sort_natural": func(r *run, v any, a arguments) any { return r.sorted(v, a, true) },
}

// copy returns a list that a filter may change.
func (r *run) copy(v any) []any {
	l := r.list(v)
	r.spend(len(l) + 1)
	return slices.Clone(l)
}

// of returns an item, or its property where the filter is given the name of one.
func (r *run) of(item any, a arguments) any {
	if len(a.list) == 0 {
		return item
	}
	return r.property(item, a.list[0])
}

func (r *run) matches(item any, a arguments) bool {
	r.spend(1)
	v := r.property(item, a.need())
	if len(a.list) > 1 {
		return r.equal(v, a.list[1])
	}
	return truth(v)
}

func (r *run) keep(v any, keeps func(any) bool) []any {
	list := []any{}
	for _, item := range r.list(v) {
		r.spend(1)
		if keeps(item) {
			list = append(list, item)
		}
	}
	return list
}

func joinList(r *run, v any, a arguments) any {
	t, by := &builder{r: r}, a.text(0, " ")
	for i, item := range r.list(v) {
		if i > 0 {
			t.put(by)
		}
		t.value(item)
	}
	return t.b.String()
}

func uniq(r *run, v any, a arguments) any {
	list, keys := []any{}, []any{}
	seen := map[any]bool{}
	for _, item := range r.list(v) {
		r.spend(1)
		key := r.of(item, a)
		switch key.(type) {
		case string, bool, nil:
			if seen[key] {
				continue
			}
			seen[key] = true
		default:
			if slices.ContainsFunc(keys, func(k any) bool { return r.equal(k, key) }) {
				continue
			}
			keys = append(keys, key)
		}
		list = append(list, item)
	}
	return list
}

func slice(r *run, v any, a arguments) any {
	start, length := r.whole(a.need()), a.whole(1, 1)
	cut := func(n int64) (int64, int64) {
		from := start
		if from < 0 {
			from += n
		}
		if from < 0 || from > n || length < 0 {
			return 0, 0
		}
		return from, min(from+length, n)
	}
	if list, ok := v.([]any); ok {
		from, to := cut(int64(len(list)))
		return r.copy(list[from:to])
	}
	runes := r.runes(r.string(v))
	from, to := cut(int64(len(runes)))
	return string(runes[from:to])
}

// sorted sorts numbers by what they count and texts by their characters; what cannot be compared stands at the end, as it stood.
func (r *run) sorted(v any, a arguments, fold bool) []any {
	list := r.copy(v)
	key := func(item any) any {
		k := r.of(item, a)
		if s, ok := k.(string); ok && fold {
			return r.text(strings.ToLower(s))
		}
		return k
	}
	slices.SortStableFunc(list, func(x, y any) int {
		r.spend(1)
		a, b := key(x), key(y)
		if c := cmp.Compare(rank(a), rank(b)); c != 0 {
			return c
		}
		c, _ := r.compare(a, b)
		return c
	})
	return list
}

// rank groups what can be compared with each other.
func rank(v any) int {
	switch v.(type) {
	case value.Number:
		return 0
	case string:
		return 1
	default:
		return 2
	}
}
