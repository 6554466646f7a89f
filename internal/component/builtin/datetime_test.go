package builtin_test

import "testing"

func TestDateTime(t *testing.T) {
	t.Parallel()
	runCases(t, []actionCase{
		{action: "datetime.getCurrentDateTime", name: "of the engine's clock", in: `{}`, want: `"2026-01-31T12:30:15.678Z"`},
		{action: "datetime.getCurrentDateTime", name: "seconds", in: `{"displayEpochInSeconds":"true"}`, want: `1769862615`},
		{action: "datetime.adjustDateTime", name: "as in an export", in: `{"dateTimeInput":"2026-01-31T12:00:00.000Z","daysInput":"7","minutesInput":"5","hoursInput":"","secondsInput":""}`, want: `"2026-02-07T12:05:00.000Z"`},
		{action: "datetime.adjustDateTime", name: "fractions", in: `{"dateTimeInput":"2026-01-31","daysInput":"0.5","secondsInput":0.0015}`, want: `"2026-01-31T12:00:00.001Z"`},
		{action: "datetime.adjustDateTime", name: "back", in: `{"dateTimeInput":"2026-03-01T00:00:00Z","secondsInput":-1}`, want: `"2026-02-28T23:59:59.000Z"`},
		{action: "datetime.adjustDateTime", name: "a shorter month", in: `{"dateTimeInput":"2026-01-31T12:00:00Z","monthsInput":1}`, want: `"2026-02-28T12:00:00.000Z"`},
		{action: "datetime.adjustDateTime", name: "a leap year", in: `{"dateTimeInput":"2024-02-29","yearsInput":1}`, want: `"2025-02-28T00:00:00.000Z"`},
		{action: "datetime.adjustDateTime", name: "an offset", in: `{"dateTimeInput":"2026-01-31T12:00:00+02:00","hoursInput":1}`, want: `"2026-01-31T11:00:00.000Z"`},
		{action: "datetime.adjustDateTime", name: "out of the calendar", in: `{"dateTimeInput":"2026-01-31","daysInput":"1e9"}`, fails: `input "daysInput" is more than the calendar holds`},
		{action: "datetime.adjustDateTime", name: "beyond the last year", in: `{"dateTimeInput":"9999-12-31","daysInput":1}`, fails: `the moment is in the year 10000: stay within the years 1 to 9999`},
		{action: "datetime.adjustDateTime", name: "too many months", in: `{"dateTimeInput":"2026-01-31","yearsInput":"99999999"}`, fails: `input "yearsInput" is more than the calendar holds`},
		{action: "datetime.adjustDateTime", name: "half a month", in: `{"dateTimeInput":"2026-01-31","monthsInput":0.5}`, fails: `input "monthsInput" is 0.5: give a whole number`},
		{action: "datetime.adjustDateTime", name: "no moment", in: `{"dateTimeInput":"tomorrow"}`, fails: `input "dateTimeInput" is no moment`},
		{action: "datetime.adjustDateTime", name: "a bare number", in: `{"dateTimeInput":1769862615}`, fails: `input "dateTimeInput" is no moment`},
		{action: "datetime.formatDateTime", name: "default", in: `{"dateTime":"2026-01-31T12:30:15.678Z"}`, want: `"2026-01-31T12:30:15.678+00:00"`},
		{action: "datetime.formatDateTime", name: "in a place", in: `{"dateTime":"2026-07-01T12:05:09Z","timeZone":"Europe/Berlin","format":"D.M.YY H:mm:ss Z"}`, want: `"1.7.26 14:05:09 +02:00"`},
		{action: "datetime.formatDateTime", name: "the default place of old forms", in: `{"dateTime":"2026-07-01","timeZone":"etc/UTC","format":"YYYY"}`, want: `"2026"`},
		{action: "datetime.formatDateTime", name: "all tokens", in: `{"dateTime":"2026-02-03T14:05:09.007Z","format":"YYYY YY MMMM MMM MM M DD D dddd ddd dd d HH H hh h mm m ss s SSS A a ZZ X x"}`, want: `"2026 26 February Feb 02 2 03 3 Tuesday Tue Tu 2 14 14 02 2 05 5 09 9 007 PM pm +0000 1770127509 1770127509007"`},
		{action: "datetime.formatDateTime", name: "words", in: `{"dateTime":"2026-02-03","format":"[Day] D, [MM é]!"}`, want: `"Day 3, MM é!"`},
		{action: "datetime.formatDateTime", name: "an open bracket", in: `{"dateTime":"2026-02-03","format":"[D"}`, want: `"[3"`},
		{action: "datetime.formatDateTime", name: "unknown place", in: `{"dateTime":"2026-02-03","timeZone":"Mars/Base"}`, fails: `input "timeZone" is "Mars/Base": give a time zone such as Europe/Berlin`},
		{action: "datetime.formatDateTime", name: "the server's own place", in: `{"dateTime":"2026-02-03","timeZone":"Local"}`, fails: `give a time zone`},
		{action: "datetime.formatDateTime", name: "a file", in: `{"dateTime":"2026-02-03","timeZone":"../../etc/passwd"}`, fails: `give a time zone`},
		{action: "datetime.convertToISOString", name: "a header's date", in: `{"dateTimeInput":"Sat, 31 Jan 2026 12:30:15 GMT"}`, want: `"2026-01-31T12:30:15.000Z"`},
		{action: "datetime.convertToISOString", name: "meant in a place", in: `{"dateTimeInput":"2026-01-31T12:00:00","timeZoneInput":"America/New_York"}`, want: `"2026-01-31T17:00:00.000Z"`},
		{action: "datetime.convertToISOString", name: "an offset counts", in: `{"dateTimeInput":"2026-01-31T12:00:00Z","timeZoneInput":"America/New_York"}`, want: `"2026-01-31T12:00:00.000Z"`},
		{action: "datetime.convertToLocalISOString", name: "in a place", in: `{"dateTimeInput":"2026-01-31T12:00:00Z","timeZoneInput":"America/New_York"}`, want: `"2026-01-31T07:00:00.000-05:00"`},
		{action: "datetime.convertToEpoch", name: "milliseconds", in: `{"dateTimeInput":"2026-01-31T12:30:15.678Z"}`, want: `1769862615678`},
		{action: "datetime.convertToEpoch", name: "seconds", in: `{"dateTimeInput":"2026-01-31T12:30:15.678Z","displayEpochInSeconds":true}`, want: `1769862615`},
		{action: "datetime.convertFromEpoch", name: "milliseconds", in: `{"timestamp":"1769862615678"}`, want: `"2026-01-31T12:30:15.678Z"`},
		{action: "datetime.convertFromEpoch", name: "seconds", in: `{"timestamp":1769862615.5,"isSecondsTimestamp":true}`, want: `"2026-01-31T12:30:15.500Z"`},
		{action: "datetime.convertFromEpoch", name: "beyond all", in: `{"timestamp":"1e300"}`, fails: `input "timestamp" is more than the calendar holds`},
		{action: "datetime.difference", name: "seconds", in: `{"from":"2026-01-31T12:00:00Z","to":"2026-01-31T12:01:30.500Z"}`, want: `90.5`},
		{action: "datetime.difference", name: "days back", in: `{"from":"2026-02-02","to":"2026-01-31T12:00:00Z","unit":"days"}`, want: `-1.5`},
		{action: "datetime.difference", name: "no moment", in: `{"from":"2026-02-02","to":"?"}`, fails: `input "to" is no moment`},
	})
}

// FuzzDateTime proves that no moment, place or format brings the process down, and that what is written in ISO is read as the same moment.
func FuzzDateTime(f *testing.F) {
	f.Add("2026-01-31T12:00:00.5+02:00", "Europe/Berlin", "[Day] D MMMM YYYY Z [")
	f.Add("Sat, 31 Jan 2026 12:30:15 GMT", "../x", "SSSSZZZ")
	f.Add("+275760-09-13", "Etc/UTC", "x")
	f.Fuzz(func(t *testing.T, moment, zone, format string) {
		if _, err := run(t, "datetime.formatDateTime", map[string]any{"dateTime": moment, "timeZone": zone, "format": format}); err != nil {
			return
		}
		for _, action := range []string{"datetime.convertToISOString", "datetime.convertToLocalISOString"} {
			iso, err := run(t, action, map[string]any{"dateTimeInput": moment})
			if err != nil {
				t.Fatalf("%q can be formatted, but %s says %v", moment, action, err)
			}
			again, err := run(t, action, map[string]any{"dateTimeInput": iso.Data})
			if err != nil || again.Data != iso.Data {
				t.Fatalf("%q is %v, and that is %v, %v", moment, iso.Data, again.Data, err)
			}
		}
	})
}
