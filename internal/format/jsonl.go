package format

import (
	"bytes"
	"errors"

	"github.com/headrace/headrace/internal/value"
)

// ParseJSON reads JSON and forgives a byte order mark.
func ParseJSON(data []byte) (any, error) {
	if err := tooLarge(len(data)); err != nil {
		return nil, err
	}
	v, err := value.Parse(withoutMark(data))
	return v, jsonError(err, 0)
}

// ParseJSONLines reads a JSON value from every line. Empty lines count for nothing.
func ParseJSONLines(data []byte) ([]any, error) {
	if err := tooLarge(len(data)); err != nil {
		return nil, err
	}
	list, n := []any{}, 0
	for line := range bytes.Lines(withoutMark(data)) {
		n++
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		if len(list) == MaxItems {
			return nil, tooMany()
		}
		v, err := value.Parse(line)
		if err != nil {
			return nil, jsonError(err, n)
		}
		list = append(list, v)
	}
	return list, nil
}

// jsonError returns an error of JSON without the character that the parser met, which is data. A line other than 0 is the one it is in.
func jsonError(err error, line int) error {
	var syntax *value.SyntaxError
	if !errors.As(err, &syntax) {
		return err
	}
	if line == 0 {
		line = syntax.Line
	}
	message := "this is no JSON"
	if syntax.TooDeep {
		message = syntax.Message
	}
	return &Error{Line: line, Column: syntax.Column, Message: message}
}

// JSONLines writes every item of a list as a line of JSON.
func JSONLines(list []any) (string, error) {
	var b bounded
	for _, item := range list {
		if _, err := b.Write(append(value.JSON(item), '\n')); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

// PrettyJSON writes a value as JSON, indented by two spaces.
func PrettyJSON(v any) (string, error) {
	var b bounded
	err := prettyJSON(&b, v, "\n")
	return b.String(), err
}

// prettyJSON writes v; newline is a line break and the indentation of v.
func prettyJSON(b *bounded, v any, newline string) error {
	var err error
	put := func(s string) {
		if err == nil {
			_, err = b.WriteString(s)
		}
	}
	inner := newline + "  "
	switch v := v.(type) {
	case []any:
		if len(v) == 0 {
			break
		}
		for i, item := range v {
			put(opening("[", i) + inner)
			if err == nil {
				err = prettyJSON(b, item, inner)
			}
		}
		put(newline + "]")
		return err
	case *value.Object:
		if v.Len() == 0 {
			break
		}
		i := 0
		for key, item := range v.All() {
			put(opening("{", i) + inner + string(value.JSON(key)) + ": ")
			if err == nil {
				err = prettyJSON(b, item, inner)
			}
			i++
		}
		put(newline + "}")
		return err
	}
	put(string(value.JSON(v)))
	return err
}

func opening(bracket string, i int) string {
	if i == 0 {
		return bracket
	}
	return ","
}
