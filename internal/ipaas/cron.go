package ipaas

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// crontab is a cron expression: the library's, which knows the five fields, and what it does not know of days.
type crontab struct {
	cron.SpecSchedule
	counts func(day time.Time) bool // whether a day that the fields name is meant; nil: each is
}

// cronNames are what whole expressions are called.
var cronNames = map[string]string{
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
	"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}

// fiveFields reads minute, hour, day of month, month and day of week.
var fiveFields = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

const cronHelp = "give minute, hour, day of month, month and day of week, e.g. 0 8 * * 1-5"

// parseCron reads an expression of five fields, or one of cronNames.
func parseCron(text string) (*crontab, error) {
	if named, ok := cronNames[strings.ToLower(text)]; ok {
		text = named
	}
	fields := strings.Fields(text)
	switch n := len(fields); n {
	case 5:
	case 6, 7: // with seconds before or behind, or a year behind: people mean different things by it
		return nil, fmt.Errorf("it has %d fields, and which of them are seconds or years cannot be told: %s", n, cronHelp)
	default:
		return nil, fmt.Errorf("it has not five fields but %d: %s", n, cronHelp)
	}
	fields[4] = weekdays(fields[4])
	counts, err := certainDays(fields)
	if err != nil {
		return nil, err
	}
	parsed, err := fiveFields.Parse(strings.Join(fields, " "))
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, cronHelp)
	}
	schedule, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return nil, fmt.Errorf("it is no expression of five fields: %s", cronHelp)
	}
	c := &crontab{SpecSchedule: *schedule, counts: counts}
	c.Location = time.UTC
	if c.Next(time.Unix(0, 0).UTC()).IsZero() {
		return nil, fmt.Errorf("its moment never comes: give days that its months have")
	}
	return c, nil
}

// certainDays takes out of the fields what the library does not know, and returns which of the days that are left are meant: L is the last
// day of a month, 5L its last Friday, 5#2 its second one.
func certainDays(fields []string) (counts func(day time.Time) bool, err error) {
	day, weekday := &fields[2], &fields[4]
	name, last := strings.CutSuffix(strings.ToUpper(*weekday), "L")
	of, nth, numbered := strings.Cut(*weekday, "#")
	switch {
	case strings.EqualFold(*day, "L"):
		*day, counts = "28-31", isLastOfMonth
		day = weekday
	case last && isOneDay(name):
		*weekday, counts = name, isLastOfItsKind
	case numbered && isOneDay(of):
		n, err := strconv.Atoi(nth)
		if err != nil || n < 1 || n > 5 {
			return nil, fmt.Errorf("%q counts no weekday of a month: write e.g. 1#2 for its second Monday", *weekday)
		}
		*weekday, counts = of, func(day time.Time) bool { return (day.Day()-1)/7+1 == n }
	default:
		return nil, nil
	}
	// Where both fields are given, either is enough; that cannot be said of days that are counted.
	if *day != "*" && *day != "?" {
		return nil, fmt.Errorf("it has a certain day of the month or week, and %q beside it: give a star there", *day)
	}
	return counts, nil
}

func isOneDay(field string) bool { return field != "" && !strings.ContainsAny(field, ",-/*?#") }

func isLastOfMonth(day time.Time) bool   { return day.AddDate(0, 0, 1).Day() == 1 }
func isLastOfItsKind(day time.Time) bool { return day.AddDate(0, 0, 7).Day() <= 7 }

// furthest is how far ahead a day is looked for that rarely comes, such as a fifth Sunday in February.
const furthest = 50

// Next returns the first moment after one, zero: there is none.
func (c *crontab) Next(after time.Time) time.Time {
	if c.counts == nil {
		return c.SpecSchedule.Next(after)
	}
	for next := c.SpecSchedule.Next(after); !next.IsZero() && next.Year() < after.Year()+furthest; next = c.SpecSchedule.Next(next) {
		there := next.In(c.Location)
		if c.counts(there) {
			return next
		}
		// The rest of that day is none of the days, either. Where a clock is moved back at midnight, its last hour comes twice, and next may
		// be in the second of them.
		if end := time.Date(there.Year(), there.Month(), there.Day(), 23, 59, 59, 0, c.Location); end.After(next) {
			next = end.In(after.Location())
		}
	}
	return time.Time{}
}

// weekdays spells days of the week without the 7, which is a Sunday as 0 is and which the parser does not know.
func weekdays(field string) string {
	items := strings.Split(field, ",")
	for i, item := range items {
		span, every, stepped := strings.Cut(item, "/")
		first, last, ranged := strings.Cut(span, "-")
		switch {
		case strings.HasPrefix(item, "7") && strings.Trim(item[1:], "L#12345") == "":
			items[i] = "0" + item[1:]
		case ranged && last == "7":
			from, err := strconv.Atoi(first)
			step, stepErr := 1, error(nil)
			if stepped {
				step, stepErr = strconv.Atoi(every)
			}
			if err != nil || stepErr != nil || from < 0 || from > 7 || step < 1 {
				continue // the parser says what is wrong
			}
			var days []string
			for day := from; day <= 7; day += min(step, 8) {
				days = append(days, strconv.Itoa(day%7))
			}
			items[i] = strings.Join(days, ",")
		}
	}
	return strings.Join(items, ",")
}
