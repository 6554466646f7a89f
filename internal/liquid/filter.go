package liquid

import "maps"

// filter makes something of a value.
type filter func(r *run, v any, args arguments) any

// arguments is what stands after the name of a filter.
type arguments struct {
	r          *run
	name       string
	list       []any
	allowFalse bool
}

// need returns the first argument, which must be there.
func (a arguments) need() any {
	if len(a.list) == 0 {
		a.r.fail("the filter %s wants an argument", a.name)
	}
	return a.list[0]
}

func (a arguments) text(i int, otherwise string) string {
	if i >= len(a.list) {
		return otherwise
	}
	return a.r.string(a.list[i])
}

func (a arguments) whole(i int, otherwise int64) int64 {
	if i >= len(a.list) {
		return otherwise
	}
	return a.r.whole(a.list[i])
}

// filters is every filter by name.
var filters = merged(textFilters, numberFilters, listFilters)

func merged(groups ...map[string]filter) map[string]filter {
	all := map[string]filter{}
	for _, group := range groups {
		maps.Copy(all, group)
	}
	return all
}
