package format

import (
	"net/url"
	"strings"

	"github.com/headrace/headrace/internal/value"
)

// ParseForm reads a form as browsers send it: name=text&name=text. Names keep the order of first appearance; the texts of a name
// that repeats become a list. A name without = has an empty text.
func ParseForm(data []byte) (*value.Object, error) {
	if err := tooLarge(len(data)); err != nil {
		return nil, err
	}
	o, n := value.Obj(), 0
	text := strings.TrimRight(strings.TrimPrefix(string(data), "?"), "\r\n")
	for field := range strings.SplitSeq(text, "&") {
		n++
		if n > MaxItems {
			return nil, tooMany()
		}
		if field == "" {
			continue
		}
		name, text, _ := strings.Cut(field, "=")
		key, err := unescape(name)
		if err != nil {
			return nil, fieldError(n)
		}
		v, err := unescape(text)
		if err != nil {
			return nil, fieldError(n)
		}
		o.Add(key, v)
	}
	return o, nil
}

func unescape(text string) (string, error) {
	plain, err := url.QueryUnescape(text)
	return validText([]byte(plain)), err
}

func fieldError(n int) error {
	return &Error{At: "field " + value.FromInt(int64(n)).String(), Message: "a % is not followed by two hexadecimal digits: write %25 for a percent sign"}
}

// Form writes an object as a form. A list repeats its name; an object in it is written as JSON, nothing as an empty text.
func Form(o *value.Object) (string, error) {
	var b bounded
	for key, v := range o.All() {
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, item := range list {
			if b.Len() > 0 {
				b.Buffer.WriteByte('&')
			}
			if _, err := b.WriteString(url.QueryEscape(key) + "=" + url.QueryEscape(value.Text(item))); err != nil {
				return "", err
			}
		}
	}
	return b.String(), nil
}
