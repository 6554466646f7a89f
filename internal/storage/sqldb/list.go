package sqldb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// list describes one list: where its rows come from, and the closed list of fields to filter and order by.
type list[T any] struct {
	name    string // cursors of one list do not fit another
	columns string
	from    string // with the tables' WHERE; its own arguments are $1 and so on
	key     field  // unique within the list
	fields  map[string]field
	order   storage.Order // by default
	scan    func(scan scanner) (T, error)
}

// term is one column of an order.
type term struct {
	name string
	field
	desc bool
}

// page returns the part of a list that a query asks for.
func (l *list[T]) page(ctx context.Context, db *DB, q storage.Query, args ...any) (storage.Page[T], error) {
	var page storage.Page[T]
	terms, statement, all, err := l.statement(q, args)
	if err != nil {
		return page, err
	}
	var last []any
	err = db.view(func(querier) error {
		page = storage.Page[T]{}
		// Not prepared for good: there is no end to the conditions callers think of.
		rows, err := db.readers.QueryContext(ctx, statement, all...)
		if err != nil {
			return err
		}
		return eachRow(rows, func(scan scanner) error {
			if len(page.Items) == q.Size {
				page.Next = l.cursor(terms, last)
				return nil
			}
			values := make([]any, len(terms))
			item, err := l.scan(withTerms(scan, values))
			page.Items, last = append(page.Items, item), values
			return err
		})
	})
	if err != nil {
		return storage.Page[T]{}, err
	}
	return page, nil
}

// withTerms scans the values of an order, which come behind the columns of the row.
func withTerms(scan scanner, values []any) scanner {
	return func(dest ...any) error {
		for i := range values {
			dest = append(dest, &values[i])
		}
		return scan(dest...)
	}
}

// statement builds the query. Everything in its text is a constant of this package.
func (l *list[T]) statement(q storage.Query, args []any) ([]term, string, []any, error) {
	terms, wrong := l.terms(q.OrderBy)
	c := &condition{fields: l.fields, args: args, wrong: wrong}
	if q.Size < 1 {
		c.wrong = append(c.wrong, ipaas.Violation{Field: "page_size", Reason: ipaas.ReasonMalformed, Description: "must be above 0"})
	}
	c.text.WriteString("SELECT " + l.columns)
	for _, t := range terms {
		c.text.WriteString(", " + t.column)
	}
	c.text.WriteString(" FROM " + l.from)
	if q.Filter != nil {
		c.text.WriteString(" AND ")
		c.add(q.Filter, 0)
	}
	if q.After != "" {
		l.after(c, terms, q.After)
	}
	c.text.WriteString(" ORDER BY ")
	for i, t := range terms {
		if i > 0 {
			c.text.WriteString(", ")
		}
		c.text.WriteString(t.column)
		if t.desc {
			c.text.WriteString(" DESC")
		}
	}
	c.text.WriteString(" LIMIT " + strconv.Itoa(q.Size+1)) // one more tells whether there is a next page
	if len(c.wrong) > 0 {
		return nil, "", nil, ipaas.InvalidArgument("the list of "+l.name+" cannot be given like that", c.wrong...)
	}
	return terms, c.text.String(), c.args, nil
}

// terms resolves an order to columns; the key comes last, in the direction of the column before it, as in the indexes.
func (l *list[T]) terms(order []storage.Order) (terms []term, wrong []ipaas.Violation) {
	if len(order) == 0 {
		order = []storage.Order{l.order}
	}
	refuse := func(reason ipaas.Reason, format string, args ...any) {
		wrong = append(wrong, ipaas.Violation{Field: "order_by", Reason: reason, Description: fmt.Sprintf(format, args...)})
	}
	seen := map[string]bool{}
	desc := false
	for _, o := range order {
		f, ok := l.fields[o.Field]
		switch {
		case !ok:
			refuse(ipaas.ReasonUnknownField, "%q is no field of this list: use one of %s", o.Field, names(l.fields))
		case seen[f.column]:
			refuse(ipaas.ReasonDuplicate, "%q is named twice", o.Field)
		default:
			seen[f.column], desc = true, o.Desc
			terms = append(terms, term{name: o.Field, field: f, desc: o.Desc})
		}
	}
	if !seen[l.key.column] {
		terms = append(terms, term{field: l.key, desc: desc})
	}
	return terms, wrong
}

// after adds the condition that a row comes behind the one a cursor was made at.
func (l *list[T]) after(c *condition, terms []term, cursor string) {
	values, err := l.values(terms, cursor)
	if err != nil {
		c.wrong = append(c.wrong, ipaas.Violation{
			Field: "page_token", Reason: ipaas.ReasonMalformed,
			Description: "is not of this list in this order: begin without one: " + err.Error(),
		})
		return
	}
	c.text.WriteString(" AND ")
	uniform := !slices.ContainsFunc(terms, func(t term) bool { return t.desc != terms[0].desc })
	if uniform {
		c.behindAll(terms, values)
		return
	}
	c.behind(terms, values)
}

// behindAll compares all columns at once, which an index over them can follow.
func (c *condition) behindAll(terms []term, values []any) {
	columns, places := make([]string, len(terms)), make([]string, len(terms))
	for i, t := range terms {
		columns[i], places[i] = t.column, c.arg(values[i])
	}
	c.text.WriteString("(" + strings.Join(columns, ", ") + ")" + terms[0].beyond() + "(" + strings.Join(places, ", ") + ")")
}

// behind compares column by column, since some rise and some fall.
func (c *condition) behind(terms []term, values []any) {
	t, place := terms[0], c.arg(values[0])
	if len(terms) == 1 {
		c.text.WriteString(t.column + t.beyond() + place)
		return
	}
	c.text.WriteString("(" + t.column + t.beyond() + place + " OR (" + t.column + " = " + place + " AND ")
	c.behind(terms[1:], values[1:])
	c.text.WriteString("))")
}

func (t term) beyond() string {
	if t.desc {
		return " < "
	}
	return " > "
}

func names(fields map[string]field) string {
	return strings.Join(slices.Sorted(maps.Keys(fields)), ", ")
}

var errOtherCursor = errors.New("it was made for another list or order")
