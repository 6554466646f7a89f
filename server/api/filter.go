package api

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.einride.tech/aip/filtering"
	"go.einride.tech/aip/ordering"
	expr "google.golang.org/genproto/googleapis/api/expr/v1alpha1"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// maxConditions bounds how many comparisons and joins a filter may hold: each becomes a piece of SQL.
const maxConditions = 100

// parseFilter turns a filter in the language of AIP-160 into one of the store, nil for "". Only the grammar is the library's: which
// fields there are and what they may be compared with is checked here, so that messages name them.
func parseFilter(filter string, fields fields) (*storage.Filter, error) {
	if strings.TrimSpace(filter) == "" {
		return nil, nil
	}
	var parser filtering.Parser
	parser.Init(filter)
	parsed, err := parser.Parse()
	if err != nil {
		return nil, badFilter("%s", syntaxError(err))
	}
	f := filterParser{fields: fields}
	out := f.condition(parsed.GetExpr())
	return out, f.d.err()
}

type filterParser struct {
	fields fields
	d      decoding
	count  int
}

func (f *filterParser) refuse(format string, args ...any) *storage.Filter {
	f.d.add(badFilter(format, args...))
	return nil
}

func badFilter(format string, args ...any) error {
	return invalid(violation("filter", ipaas.ReasonMalformed, format, args...))
}

var joins = map[string]storage.Join{
	filtering.FunctionAnd: storage.And, filtering.FunctionOr: storage.Or, filtering.FunctionNot: storage.Not,
}

var operators = map[string]storage.Operator{
	filtering.FunctionEquals: storage.Equal, filtering.FunctionNotEquals: storage.NotEqual,
	filtering.FunctionLessThan: storage.Less, filtering.FunctionLessEquals: storage.LessOrEqual,
	filtering.FunctionGreaterThan: storage.Greater, filtering.FunctionGreaterEquals: storage.GreaterOrEqual,
}

// condition returns nil for what it refused.
func (f *filterParser) condition(e *expr.Expr) *storage.Filter {
	if f.count++; f.count > maxConditions {
		if f.count == maxConditions+1 {
			f.refuse("holds more than %d conditions: ask in several calls", maxConditions)
		}
		return nil
	}
	call := e.GetCallExpr()
	if call == nil {
		return f.bare(e)
	}
	if join, ok := joins[call.GetFunction()]; ok {
		out := &storage.Filter{Join: join}
		for _, arg := range call.GetArgs() {
			out.Filters = append(out.Filters, f.condition(arg))
		}
		return out
	}
	if operator, ok := operators[call.GetFunction()]; ok && len(call.GetArgs()) == 2 {
		return f.comparison(operator, call.GetArgs()[0], call.GetArgs()[1])
	}
	switch call.GetFunction() {
	case filtering.FunctionFuzzyAnd:
		return f.refuse("has two conditions side by side: join them with AND, and put texts with spaces in quotes")
	case filtering.FunctionHas:
		return f.refuse(`uses ":", which no field here has: use =, with * at either end of a text to match its end or beginning`)
	}
	return f.refuse("calls %s, which there is not", call.GetFunction())
}

// bare is a field alone, which is a condition if the field is a boolean.
func (f *filterParser) bare(e *expr.Expr) *storage.Filter {
	name, ok := identifier(e)
	if !ok {
		return f.refuse(`holds a value where a condition is needed: write e.g. display_name = "Acme*"`)
	}
	field, ok := f.fields.find(name)
	switch {
	case !ok:
		return f.unknown(name)
	case field.kind != booleanField:
		return f.refuse("names %s alone: compare it with something, e.g. %[1]s = …", field.name)
	}
	return &storage.Filter{Field: field.name, Operator: storage.Equal, Value: true}
}

func (f *filterParser) unknown(name string) *storage.Filter {
	return f.refuse("names %q, which is no field of this list: it has %s", name, f.fields.names())
}

func (f *filterParser) comparison(operator storage.Operator, left, right *expr.Expr) *storage.Filter {
	name, ok := identifier(left)
	if !ok {
		return f.refuse("compares something that is no field: a field stands on the left, a value on the right")
	}
	field, ok := f.fields.find(name)
	if !ok {
		return f.unknown(name)
	}
	ordered := field.kind == numberField || field.kind == momentField
	if !ordered && operator != storage.Equal && operator != storage.NotEqual {
		return f.refuse("compares %s with %s: it has only = and !=", field.name, operator)
	}
	v, trouble := filterValue(field, right)
	if trouble != "" {
		return f.refuse("compares %s with something else: %s", field.name, trouble)
	}
	return &storage.Filter{Field: field.name, Operator: operator, Value: v}
}

// filterValue returns what a field is compared with, or what it would have to be.
func filterValue(field field, e *expr.Expr) (v any, trouble string) {
	switch field.kind {
	case numberField:
		if constant, ok := e.GetConstExpr().GetConstantKind().(*expr.Constant_Int64Value); ok {
			return constant.Int64Value, ""
		}
		return nil, "it is a whole number"
	case booleanField:
		switch word, _ := word(e); word {
		case "true", "TRUE":
			return true, ""
		case "false", "FALSE":
			return false, ""
		}
		return nil, "it is true or false"
	case momentField:
		return momentValue(e)
	case wordField:
		word, _ := word(e)
		for _, known := range field.words {
			if word == known || strings.HasSuffix(word, "_"+known) && strings.EqualFold(word, field.name+"_"+known) {
				return known, ""
			}
		}
		return nil, "it is one of " + strings.Join(field.words, ", ")
	}
	if text, ok := word(e); ok {
		return text, ""
	}
	return nil, "it is a text: put the value in quotes"
}

func momentValue(e *expr.Expr) (any, string) {
	if call := e.GetCallExpr(); call.GetFunction() == filtering.FunctionTimestamp && len(call.GetArgs()) == 1 {
		e = call.GetArgs()[0]
	}
	text, _ := word(e)
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return nil, `it is a moment in quotes, e.g. "2026-01-31T12:00:00Z"`
	}
	return storage.Time(t), ""
}

// word returns a text constant, or a name that stands where a constant is needed.
func word(e *expr.Expr) (string, bool) {
	if constant, ok := e.GetConstExpr().GetConstantKind().(*expr.Constant_StringValue); ok {
		return constant.StringValue, true
	}
	if name, ok := identifier(e); ok {
		return name, true
	}
	return "", false
}

func identifier(e *expr.Expr) (string, bool) {
	if ident, ok := e.GetExprKind().(*expr.Expr_IdentExpr); ok {
		return ident.IdentExpr.GetName(), true
	}
	return "", false
}

// syntaxError says where a filter stops being one: the innermost of the library's errors knows.
func syntaxError(err error) string {
	type positioned interface {
		Position() filtering.Position
		Message() string
	}
	message := "is no filter"
	for err != nil {
		if p, ok := err.(positioned); ok {
			message = "is no filter: at character " + strconv.Itoa(int(p.Position().Column)) + ": " + p.Message()
		}
		err = errors.Unwrap(err)
	}
	return message + `: write e.g. display_name = "Acme*" AND create_time > "2026-01-31T12:00:00Z"`
}

// parseOrder turns an order_by into an order of the store.
func parseOrder(orderBy string, fields fields) ([]storage.Order, error) {
	var parsed ordering.OrderBy
	if err := parsed.UnmarshalString(strings.TrimSpace(orderBy)); err != nil {
		return nil, invalid(violation("order_by", ipaas.ReasonMalformed,
			"is no order: write fields with an optional desc, separated by commas, e.g. create_time desc"))
	}
	var out []storage.Order
	var d decoding
	for _, o := range parsed.Fields {
		field, ok := fields.find(o.Path)
		if !ok {
			d.refuse("order_by", ipaas.ReasonMalformed, "names %q, which is no field of this list: it has %s", o.Path, fields.names())
			continue
		}
		if slices.ContainsFunc(out, func(other storage.Order) bool { return other.Field == field.name }) {
			d.refuse("order_by", ipaas.ReasonDuplicate, "names %s twice: name it once", field.name)
			continue
		}
		out = append(out, storage.Order{Field: field.name, Desc: o.Desc})
	}
	return out, d.err()
}
