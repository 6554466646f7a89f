package storage

import "time"

// Query says which rows of a list are wanted, in which order, and how many. What is wrong with it is Invalid, with everything that is
// wrong as violations of filter, order_by, page_size and page_token.
type Query struct {
	Filter  *Filter // nil: all
	OrderBy []Order // empty: the list's default order; the row's key breaks ties
	Size    int     // at most this many; at least 1
	After   string  // the Next of the page before, which fits its own list and order only; empty: from the start
}

// Page is a part of a list.
type Page[T any] struct {
	Items []T
	Next  string // where the next page begins, opaque; empty: there is none
}

// Order is one field of an order.
type Order struct {
	Field string
	Desc  bool
}

// Filter is a condition on the fields of a row: either a comparison, or conditions joined by And, Or or Not.
// The store refuses a field or an operator that the list does not have as ipaas.Invalid.
type Filter struct {
	Join    Join      // empty: this is a comparison
	Filters []*Filter // joined; exactly one for Not

	Field    string
	Operator Operator
	Value    any // string, int64, bool or time.Time
}

// Join joins conditions.
type Join string

// The joins.
const (
	And Join = "AND"
	Or  Join = "OR"
	Not Join = "NOT"
)

// Operator compares a field with a value. Booleans have no order.
type Operator string

// The operators. Equal and NotEqual with a text that holds asterisks at its ends match beginnings and endings, as AIP-160 says.
const (
	Equal          Operator = "="
	NotEqual       Operator = "!="
	Less           Operator = "<"
	LessOrEqual    Operator = "<="
	Greater        Operator = ">"
	GreaterOrEqual Operator = ">="
)

// Time returns a filter value for a moment.
func Time(t time.Time) any { return t.UTC() }
