package sqldb

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// kind is what a field of a list holds.
type kind int

const (
	text kind = iota
	number
	boolean
	moment
	sparse // a text that most rows leave empty; the index holds only the others
)

func (k kind) String() string {
	return [...]string{"a text", "a number", "a boolean", "a timestamp", "a text"}[k]
}

// field is a column that a list can be filtered and ordered by.
type field struct {
	column string
	kind   kind
}

// maxFilterDepth is how deep conditions may nest; SQLite has a bound of its own somewhat above.
const maxFilterDepth = 100

// condition builds the text of a condition and collects its arguments and everything that is wrong with it.
// Only columns and operators of this package go into the text; what a caller says goes into the arguments.
type condition struct {
	fields map[string]field
	text   strings.Builder
	args   []any
	wrong  []ipaas.Violation
}

func (c *condition) refuse(reason ipaas.Reason, format string, args ...any) {
	c.wrong = append(c.wrong, ipaas.Violation{Field: "filter", Reason: reason, Description: fmt.Sprintf(format, args...)})
}

// arg adds an argument and returns its placeholder.
func (c *condition) arg(v any) string {
	c.args = append(c.args, v)
	return "$" + strconv.Itoa(len(c.args))
}

func (c *condition) add(f *storage.Filter, depth int) {
	if depth > maxFilterDepth {
		c.refuse(ipaas.ReasonTooDeep, "nests deeper than %d levels: flatten it", maxFilterDepth)
		return
	}
	switch f.Join {
	case storage.And:
		c.join(f.Filters, " AND ", "1 = 1", depth)
	case storage.Or:
		c.join(f.Filters, " OR ", "1 = 0", depth)
	case storage.Not:
		if len(f.Filters) != 1 {
			c.refuse(ipaas.ReasonMalformed, "NOT takes one condition, not %d", len(f.Filters))
			return
		}
		c.text.WriteString("NOT (")
		c.add(f.Filters[0], depth+1)
		c.text.WriteString(")")
	case "":
		c.compare(f)
	default:
		c.refuse(ipaas.ReasonMalformed, "%q does not join conditions: use AND, OR or NOT", f.Join)
	}
}

func (c *condition) join(filters []*storage.Filter, with, none string, depth int) {
	if len(filters) == 0 {
		c.text.WriteString(none)
		return
	}
	c.text.WriteString("(")
	for i, f := range filters {
		if i > 0 {
			c.text.WriteString(with)
		}
		c.add(f, depth+1)
	}
	c.text.WriteString(")")
}

// operators is the closed list of operators, with their SQL.
var operators = map[storage.Operator]string{
	storage.Equal: " = ", storage.NotEqual: " <> ", storage.Less: " < ", storage.LessOrEqual: " <= ",
	storage.Greater: " > ", storage.GreaterOrEqual: " >= ",
}

func (c *condition) compare(f *storage.Filter) {
	on, ok := c.fields[f.Field]
	if !ok {
		c.refuse(ipaas.ReasonUnknownField, "%q is no field of this list: use one of %s", f.Field, names(c.fields))
		return
	}
	operator, ok := operators[f.Operator]
	if !ok {
		c.refuse(ipaas.ReasonMalformed, "%q does not compare %q with a value: use =, !=, <, <=, > or >=", f.Operator, f.Field)
		return
	}
	value, ok := on.value(f.Value)
	if !ok {
		c.refuse(ipaas.ReasonWrongType, "%q is compared with %v, but it is %s", f.Field, f.Value, on.kind)
		return
	}
	equality := f.Operator == storage.Equal || f.Operator == storage.NotEqual
	if on.kind == boolean && !equality {
		c.refuse(ipaas.ReasonMalformed, "%q is a boolean and has no order: use = or !=", f.Field)
		return
	}
	if pattern, open := wildcard(value); open && equality {
		c.match(on.column, pattern, f.Operator == storage.NotEqual)
		return
	}
	if on.kind == sparse && f.Operator == storage.Equal && value != "" {
		c.text.WriteString(on.column + " <> '' AND ") // without it the index is not thought of
	}
	c.text.WriteString(on.column)
	c.text.WriteString(operator)
	c.text.WriteString(c.arg(value))
}

func (c *condition) match(column, pattern string, not bool) {
	if not {
		c.text.WriteString("NOT ")
	}
	c.text.WriteString("(" + column + " GLOB " + c.arg(pattern) + ")")
}

// value returns v as it is stored in the field's column, if it is of the field's kind.
func (f field) value(v any) (any, bool) {
	switch v := v.(type) {
	case string:
		return v, f.kind == text || f.kind == sparse
	case int64:
		return v, f.kind == number
	case bool:
		return flag(v), f.kind == boolean
	case time.Time:
		return micros(v), f.kind == moment
	default:
		return nil, false
	}
}

// globEscapes takes the meaning from what GLOB would read as more than itself.
var globEscapes = strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]")

// wildcard returns the pattern that a text with asterisks at its ends stands for.
func wildcard(value any) (pattern string, open bool) {
	s, ok := value.(string)
	if !ok {
		return "", false
	}
	rest, start := strings.CutPrefix(s, "*")
	rest, end := strings.CutSuffix(rest, "*")
	if !start && !end {
		return "", false
	}
	pattern = globEscapes.Replace(rest)
	if start {
		pattern = "*" + pattern
	}
	if end {
		pattern += "*"
	}
	return pattern, true
}
