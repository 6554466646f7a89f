package api

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/storage"
)

// Flows and config variables are lists inside a document. They are filtered, ordered and paged here, with the meaning the store
// gives to the same query.

// rowOf returns the value of a field of a row: string, int64, bool or time.Time.
type rowOf[T any] func(row T, field string) any

// list answers a query over rows, which come in their default order.
func list[T any](rows []T, q storage.Query, of rowOf[T]) storage.Page[T] {
	var found []T
	for _, row := range rows {
		if matches(row, q.Filter, of) {
			found = append(found, row)
		}
	}
	slices.SortStableFunc(found, func(a, b T) int {
		for _, o := range q.OrderBy {
			order := compareValues(of(a, o.Field), of(b, o.Field))
			if o.Desc {
				order = -order
			}
			if order != 0 {
				return order
			}
		}
		return 0
	})
	// The cursor is the number of rows before the page: it was made here and signed.
	begin, err := strconv.Atoi(q.After)
	if err != nil || begin < 0 || begin > len(found) {
		begin = 0
	}
	end := min(begin+q.Size, len(found))
	page := storage.Page[T]{Items: found[begin:end]}
	if end < len(found) {
		page.Next = strconv.Itoa(end)
	}
	return page
}

func matches[T any](row T, f *storage.Filter, of rowOf[T]) bool {
	if f == nil {
		return true
	}
	switch f.Join {
	case storage.And:
		return !slices.ContainsFunc(f.Filters, func(f *storage.Filter) bool { return !matches(row, f, of) })
	case storage.Or:
		return slices.ContainsFunc(f.Filters, func(f *storage.Filter) bool { return matches(row, f, of) })
	case storage.Not:
		return !matches(row, f.Filters[0], of)
	}
	return holds(of(row, f.Field), f.Operator, f.Value)
}

func holds(v any, operator storage.Operator, other any) bool {
	order := compareValues(v, other)
	switch operator {
	case storage.Equal:
		return equal(v, other)
	case storage.NotEqual:
		return !equal(v, other)
	case storage.Less:
		return order < 0
	case storage.LessOrEqual:
		return order <= 0
	case storage.Greater:
		return order > 0
	case storage.GreaterOrEqual:
		return order >= 0
	}
	return false
}

// equal knows asterisks at the ends of the text that is compared with.
func equal(v, other any) bool {
	text, ok := v.(string)
	if !ok {
		return compareValues(v, other) == 0
	}
	pattern, _ := other.(string)
	core, open := strings.CutPrefix(pattern, "*")
	core, openEnd := strings.CutSuffix(core, "*")
	switch {
	case open && openEnd, pattern == "*":
		return strings.Contains(text, core)
	case open:
		return strings.HasSuffix(text, core)
	case openEnd:
		return strings.HasPrefix(text, core)
	}
	return text == pattern
}

// compareValues compares values of the same type; the filter's parser let no others through.
func compareValues(a, b any) int {
	switch a := a.(type) {
	case string:
		b, _ := b.(string)
		return cmp.Compare(a, b)
	case int64:
		b, _ := b.(int64)
		return cmp.Compare(a, b)
	case time.Time:
		b, _ := b.(time.Time)
		return a.Compare(b)
	case bool:
		b, _ := b.(bool)
		switch {
		case a == b:
			return 0
		case a:
			return 1
		}
		return -1
	}
	return 0
}
