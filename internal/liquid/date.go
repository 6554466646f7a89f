package liquid

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/value"
)

// layouts are how dates are written that the filter date reads.
var layouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05 Z0700", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly,
	time.RFC1123Z, time.RFC1123, "January 2, 2006", "Jan 2, 2006", "2 January 2006", "2006/01/02", "01/02/2006",
}

// date writes a moment as a format of strftime says. What is no date stays as it is, as Liquid has it. Seconds since 1970 are UTC.
func date(r *run, v any, a arguments) any {
	at, ok := moment(v)
	if !ok {
		return v
	}
	return r.text(strftime(at, r.text(r.string(a.need()))))
}

func moment(v any) (time.Time, bool) {
	switch v := v.(type) {
	case value.Number:
		return epoch(v)
	case string:
		v = strings.TrimSpace(v)
		if v == "now" || v == "today" {
			return time.Now().UTC(), true
		}
		for _, layout := range layouts {
			if t, err := time.Parse(layout, v); err == nil {
				return t, true
			}
		}
		if n, ok := value.ParseNumber(v); ok {
			return epoch(n)
		}
	}
	return time.Time{}, false
}

func epoch(n value.Number) (time.Time, bool) {
	const most = 253402300799 // the end of the year 9999
	f, ok := n.Float64()
	if !ok || f < 0 || f > most {
		return time.Time{}, false
	}
	whole, part := math.Modf(f)
	return time.Unix(int64(whole), int64(part*1e9)).UTC(), true
}

// strftime formats a moment. A hyphen after the percent sign takes padding away, ^ makes upper case; an unknown letter stays as it is.
func strftime(t time.Time, format string) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		start := i
		i++
		bare, upper := false, false
		for i+1 < len(format) && (format[i] == '-' || format[i] == '^' || format[i] == '0') {
			bare, upper = bare || format[i] == '-', upper || format[i] == '^'
			i++
		}
		part, ok := directive(t, format[i])
		if !ok {
			b.WriteString(format[start : i+1])
			continue
		}
		if bare {
			if part = strings.TrimLeft(part, "0 "); part == "" {
				part = "0"
			}
		}
		if upper {
			part = strings.ToUpper(part)
		}
		b.WriteString(part)
	}
	return b.String()
}

// simple is the directives that package time has a layout for.
var simple = map[byte]string{
	'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'e': "_2", 'B': "January", 'b': "Jan", 'h': "Jan", 'H': "15", 'I': "03", 'M': "04", 'S': "05",
	'p': "PM", 'P': "pm", 'A': "Monday", 'a': "Mon", 'j': "002", 'z': "-0700", 'Z': "MST", 'F': "2006-01-02", 'T': "15:04:05",
	'X': "15:04:05", 'R': "15:04", 'r': "03:04:05 PM", 'D': "01/02/06", 'x': "01/02/06", 'c': "Mon Jan _2 15:04:05 2006", 'v': "_2-Jan-2006",
}

func directive(t time.Time, c byte) (string, bool) {
	switch c {
	case '%':
		return "%", true
	case 'n':
		return "\n", true
	case 't':
		return "\t", true
	case 's':
		return strconv.FormatInt(t.Unix(), 10), true
	case 'C':
		return fmt.Sprintf("%02d", t.Year()/100), true
	case 'k':
		return fmt.Sprintf("%2d", t.Hour()), true
	case 'l':
		return fmt.Sprintf("%2d", (t.Hour()+11)%12+1), true
	case 'u':
		return strconv.Itoa((int(t.Weekday())+6)%7 + 1), true
	case 'w':
		return strconv.Itoa(int(t.Weekday())), true
	case 'V', 'G':
		year, week := t.ISOWeek()
		if c == 'G' {
			return strconv.Itoa(year), true
		}
		return fmt.Sprintf("%02d", week), true
	case 'U':
		return fmt.Sprintf("%02d", (t.YearDay()+6-int(t.Weekday()))/7), true
	case 'W':
		return fmt.Sprintf("%02d", (t.YearDay()+6-(int(t.Weekday())+6)%7)/7), true
	case 'L':
		return fmt.Sprintf("%03d", t.Nanosecond()/1e6), true
	case 'N':
		return fmt.Sprintf("%09d", t.Nanosecond()), true
	}
	layout, ok := simple[c]
	return t.Format(layout), ok
}
