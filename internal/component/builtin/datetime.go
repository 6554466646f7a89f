package builtin

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/cockroachdb/apd/v3"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// How moments are written: in UTC as JavaScript does, and with the offset of a place.
const (
	isoUTC   = "2006-01-02T15:04:05.000Z"
	isoLocal = "2006-01-02T15:04:05.000-07:00"
)

func dateTime() *component.Component {
	return &component.Component{
		ID: "datetime", DisplayName: "Date/Time",
		Description: "Get, move and write moments. A moment is read as ISO 8601 has it, such as 2026-01-31T12:00:00Z, or as HTTP headers have it; without an offset it is UTC. Years are 1 to 9999.",
		Actions: []component.Action{
			currentDateTime(),
			pure("adjustDateTime", "Adjust Date/Time",
				"Moves a moment by some time, forth or, with negative numbers, back. Years and months come first; a day that a month does not have becomes its last one.",
				"The moment in UTC, as 2026-01-31T12:00:00.000Z.", adjustDateTime, adjustments()...),
			pure("formatDateTime", "Format Date/Time", "Writes a moment as wanted.", "The text.", formatDateTime, namedDateTime("dateTime", "Date/Time", "The moment."), zoneInput("timeZone"), ipaas.InputField{
				Key: "format", DisplayName: "Format", Default: `"YYYY-MM-DDTHH:mm:ss.SSSZ"`, Example: "DD.MM.YYYY HH:mm",
				Description: "How to write it. YYYY, YY: year. MMMM, MMM, MM, M: month. DD, D: day. dddd, ddd, dd: day of the week; d: its number from 0, Sunday. HH, H: hour of 24; hh, h: of 12; A, a: AM or PM. mm, m: minute. " +
					"ss, s: second. SSS: milliseconds. Z: offset as +02:00, ZZ: as +0200. X, x: seconds, milliseconds since 1970. What stands in [brackets] and everything else is written as it is.",
			}),
			pure("convertToISOString", "Convert Date/Time to ISO String", "Writes a moment in UTC.", "The moment, as 2026-01-31T12:00:00.000Z.",
				func(in component.Inputs) (any, error) {
					t, err := placedInput(in, "dateTimeInput", "timeZoneInput")
					return t.UTC().Format(isoUTC), err
				}, dateTimeInput(), zoneOfInput()),
			pure("convertToLocalISOString", "Convert Date/Time to Local ISO String", "Writes a moment in the time of a place.", "The moment with the offset, as 2026-01-31T13:00:00.000+01:00.",
				func(in component.Inputs) (any, error) {
					t, err := localInput(in, "dateTimeInput", "timeZoneInput")
					return t.Format(isoLocal), err
				}, dateTimeInput(), zoneInput("timeZoneInput")),
			pure("convertToEpoch", "Convert Date to Epoch", "Counts the time since 1970 began.", "The number of milliseconds or, if asked for, whole seconds since 1970-01-01T00:00:00Z.",
				func(in component.Inputs) (any, error) {
					t, err := momentInput(in, "dateTimeInput")
					return epoch(t, in.Bool("displayEpochInSeconds")), err
				}, dateTimeInput(), secondsFlag("displayEpochInSeconds", "Display Epoch In Seconds", "Whether to count seconds instead of milliseconds.")),
			pure("convertFromEpoch", "Convert Epoch Timestamp to Date", "Finds the moment that is some time after 1970 began.", "The moment in UTC, as 2026-01-31T12:00:00.000Z.",
				fromEpoch, ipaas.InputField{
					Key: "timestamp", DisplayName: "Epoch Timestamp", Type: ipaas.FieldNumber, Required: true, Example: "1769860800000",
					Description: "The milliseconds, or seconds, since 1970-01-01T00:00:00Z. Fractions below a millisecond are cut off.",
				}, secondsFlag("isSecondsTimestamp", "Epoch Timestamp in Seconds", "Whether it counts seconds instead of milliseconds.")),
			pure("difference", "Difference", "Measures the time between two moments.", "The time from `from` to `to` as a number of units; below 0 if `to` comes first.",
				dateTimeDifference, namedDateTime("from", "From", "The first moment."), namedDateTime("to", "To", "The second one."), ipaas.InputField{
					Key: "unit", DisplayName: "Unit", Choices: []string{"milliseconds", "seconds", "minutes", "hours", "days"}, Default: `"seconds"`,
					Description: "What to count. A day has 24 hours. The number is no whole one where the time is none; Math has actions that round.",
				}),
		},
	}
}

func currentDateTime() component.Action {
	return component.Action{
		Action: ipaas.Action{
			Key: "getCurrentDateTime", DisplayName: "Get Current Date/Time", Effect: ipaas.EffectPure,
			Description: "Tells the time at which the step began, by the server's clock.",
			Output:      "The moment in UTC, as 2026-01-31T12:00:00.000Z, or the whole seconds since 1970.",
			Inputs:      []ipaas.InputField{secondsFlag("displayEpochInSeconds", "Display Epoch In Seconds", "Whether to give the seconds since 1970 instead of a text.")},
		},
		Perform: func(_ context.Context, call component.Call) (component.Result, error) {
			if call.Inputs.Bool("displayEpochInSeconds") {
				return component.Result{Data: epoch(call.Now, true)}, nil
			}
			return component.Result{Data: call.Now.UTC().Format(isoUTC)}, nil
		},
	}
}

func dateTimeInput() ipaas.InputField {
	return namedDateTime("dateTimeInput", "Date/Time", "The moment.")
}

func namedDateTime(key, name, description string) ipaas.InputField {
	return ipaas.InputField{Key: key, DisplayName: name, Required: true, Example: "2026-01-31T12:00:00Z", Description: description}
}

func zoneInput(key string) ipaas.InputField {
	return ipaas.InputField{
		Key: key, DisplayName: "Time Zone", Default: `"Etc/UTC"`, Example: "Europe/Berlin",
		Description: "The place whose time it is written in, as the IANA time zone database names it.",
	}
}

func zoneOfInput() ipaas.InputField {
	f := zoneInput("timeZoneInput")
	f.Description = "The place whose time a moment without an offset is meant in, as the IANA time zone database names it."
	return f
}

func secondsFlag(key, name, description string) ipaas.InputField {
	return ipaas.InputField{Key: key, DisplayName: name, Type: ipaas.FieldBoolean, Default: "false", Description: description}
}

// adjustments are the inputs by which a moment is moved.
func adjustments() []ipaas.InputField {
	fields := []ipaas.InputField{dateTimeInput()}
	for _, unit := range []string{"seconds", "minutes", "hours", "days", "months", "years"} {
		description := "How many " + unit + " to add."
		if unit == "months" || unit == "years" {
			description = "How many " + unit + " to add, a whole number."
		}
		fields = append(fields, ipaas.InputField{
			Key: unit + "Input", DisplayName: strings.ToUpper(unit[:1]) + unit[1:], Type: ipaas.FieldNumber, Default: "0", Description: description,
		})
	}
	return fields
}

// headerTimes are the other ways in which a moment is read.
var headerTimes = []string{time.RFC1123, time.RFC1123Z, "Mon, 2 Jan 2006 15:04:05 MST", "Mon, 2 Jan 2006 15:04:05 -0700"}

// momentInput returns an input as a moment. One without an offset is UTC.
func momentInput(in component.Inputs, key string) (time.Time, error) {
	text := strings.TrimSpace(in.Text(key))
	t, ok := readMoment(text)
	if !ok {
		return time.Time{}, fmt.Errorf("input %q is no moment: give one such as 2026-01-31T12:00:00Z; for seconds since 1970 take Convert Epoch Timestamp to Date", key)
	}
	return t, within(t)
}

// placedInput returns an input as a moment. One without an offset is meant in the time of the place that another input names.
func placedInput(in component.Inputs, key, zoneKey string) (time.Time, error) {
	zone, err := zoneOf(in, zoneKey)
	if err != nil {
		return time.Time{}, err
	}
	t, err := momentInput(in, key)
	if err != nil || hasOffset(strings.TrimSpace(in.Text(key))) {
		return t, err
	}
	t = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), zone)
	return t, within(t)
}

// hasOffset reports whether a moment says by itself what time it is in.
func hasOffset(text string) bool {
	_, clock := splitISO(text)
	return strings.ContainsAny(clock, "Z+-") || strings.Contains(text, ",")
}

func readMoment(text string) (time.Time, bool) {
	// A bare number is no date here: whether it is meant as a year, as seconds or as milliseconds cannot be told.
	if _, ok := value.ParseNumber(text); ok {
		return time.Time{}, false
	}
	if millis, ok := parseISO(text); ok {
		return time.UnixMilli(millis).UTC(), true
	}
	for _, layout := range headerTimes {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

func within(t time.Time) error {
	if year := t.UTC().Year(); year < 1 || year > 9999 {
		return fmt.Errorf("the moment is in the year %d: stay within the years 1 to 9999", year)
	}
	return nil
}

func zoneOf(in component.Inputs, key string) (*time.Location, error) {
	name := strings.TrimSpace(in.Text(key))
	if name == "" || strings.EqualFold(name, "utc") || strings.EqualFold(name, "etc/utc") {
		return time.UTC, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fmt.Errorf("input %q is %q: give a time zone such as Europe/Berlin or Etc/UTC", key, value.Shorten(name))
	}
	return zone, nil
}

// localInput returns the moment in the time of the place that the inputs name. One without an offset is UTC.
func localInput(in component.Inputs, key, zoneKey string) (time.Time, error) {
	zone, err := zoneOf(in, zoneKey)
	if err != nil {
		return time.Time{}, err
	}
	t, err := momentInput(in, key)
	if err != nil {
		return time.Time{}, err
	}
	t = t.In(zone)
	return t, within(t)
}

func epoch(t time.Time, seconds bool) value.Number {
	if seconds {
		return value.FromInt(t.Unix())
	}
	return value.FromInt(t.UnixMilli())
}

func fromEpoch(in component.Inputs) (any, error) {
	unit := "milliseconds"
	if in.Bool("isSecondsTimestamp") {
		unit = "seconds"
	}
	millis, err := millisInput(in, "timestamp", unit)
	if err != nil {
		return nil, err
	}
	t := time.UnixMilli(millis).UTC()
	return t.Format(isoUTC), within(t)
}

// millisOf is how many milliseconds there are in a unit.
var millisOf = map[string]int64{"milliseconds": 1, "seconds": 1000, "minutes": 60_000, "hours": 3_600_000, "days": 86_400_000}

// millisInput returns a number of units as milliseconds.
func millisInput(in component.Inputs, key, unit string) (int64, error) {
	d, err := decimalInput(in, key)
	if err != nil {
		return 0, err
	}
	if err := reckoned(reckoning.Mul(d, d, apd.New(millisOf[unit], 0))); err != nil {
		return 0, fmt.Errorf("input %q: %w", key, err)
	}
	if d, err = truncDecimal(d); err != nil {
		return 0, fmt.Errorf("input %q: %w", key, err)
	}
	millis, err := d.Int64()
	if err != nil || millis > maxMillis || millis < -maxMillis {
		return 0, fmt.Errorf("input %q is more than the calendar holds: give a smaller number", key)
	}
	return millis, nil
}

// maxMonths is as many as there are in all the years that are reckoned with.
const maxMonths = 12 * 9999

func adjustDateTime(in component.Inputs) (any, error) {
	t, err := momentInput(in, "dateTimeInput")
	if err != nil {
		return nil, err
	}
	months := 0
	for key, each := range map[string]int{"monthsInput": 1, "yearsInput": 12} {
		n, err := in.Int(key)
		if err != nil {
			return nil, err
		}
		if n < -maxMonths || n > maxMonths {
			return nil, fmt.Errorf("input %q is more than the calendar holds: give a smaller number", key)
		}
		months += n * each
	}
	t = addMonths(t, months)
	if err := within(t); err != nil {
		return nil, err
	}
	for _, unit := range []string{"seconds", "minutes", "hours", "days"} {
		millis, err := millisInput(in, unit+"Input", unit)
		if err != nil {
			return nil, err
		}
		t = time.UnixMilli(t.UnixMilli() + millis).UTC()
	}
	return t.Format(isoUTC), within(t)
}

// addMonths moves a moment by months. A day that the month does not have becomes its last one.
func addMonths(t time.Time, months int) time.Time {
	first := time.Date(t.Year(), t.Month(), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC).AddDate(0, months, 0)
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1)
}

func dateTimeDifference(in component.Inputs) (any, error) {
	from, err := momentInput(in, "from")
	if err != nil {
		return nil, err
	}
	to, err := momentInput(in, "to")
	if err != nil {
		return nil, err
	}
	var d apd.Decimal
	err = reckoned(reckoning.Quo(&d, apd.New(to.UnixMilli()-from.UnixMilli(), 0), apd.New(millisOf[in.Text("unit")], 0)))
	return fromDecimal(&d), err
}
