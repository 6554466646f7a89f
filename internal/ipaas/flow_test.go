package ipaas_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/ipaas"
)

// Definitions are known by their hashes: one that was stored before flows had these settings must keep its own.
func TestFlow_without_settings_is_written_as_before_there_were_any(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(ipaas.Flow{ID: "a", UID: "u", DisplayName: "A", Trigger: ipaas.Trigger{DisplayName: "T", Type: "x.y"}, Synchronous: true})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"id":"a","uid":"u","display_name":"A","trigger":{"display_name":"T","type":"x.y"},"synchronous":true,` +
		`"create_time":"0001-01-01T00:00:00Z","update_time":"0001-01-01T00:00:00Z"}`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("flow (-want +got):\n%s", diff)
	}
}

func TestErrorHandling_says_how_often_how_long_and_what_then(t *testing.T) {
	t.Parallel()
	var none *ipaas.ErrorHandling
	for name, test := range map[string]struct {
		handling *ipaas.ErrorHandling
		retries  int
		ignores  bool
		waits    []time.Duration // before the second try and so on
	}{
		"none":   {none, 0, false, nil},
		"fail":   {&ipaas.ErrorHandling{Effect: ipaas.ErrorFail, MaxAttempts: 3, IgnoreFinal: true}, 0, false, nil},
		"ignore": {&ipaas.ErrorHandling{Effect: ipaas.ErrorIgnore, MaxAttempts: 3}, 0, true, nil},
		"retry":  {&ipaas.ErrorHandling{Effect: ipaas.ErrorRetry, MaxAttempts: 3}, 3, false, []time.Duration{0, 0, 0}},
		"evenly": {&ipaas.ErrorHandling{Effect: ipaas.ErrorRetry, MaxAttempts: 2, Delay: time.Second}, 2, false, []time.Duration{time.Second, time.Second}},
		"longer": {
			&ipaas.ErrorHandling{Effect: ipaas.ErrorRetry, MaxAttempts: 4, Delay: time.Minute, Multiplier: 2, IgnoreFinal: true}, 4, true,
			[]time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 5 * time.Minute},
		},
		"at most": {&ipaas.ErrorHandling{Effect: ipaas.ErrorRetry, MaxAttempts: 10, Delay: 5 * time.Minute, Multiplier: 10}, 10, false, []time.Duration{5 * time.Minute, 5 * time.Minute}},
	} {
		if test.handling.Retries() != test.retries || test.handling.Ignores() != test.ignores {
			t.Errorf("%s: tried %d times again, ignored: %t", name, test.handling.Retries(), test.handling.Ignores())
		}
		for i, want := range test.waits {
			if got := test.handling.DelayBefore(i + 2); got != want {
				t.Errorf("%s: before try %d it waits %s, want %s", name, i+2, got, want)
			}
		}
	}
}

func TestRetry_waits_longer_from_try_to_try(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		retry ipaas.Retry
		want  []time.Duration // before the second try and so on
	}{
		{"by default", ipaas.Retry{}, []time.Duration{10 * time.Second, 20 * time.Second, 40 * time.Second}},
		{"as told", ipaas.Retry{Delay: time.Minute, Multiplier: 3}, []time.Duration{time.Minute, 3 * time.Minute, 9 * time.Minute}},
		{"evenly", ipaas.Retry{Delay: time.Minute, Multiplier: 1}, []time.Duration{time.Minute, time.Minute, time.Minute}},
		{"at most", ipaas.Retry{Delay: time.Minute, Multiplier: 10, MaxDelay: 2 * time.Minute}, []time.Duration{time.Minute, 2 * time.Minute, 2 * time.Minute}},
		{"at most a day", ipaas.Retry{Delay: 24 * time.Hour, Multiplier: 10}, []time.Duration{24 * time.Hour, 24 * time.Hour, 24 * time.Hour}},
	} {
		var got []time.Duration
		for i := range test.want {
			got = append(got, test.retry.DelayBefore(i+2))
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	if d := (&ipaas.Retry{Delay: 24 * time.Hour, Multiplier: 10}).DelayBefore(11); d != 24*time.Hour {
		t.Errorf("before the eleventh try it waits %s", d)
	}
}
