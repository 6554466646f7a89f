package builtin

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/component"
)

// maxFormat bounds a format in bytes.
const maxFormat = 1000

// dateTokens is what stands for a part of a moment, longer ones before those they begin with, and how that part is written.
var dateTokens = []struct{ token, layout string }{
	{"YYYY", "2006"},
	{"YY", "06"},
	{"MMMM", "January"},
	{"MMM", "Jan"},
	{"MM", "01"},
	{"M", "1"},
	{"DD", "02"},
	{"D", "2"},
	{"dddd", "Monday"},
	{"ddd", "Mon"},
	{"dd", ""},
	{"d", ""},
	{"HH", "15"},
	{"H", ""}, // what Go has no layout for
	{"hh", "03"},
	{"h", "3"},
	{"mm", "04"},
	{"m", "4"},
	{"SSS", ""},
	{"ss", "05"},
	{"s", "5"},
	{"A", "PM"},
	{"a", "pm"},
	{"ZZ", "-0700"},
	{"Z", "-07:00"},
	{"X", ""},
	{"x", ""},
}

func formatDateTime(in component.Inputs) (any, error) {
	format := in.Text("format")
	if len(format) > maxFormat {
		return nil, fmt.Errorf("input %q is longer than %d bytes: shorten it", "format", maxFormat)
	}
	t, err := localInput(in, "dateTime", "timeZone")
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for rest := format; rest != ""; {
		if rest[0] == '[' {
			if end := strings.IndexByte(rest, ']'); end > 0 {
				b.WriteString(rest[1:end])
				rest = rest[end+1:]
				continue
			}
		}
		token, text := nextToken(t, rest)
		b.WriteString(text)
		rest = rest[len(token):]
	}
	return b.String(), nil
}

// nextToken returns what a format begins with and what is written for it: itself, if it stands for nothing.
func nextToken(t time.Time, format string) (token, text string) {
	for _, known := range dateTokens {
		if !strings.HasPrefix(format, known.token) {
			continue
		}
		switch known.token {
		case "H":
			return known.token, strconv.Itoa(t.Hour())
		case "dd":
			return known.token, t.Format("Mon")[:2]
		case "d":
			return known.token, strconv.Itoa(int(t.Weekday()))
		case "SSS":
			return known.token, fmt.Sprintf("%03d", t.Nanosecond()/int(time.Millisecond))
		case "X":
			return known.token, strconv.FormatInt(t.Unix(), 10)
		case "x":
			return known.token, strconv.FormatInt(t.UnixMilli(), 10)
		}
		return known.token, t.Format(known.layout)
	}
	return format[:1], format[:1]
}
