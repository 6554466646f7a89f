package sqldb

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// position is what a cursor says: the values of the order's columns in the last row of a page, and what they are for.
type position struct {
	List   string `json:"l"`
	Order  string `json:"o"`
	Values []any  `json:"v"`
}

func orderText(terms []term) string {
	var b strings.Builder
	for _, t := range terms {
		b.WriteString(t.column)
		b.WriteString(t.beyond())
	}
	return b.String()
}

func (l *list[T]) cursor(terms []term, values []any) string {
	text, err := json.Marshal(position{List: l.name, Order: orderText(terms), Values: values})
	if err != nil {
		panic("sqldb: texts and numbers do not marshal: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// values returns the values in a cursor if it was made for this list in this order.
func (l *list[T]) values(terms []term, cursor string) ([]any, error) {
	content, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return nil, err
	}
	var p position
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber() // microseconds are too exact for a float
	if err := decoder.Decode(&p); err != nil {
		return nil, err
	}
	if p.List != l.name || p.Order != orderText(terms) || len(p.Values) != len(terms) {
		return nil, errOtherCursor
	}
	for i, t := range terms {
		if p.Values[i], err = t.decode(p.Values[i]); err != nil {
			return nil, err
		}
	}
	return p.Values, nil
}

func (f field) decode(v any) (any, error) {
	switch v := v.(type) {
	case string:
		if f.kind == text || f.kind == sparse {
			return v, nil
		}
	case json.Number:
		if f.kind != text && f.kind != sparse {
			return v.Int64()
		}
	}
	return nil, fmt.Errorf("%v is not %s", v, f.kind)
}
