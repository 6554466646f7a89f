package builtin

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// moment is a point in time; one that is not valid comes neither before nor after any other.
type moment struct {
	millis int64
	valid  bool
}

// maxMillis is as far from 1970 as a date may be.
const maxMillis = 8_640_000_000_000_000

// dateOf reads seconds since 1970, or a date as ISO 8601 writes it; without an offset it is UTC. A number of 0 is no date.
func dateOf(v any) (moment, error) {
	if n := toNumber(v).float; !math.IsNaN(n) && n != 0 {
		millis := math.Trunc(n * 1000)
		if math.Abs(millis) > maxMillis {
			return moment{}, nil
		}
		return moment{millis: int64(millis), valid: true}, nil
	}
	if s, ok := v.(string); ok {
		if millis, ok := parseISO(s); ok {
			return moment{millis: millis, valid: true}, nil
		}
	}
	return moment{}, noDate(v)
}

// parseISO reads a date with an optional time and offset, in any of the forms of ISO 8601: also ordinal dates (2026-031), weeks
// (2026-W05-6), compact ones (20260131), fractions of hours and minutes, and years of six digits with a sign.
func parseISO(s string) (int64, bool) {
	date, clock := splitISO(s)
	day, ok := parseISODate(date)
	if !ok {
		return 0, false
	}
	var zone string
	if i := strings.IndexAny(clock, "Z+-"); i >= 0 {
		clock, zone = clock[:i], clock[i:]
	}
	sinceMidnight, ok := parseISOTime(clock)
	if !ok {
		return 0, false
	}
	offset, ok := parseISOOffset(zone)
	if !ok {
		return 0, false
	}
	millis := math.Trunc(float64(day.UnixMilli()) + sinceMidnight + offset)
	return int64(millis), math.Abs(millis) <= maxMillis
}

// splitISO cuts a text into date and time of day with offset. A text that begins with a time has no date.
func splitISO(s string) (date, clock string) {
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == 'T' || r == ' ' })
	if n := strings.Count(s, "T") + strings.Count(s, " "); n > 1 || len(parts) == 0 {
		return "", ""
	}
	i := strings.IndexAny(s, "T ")
	date = s
	if i >= 0 {
		date, clock = s[:i], s[i+1:]
	}
	if strings.Contains(date, ":") {
		return "", ""
	}
	if i := strings.IndexAny(date, "Zz"); i >= 0 { // the offset follows the date
		date, clock = s[:i], s[i:]
	}
	return date, clock
}

var (
	isoYear    = regexp.MustCompile(`^(?:([0-9]{4}|[+-][0-9]{6})|([0-9]{2}|[+-][0-9]{4})$)`)
	isoInYear  = regexp.MustCompile(`^-?(?:([0-9]{3})|([0-9]{2})(?:-?([0-9]{2}))?|W([0-9]{2})(?:-?([0-9]))?|)$`)
	isoTime    = regexp.MustCompile(`^([0-9]{2}(?:[.,][0-9]*)?)(?::?([0-9]{2}(?:[.,][0-9]*)?))?(?::?([0-9]{2}(?:[.,][0-9]*)?))?$`)
	isoOffset  = regexp.MustCompile(`^([+-])([0-9]{2})(?::?([0-9]{2}))?$`)
	firstMonth = time.January
)

func parseISODate(s string) (time.Time, bool) {
	m := isoYear.FindStringSubmatch(s)
	if m == nil {
		return time.Time{}, false
	}
	year := unit(m[1], 0)
	if m[2] != "" {
		year = unit(m[2], 0) * 100
	}
	in := isoInYear.FindStringSubmatch(s[len(m[0]):])
	if in == nil {
		return time.Time{}, false
	}
	switch {
	case in[4] != "":
		return isoWeek(year, unit(in[4], 1), unit(in[5], 1))
	case in[1] != "":
		day := time.Date(year, firstMonth, unit(in[1], 1), 0, 0, 0, 0, time.UTC)
		return day, unit(in[1], 1) >= 1 && day.Year() == year
	default:
		month, dayOfMonth := unit(in[2], 1), unit(in[3], 1)
		day := time.Date(year, time.Month(month), dayOfMonth, 0, 0, 0, 0, time.UTC)
		return day, month >= 1 && month <= 12 && day.Day() == dayOfMonth // else it ran over into another month
	}
}

// isoWeek returns a day of a week: the first week is the one with January 4 in it.
func isoWeek(year, week, day int) (time.Time, bool) {
	fourth := time.Date(year, firstMonth, 4, 0, 0, 0, 0, time.UTC)
	monday := fourth.AddDate(0, 0, -(int(fourth.Weekday())+6)%7)
	return monday.AddDate(0, 0, (week-1)*7+day-1), week >= 1 && week <= 53 && day >= 1 && day <= 7
}

// parseISOTime returns the milliseconds since midnight.
func parseISOTime(s string) (float64, bool) {
	if s == "" {
		return 0, true
	}
	m := isoTime.FindStringSubmatch(s)
	if m == nil {
		return 0, false
	}
	hours, minutes, seconds := fraction(m[1]), fraction(m[2]), fraction(m[3])
	if hours == 24 {
		return 24 * 3_600_000, minutes == 0 && seconds == 0
	}
	return hours*3_600_000 + minutes*60_000 + seconds*1000, hours < 25 && minutes < 60 && seconds < 60
}

// parseISOOffset returns the milliseconds to add to come to UTC. What is no offset counts as none, but a text of
// two lines is no date.
func parseISOOffset(s string) (float64, bool) {
	m := isoOffset.FindStringSubmatch(s)
	if m == nil {
		return 0, !strings.ContainsAny(s, "\n\r\u2028\u2029")
	}
	millis := float64(unit(m[2], 0)*3_600_000 + unit(m[3], 0)*60_000)
	if m[1] == "+" {
		millis = -millis
	}
	return millis, unit(m[3], 0) <= 59
}

func unit(digits string, otherwise int) int {
	if digits == "" {
		return otherwise
	}
	n, _ := strconv.Atoi(digits) // only ever digits, few enough
	return n
}

func fraction(digits string) float64 {
	f, _ := strconv.ParseFloat(strings.Replace(strings.TrimRight(digits, ".,"), ",", ".", 1), 64) // digits, or nothing: 0
	return f
}
