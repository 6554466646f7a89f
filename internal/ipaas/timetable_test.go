package ipaas_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/ipaas"
)

func TestTimetables(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spec, after string
		want        []string // the times that follow each other
	}{
		"every minute":               {"* * * * *", "2026-01-02T03:04:05Z", []string{"2026-01-02T03:05:00Z", "2026-01-02T03:06:00Z"}},
		"on the moment":              {"4 3 * * *", "2026-01-02T03:04:00Z", []string{"2026-01-03T03:04:00Z"}},
		"zeros before":               {"00 00 * * 0", "2026-01-02T03:04:05Z", []string{"2026-01-04T00:00:00Z", "2026-01-11T00:00:00Z"}},
		"by name":                    {"CRON_TZ=Europe/Berlin @daily", "2026-01-02T03:04:05Z", []string{"2026-01-02T23:00:00Z"}},
		"each week by name":          {"@Weekly", "2026-01-02T03:04:05Z", []string{"2026-01-04T00:00:00Z"}},
		"the last day of a month":    {"30 6 L * *", "2024-01-31T06:30:00Z", []string{"2024-02-29T06:30:00Z", "2024-03-31T06:30:00Z", "2024-04-30T06:30:00Z"}},
		"its evening":                {"*/30 23 L 2 ?", "2026-02-28T22:00:00Z", []string{"2026-02-28T23:00:00Z", "2026-02-28T23:30:00Z", "2027-02-28T23:00:00Z"}},
		"every hour of it in a zone": {"CRON_TZ=Pacific/Auckland 0 * L * *", "2026-01-30T10:30:00Z", []string{"2026-01-30T11:00:00Z", "2026-01-30T12:00:00Z"}},
		"the last Friday":            {"0 8 * * 5L", "2026-01-01T00:00:00Z", []string{"2026-01-30T08:00:00Z", "2026-02-27T08:00:00Z"}},
		"the last Sunday as 7":       {"0 8 * * 7L", "2026-01-01T00:00:00Z", []string{"2026-01-25T08:00:00Z"}},
		"the second Monday":          {"0 8 ? * MON#2", "2026-01-01T00:00:00Z", []string{"2026-01-12T08:00:00Z", "2026-02-09T08:00:00Z"}},
		"a fifth Sunday in February": {"0 0 * 2 0#5", "2026-01-01T00:00:00Z", []string{"2032-02-29T00:00:00Z", "2060-02-29T00:00:00Z"}},
		"in a zone":                  {"CRON_TZ=Europe/Berlin 0 8 * * *", "2026-01-02T00:00:00Z", []string{"2026-01-02T07:00:00Z"}},
		"in summer":                  {"CRON_TZ=Europe/Berlin 0 8 * * *", "2026-07-02T00:00:00Z", []string{"2026-07-02T06:00:00Z"}},
		"a day of a month":           {"0 0 29 2 *", "2026-01-01T00:00:00Z", []string{"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"}},
		"interval":                   {"@every 1h30m0s", "2026-01-02T03:04:05Z", []string{"2026-01-02T04:34:05Z", "2026-01-02T06:04:05Z"}},
		"in the hour skipped":        {"CRON_TZ=Europe/Berlin 30 2 * * *", "2026-03-28T12:00:00Z", []string{"2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"}},
		"and after it":               {"CRON_TZ=Europe/Berlin 30 2,3 * * *", "2026-03-29T00:00:00Z", []string{"2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"}},
		"in the hour twice":          {"CRON_TZ=Europe/Berlin 30 2 * * *", "2026-10-24T12:00:00Z", []string{"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}},
		"from the second of the hours": {
			"CRON_TZ=Europe/Berlin 30 2 * * *", "2026-10-25T01:15:00Z", []string{"2026-10-26T01:30:00Z"},
		},
		"each hour of both": {
			"CRON_TZ=Europe/Berlin 0 * * * *", "2026-10-24T23:30:00Z", []string{"2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"},
		},
		"each hour without one": {
			"CRON_TZ=Europe/Berlin 0 * * * *", "2026-03-29T00:30:00Z", []string{"2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"},
		},
		"at midnight that is skipped": {"CRON_TZ=America/Santiago 0 0 * * *", "2026-09-05T12:00:00Z", []string{"2026-09-06T04:00:00Z", "2026-09-07T03:00:00Z"}},
		"past a day that ends twice":  {"CRON_TZ=America/Santiago 0 * * * 6#2", "2026-04-04T12:00:00Z", []string{"2026-04-11T04:00:00Z", "2026-04-11T05:00:00Z"}},
		"at its end, twice":           {"CRON_TZ=America/Santiago 0 * * * 6#1", "2026-04-05T01:30:00Z", []string{"2026-04-05T02:00:00Z", "2026-04-05T03:00:00Z", "2026-05-02T04:00:00Z"}},
		"a step over the week":        {"0 8 * * 1-7/9223372036854775807", "2026-01-01T00:00:00Z", []string{"2026-01-05T08:00:00Z", "2026-01-12T08:00:00Z"}},
		"by half an hour":             {"CRON_TZ=Australia/Lord_Howe 45 1 * * *", "2026-04-04T00:00:00Z", []string{"2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table, err := ipaas.ParseTimetable(c.spec)
			if err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse(time.RFC3339, c.after)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for range c.want {
				at = table.Next(at)
				got = append(got, at.Format(time.RFC3339))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s after %s (-want +got):\n%s", c.spec, c.after, diff)
			}
		})
	}
}

func TestWhatIsNoTimetable(t *testing.T) {
	t.Parallel()
	for spec, words := range map[string]string{
		"":                            "it has not five fields but 0",
		"* * * *":                     "it has not five fields but 4",
		"@often":                      "it has not five fields but 1",
		"0 0 8 * * *":                 "it has 6 fields, and which of them are seconds or years cannot be told",
		"0 8 * * 1#6":                 "counts no weekday of a month",
		"0 8 * * #2":                  "failed to parse",
		"0 8 15 * 5L":                 "\"15\" beside it: give a star there",
		"0 8 L * 1":                   "\"1\" beside it: give a star there",
		"0 8 15W * *":                 "failed to parse",
		"0 8 1,L * *":                 "failed to parse",
		"0 8 * * 1-3#2":               "failed to parse",
		"0 8 * * 1,5L":                "failed to parse",
		"@every 1s":                   "give one from 1m0s",
		"@every 30s":                  "give one from 1m0s",
		"@every ten minutes":          "give one from 1m0s",
		"@every 9000000h":             "to 8784h0m0s",
		"61 * * * *":                  "above maximum",
		"0 0 30 2 *":                  "its moment never comes",
		"CRON_TZ=Moon/Base * * * * *": "the time zone \"Moon/Base\" is unknown",
		"CRON_TZ=":                    "the time zone \"\" is unknown",
		"CRON_TZ=Local 0 8 * * *":     "the time zone \"Local\" is unknown",
		"CRON_TZ=../etc 0 8 * * *":    "is unknown",
	} {
		if _, err := ipaas.ParseTimetable(spec); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q ended with %v, want an error with %q", spec, err, words)
		}
	}
}

func TestSpecsOfSchedules(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		schedule         ipaas.Schedule
		expression, want string
	}{
		{ipaas.Schedule{Cron: " 0  8 * * 1-5 "}, "", "CRON_TZ=UTC 0 8 * * 1-5"},
		{ipaas.Schedule{Cron: "0 8 * * *", TimeZone: "Europe/Berlin"}, "1 1 1 1 1", "CRON_TZ=Europe/Berlin 0 8 * * *"},
		{ipaas.Schedule{Cron: "CRON_TZ=Asia/Tokyo  0 8 * * *", TimeZone: "Europe/Berlin"}, "", "CRON_TZ=Asia/Tokyo 0 8 * * *"},
		{ipaas.Schedule{Every: 90 * time.Minute}, "", "@every 1h30m0s"},
		{ipaas.Schedule{ConfigVariable: "When", TimeZone: "Europe/Berlin"}, "0 8 * * *", "CRON_TZ=Europe/Berlin 0 8 * * *"},
		{ipaas.Schedule{ConfigVariable: "When", TimeZone: "Europe/Berlin"}, " every  90m", "@every 1h30m0s"},
		{ipaas.Schedule{ConfigVariable: "When"}, "@every 90m", "@every 1h30m0s"},
		{ipaas.Schedule{ConfigVariable: "When"}, "@daily", "CRON_TZ=UTC @daily"},
		{ipaas.Schedule{ConfigVariable: "When"}, " ", ""},
	} {
		got := c.schedule.Spec(c.expression)
		if got != c.want {
			t.Errorf("%+v with %q is %q, want %q", c.schedule, c.expression, got, c.want)
		}
		if got != "" {
			if _, err := ipaas.ParseTimetable(got); err != nil {
				t.Errorf("%q: %v", got, err)
			}
		}
	}
}

// FuzzTimetable: whatever the spec, it is refused or gives times that come later and later, soon.
func FuzzTimetable(f *testing.F) {
	for _, spec := range []string{"* * * * *", "00 00 * * 0", "CRON_TZ=Europe/Berlin 30 2 * * 1-5", "@every 90m", "*/7 1-3,5 1 */2 ?", "CRON_TZ=America/Santiago 0 0 * * *", "0 * L * *", "0 8 * 2 7#5", "@monthly"} {
		f.Add(spec, uint32(1_774_700_000))
	}
	f.Fuzz(func(t *testing.T, spec string, from uint32) { // until 2106
		table, err := ipaas.ParseTimetable(spec)
		if err != nil {
			return
		}
		at := time.Unix(int64(from), 0).UTC()
		for range 3 {
			next := table.Next(at)
			if next.IsZero() {
				return
			}
			if !next.After(at) {
				t.Fatalf("after %v comes %v", at, next)
			}
			at = next
		}
	})
}
