package ipaas

import (
	"fmt"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/value"
)

// Timetable tells when something runs by itself.
type Timetable struct {
	cron  *crontab
	zone  *time.Location
	every time.Duration // 0: by cron
}

// ZonePrefix is how a cron expression begins that names its time zone.
const ZonePrefix = "CRON_TZ="

// everyPrefix is how the text of an interval begins.
const everyPrefix = "@every "

// Spec returns the text by which a timetable is kept: `CRON_TZ=Europe/Berlin 0 8 * * 1-5` or `@every 1h0m0s`. expression is the value of
// the schedule's config variable, a cron expression or an interval, if it has one; "" is never.
func (s *Schedule) Spec(expression string) string {
	if s.Every > 0 {
		return everyPrefix + s.Every.String()
	}
	if s.ConfigVariable == "" {
		expression = s.Cron
	} else if every, ok := Interval(expression); ok {
		return everyPrefix + every.String()
	}
	expression = strings.Join(strings.Fields(expression), " ")
	if expression == "" || strings.HasPrefix(expression, ZonePrefix) {
		return expression
	}
	zone := s.TimeZone
	if zone == "" {
		zone = "UTC"
	}
	return ZonePrefix + zone + " " + expression
}

// ParseTimetable reads a text that Spec has made.
func ParseTimetable(spec string) (*Timetable, error) {
	if text, ok := strings.CutPrefix(spec, everyPrefix); ok {
		every, err := parseInterval(text)
		if err != nil {
			return nil, err
		}
		return &Timetable{every: every}, nil
	}
	zone, fields, err := cutZone(spec)
	if err != nil {
		return nil, err
	}
	schedule, err := parseCron(fields)
	if err != nil {
		return nil, err
	}
	return &Timetable{cron: schedule, zone: zone}, nil
}

// Every returns the interval of a timetable that is one, else 0.
func (t *Timetable) Every() time.Duration { return t.every }

// Next returns the first moment after one at which something runs; zero: never. An interval is counted from that moment.
//
// Where a clock is moved ahead for the summer, what was to run in the hour that is left out runs as much later. Where it is moved back,
// what runs at an hour of the day runs in the first of the two, and what runs every hour in both.
func (t *Timetable) Next(after time.Time) time.Time {
	if t.every > 0 {
		return after.Add(t.every)
	}
	if t.cron.Hour&everyHour != 0 {
		return t.within(after)
	}
	// By the clock on the wall, as if it were never moved.
	wall := asUTC(after.In(t.zone))
	for {
		if wall = t.cron.Next(wall); wall.IsZero() {
			return time.Time{}
		}
		if next := atWall(wall, t.zone); next.After(after) {
			return next.UTC()
		}
	}
}

// everyHour is the bit by which the parser marks a field that is a star.
const everyHour = 1 << 63

// within goes by the time that passes.
func (t *Timetable) within(after time.Time) time.Time {
	schedule := *t.cron
	schedule.Location = t.zone
	next := schedule.Next(after)
	if next.IsZero() {
		return next
	}
	return next.UTC()
}

// asUTC returns what a clock shows, as if it were in UTC.
func asUTC(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// atWall returns the first moment at which a clock in a zone shows a time; of one that it never shows, the moment at which it would have
// if it had not been moved.
func atWall(wall time.Time, zone *time.Location) time.Time {
	_, before := wall.Add(-24 * time.Hour).In(zone).Zone()
	_, behind := wall.Add(24 * time.Hour).In(zone).Zone()
	first := wall.Add(-time.Duration(before) * time.Second)
	second := wall.Add(-time.Duration(behind) * time.Second)
	if !asUTC(first.In(zone)).Equal(wall) && asUTC(second.In(zone)).Equal(wall) {
		return second
	}
	return first
}

// cutZone takes the time zone from before a cron expression. It is read here, since the parser takes a prefix without fields behind it
// badly.
func cutZone(text string) (zone *time.Location, fields string, err error) {
	fields = strings.TrimSpace(text)
	after, ok := strings.CutPrefix(fields, ZonePrefix)
	if !ok {
		return time.UTC, fields, nil
	}
	name, fields, _ := strings.Cut(after, " ")
	zone, err = time.LoadLocation(name)
	if err != nil || name == "" || name == "Local" {
		return nil, "", fmt.Errorf("the time zone %q is unknown: give one such as Europe/Berlin", value.Shorten(name))
	}
	return zone, strings.TrimSpace(fields), nil
}

// CheckCron refuses what is not a cron expression of five fields, or a name of one, with an optional time zone before it.
func CheckCron(text string) error {
	_, fields, err := cutZone(text)
	if err == nil {
		_, err = parseCron(fields)
	}
	return err
}

// Interval returns the interval that a config variable has in place of a cron expression, as in `every 15m`, or `@every 15m`.
func Interval(text string) (every time.Duration, ok bool) {
	after, ok := cutEvery(text)
	if !ok {
		return 0, false
	}
	every, err := parseInterval(after)
	return every, err == nil
}

func cutEvery(text string) (after string, ok bool) {
	words := strings.Fields(text)
	if len(words) < 2 || words[0] != "every" && words[0] != strings.TrimSpace(everyPrefix) {
		return "", false
	}
	return strings.Join(words[1:], " "), true
}

func parseInterval(text string) (time.Duration, error) {
	every, err := time.ParseDuration(text)
	if err != nil || every < MinScheduleInterval || every > MaxScheduleInterval {
		return 0, fmt.Errorf("an interval of %q cannot be: give one from %s to %s, e.g. 15m or 1h30m",
			value.Shorten(text), MinScheduleInterval, MaxScheduleInterval)
	}
	return every, nil
}

// checkSchedule refuses what a config variable of type SCHEDULE cannot be: neither a cron expression nor an interval.
func checkSchedule(text string) error {
	if after, ok := cutEvery(text); ok {
		_, err := parseInterval(after)
		return err
	}
	if err := CheckCron(text); err != nil {
		return fmt.Errorf("%w; or give an interval, e.g. every 15m", err)
	}
	return nil
}
