package fake_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/examples/acme-erp/fake"
)

func TestFailureStatus(t *testing.T) {
	t.Parallel()
	erp, acme := newERP(t)
	hook := newListener(t)
	acme.do("POST /admin/fail", `{"route":"POST /api/webhooks","status":503,"after":1,"times":2}`, http.StatusNoContent)

	// What fails by itself, or shows no key, does not count as a success.
	acme.refused("POST /api/webhooks", registration("", hook.url), http.StatusBadRequest, "INVALID_EVENT")
	acme.with("X-Api-Key", "wrong").refused("POST /api/webhooks", "", http.StatusUnauthorized, "UNAUTHORIZED")
	acme.do("POST /api/webhooks", registration("customer.updated", hook.url), http.StatusCreated)
	// Nor does a request without the key use up a failure.
	acme.with("X-Api-Key", "wrong").refused("POST /api/webhooks", "", http.StatusUnauthorized, "UNAUTHORIZED")
	acme.refused("POST /api/webhooks", registration("inventory.updated", hook.url), http.StatusServiceUnavailable, "TOLD_TO_FAIL")
	acme.do("GET /api/webhooks", "", http.StatusOK) // another route
	acme.refused("POST /api/webhooks", registration("inventory.updated", hook.url), http.StatusServiceUnavailable, "TOLD_TO_FAIL")
	if n := len(hook.got()); n != 1 {
		t.Errorf("%d challenges, want 1: a request that is made to fail has no effect", n)
	}
	want := []fake.FailureState{{
		Failure: fake.Failure{Route: "POST /api/webhooks", Mode: fake.Status, Status: 503, After: 1, Times: 2},
		Passed:  1, Struck: 2,
	}}
	if diff := cmp.Diff(want, erp.Failures()); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	acme.do("POST /api/webhooks", registration("inventory.updated", hook.url), http.StatusCreated)
	if n := len(erp.Webhooks()); n != 2 {
		t.Errorf("%d webhooks, want 2", n)
	}
}

func TestFailureRefusesDuplicates(t *testing.T) {
	t.Parallel()
	erp, acme := newERP(t)
	hook := newListener(t)
	acme.do("POST /admin/fail", `{"route":"POST /api/webhooks","mode":"refuse_duplicates","times":-1}`, http.StatusNoContent)
	acme.do("POST /api/webhooks", registration("customer.updated", hook.url), http.StatusCreated)
	acme.refused("POST /api/webhooks", registration("customer.updated", hook.url), http.StatusConflict, "ALREADY_EXISTS")
	acme.do("POST /api/webhooks", registration("customer.updated", hook.url+"?b=2"), http.StatusCreated)
	if n := len(erp.Webhooks()); n != 2 {
		t.Errorf("%d webhooks, want 2", n)
	}
	acme.refused("POST /admin/fail", `{"route":"GET /api/webhooks","mode":"refuse_duplicates"}`, http.StatusBadRequest, "INVALID_FAILURE")
}

func TestFailureForEverUntilHealed(t *testing.T) {
	t.Parallel()
	erp, acme := newERP(t)
	acme.do("POST /admin/fail", `{"route":"GET /api/webhooks","times":-1}`, http.StatusNoContent)
	for range 5 {
		acme.refused("GET /api/webhooks", "", http.StatusInternalServerError, "TOLD_TO_FAIL")
	}
	want := `{"failures":[{"route":"GET /api/webhooks","mode":"status","status":500,"times":-1,"passed":0,"struck":5}]}`
	if got := strings.TrimSpace(acme.do("GET /admin/failures", "", http.StatusOK).body); got != want {
		t.Errorf("failures %s, want %s", got, want)
	}
	acme.do("POST /admin/heal", "", http.StatusNoContent)
	acme.do("GET /api/webhooks", "", http.StatusOK)

	erp.Fail(fake.Failure{Route: "GET /api/webhooks"}) // once
	acme.do("GET /api/webhooks", "", http.StatusInternalServerError)
	acme.do("GET /api/webhooks", "", http.StatusOK)
	erp.Fail(fake.Failure{Route: "GET /api/webhooks", Times: -1})
	erp.Heal()
	acme.do("GET /api/webhooks", "", http.StatusOK)
	if got := erp.Failures(); len(got) != 0 {
		t.Errorf("failures after Heal: %+v", got)
	}
}

func TestFailureOfOneEvent(t *testing.T) {
	t.Parallel()
	erp, acme := newERP(t)
	hook := newListener(t)
	acme.do("POST /admin/fail", `{"route":"POST /api/webhooks","event":"inventory.updated","after":1}`, http.StatusNoContent)
	acme.do("POST /api/webhooks", registration("customer.updated", hook.url), http.StatusCreated)
	acme.do("POST /api/webhooks", registration("inventory.updated", hook.url), http.StatusCreated)
	acme.do("POST /api/webhooks", registration("customer.updated", hook.url), http.StatusCreated)
	acme.do("POST /api/webhooks", registration("inventory.updated", hook.url), http.StatusInternalServerError)

	erp.Fail(fake.Failure{Route: "DELETE /api/webhooks/{id}", Event: "inventory.updated", Times: -1})
	acme.do("DELETE /api/webhooks/wh_1", "", http.StatusNoContent)
	acme.do("DELETE /api/webhooks/wh_2", "", http.StatusInternalServerError)
	acme.do("DELETE /api/webhooks/wh_9", "", http.StatusNotFound)
	erp.Fail(fake.Failure{Route: "POST /api/customers", Event: "customer.updated"})
	acme.do("POST /api/customers", `{}`, http.StatusInternalServerError)
	if n := len(erp.Customers()); n != 0 {
		t.Errorf("%d customers, want none", n)
	}
}

func TestFailureOfOneResource(t *testing.T) {
	t.Parallel()
	erp, acme := newERP(t)
	hook := newListener(t)
	for range 2 {
		acme.do("POST /api/webhooks", registration("customer.updated", hook.url), http.StatusCreated)
	}
	erp.Fail(fake.Failure{Route: "DELETE /api/webhooks/wh_2", Status: 409})
	acme.do("DELETE /api/webhooks/wh_1", "", http.StatusNoContent)
	acme.do("DELETE /api/webhooks/wh_2", "", http.StatusConflict)
	acme.do("DELETE /api/webhooks/wh_2", "", http.StatusNoContent)
}

func TestFailureHangUp(t *testing.T) {
	t.Parallel()
	erp, acme := newERP(t)
	hook := newListener(t)
	acme.do("POST /admin/fail", `{"route":"POST /api/webhooks","mode":"hangup"}`, http.StatusNoContent)
	acme.dropped("POST /api/webhooks", registration("customer.updated", hook.url))
	if len(hook.got()) != 0 || len(erp.Ledger()) != 0 {
		t.Errorf("calls %q, ledger %+v: want none", hook.got(), erp.Ledger())
	}

	acme.do("POST /admin/fail", `{"route":"POST /api/webhooks","mode":"hangup_after_commit"}`, http.StatusNoContent)
	acme.dropped("POST /api/webhooks", registration("customer.updated", hook.url))
	if len(hook.got()) != 1 || len(erp.Webhooks()) != 1 {
		t.Errorf("calls %q, webhooks %+v: want one each", hook.got(), erp.Webhooks())
	}
	erp.Fail(fake.Failure{Route: "DELETE /api/webhooks/{id}", Mode: fake.HangUpAfterCommit})
	acme.dropped("DELETE /api/webhooks/wh_1", "")
	acme.refused("DELETE /api/webhooks/wh_1", "", http.StatusNotFound, "NOT_FOUND")
}

func TestFailuresInOrder(t *testing.T) {
	t.Parallel()
	erp, acme := newERP(t)
	erp.Fail(fake.Failure{Route: "GET /api/webhooks", Status: 500, After: 1})
	erp.Fail(fake.Failure{Route: "GET /api/webhooks", Status: 502, After: 2})
	var got []int
	for range 6 {
		answered, err := acme.send("GET /api/webhooks", "")
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, answered.status)
	}
	if diff := cmp.Diff([]int{200, 500, 200, 502, 200, 200}, got); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
}

func TestFailureLetsNoMoreThanAfterPass(t *testing.T) {
	t.Parallel()
	erp, acme := newERP(t)
	hook := newListener(t)
	erp.Fail(fake.Failure{Route: "POST /api/webhooks", After: 3, Times: -1})
	var callers sync.WaitGroup
	for range 12 {
		callers.Go(func() {
			if _, err := acme.send("POST /api/webhooks", registration("customer.updated", hook.url)); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	if n := len(erp.Ledger()); n != 3 {
		t.Errorf("%d webhooks of 12 at once, want 3", n)
	}
}

func TestFailureDelay(t *testing.T) {
	t.Parallel()
	t.Run("passes", func(t *testing.T) {
		t.Parallel()
		_, acme := newERP(t)
		acme.do("POST /admin/fail", `{"route":"POST /api/customers","mode":"delay","delayMs":50}`, http.StatusNoContent)
		begin := time.Now()
		acme.do("POST /api/customers", `{}`, http.StatusCreated)
		if took := time.Since(begin); took < 50*time.Millisecond {
			t.Errorf("took %s, want 50ms or more", took)
		}
	})
	t.Run("commits although the caller left", func(t *testing.T) {
		t.Parallel()
		erp, acme := newERP(t)
		erp.Fail(fake.Failure{Route: "POST /api/customers", Mode: fake.Delay, Delay: time.Hour})
		ctx, hangUp := context.WithCancel(t.Context())
		answered := make(chan error, 1)
		go func() {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, acme.url+"/api/customers", strings.NewReader(`{}`))
			if err == nil {
				req.Header.Set("X-Api-Key", apiKey)
				var res *http.Response
				if res, err = acme.client.Do(req); err == nil {
					err = res.Body.Close()
				}
			}
			answered <- err
		}()
		eventually(t, "the request is being delayed", func() bool { return erp.Failures()[0].Struck == 1 })
		hangUp()
		if err := <-answered; err == nil {
			t.Error("the call was answered, want it to be canceled")
		}
		if n := len(erp.Customers()); n != 0 {
			t.Errorf("%d customers before the delay is over, want none", n)
		}
		erp.Heal()
		eventually(t, "the customer is stored", func() bool { return len(erp.Customers()) == 1 })
	})
}

func TestFailureInvalid(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, says string }{
		{"no JSON", `fail`, "no failure"},
		{"unknown field", `{"route":"POST /api/webhooks","statsu":500}`, "statsu"},
		{"no route", `{}`, `route "" is unknown: use one of DELETE /api/webhooks/{id}, GET`},
		{"unknown path", `{"route":"POST /api/webhook"}`, "is unknown"},
		{"no method", `{"route":"/api/webhooks"}`, "is unknown"},
		{"unknown method", `{"route":"PUT /api/webhooks"}`, "is unknown"},
		{"unknown wildcard", `{"route":"DELETE /api/webhooks/{webhook}"}`, "is unknown"},
		{"not of the API", `{"route":"GET /admin/ledger"}`, "is unknown"},
		{"event of none", `{"route":"GET /api/webhooks","event":"customer.updated"}`, "about no event"},
		{"unknown mode", `{"route":"GET /api/webhooks","mode":"sulk"}`, `mode "sulk" is unknown`},
		{"success", `{"route":"GET /api/webhooks","status":204}`, "none that fails"},
		{"status and hang-up", `{"route":"GET /api/webhooks","mode":"hangup","status":500}`, "no use in mode hangup"},
		{"no delay", `{"route":"GET /api/webhooks","mode":"delay"}`, "no time"},
		{"delay and status", `{"route":"GET /api/webhooks","delayMs":5}`, "no use in mode status"},
		{"past", `{"route":"GET /api/webhooks","after":-1}`, "in the past"},
	}
	erp, acme := newERP(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := acme
			c.TB = t
			if said := c.refused("POST /admin/fail", tt.body, http.StatusBadRequest, "INVALID_FAILURE"); !strings.Contains(said, tt.says) {
				t.Errorf("message %q does not say %q", said, tt.says)
			}
		})
	}
	if got := erp.Failures(); len(got) != 0 {
		t.Errorf("failures %+v, want none", got)
	}
	t.Run("in Go", func(t *testing.T) {
		t.Parallel()
		defer func() {
			if recover() == nil {
				t.Error("Fail did not panic on a route there is not")
			}
		}()
		fake.NewProgix(apiKey).Fail(fake.Failure{Route: "POST /api/orders"})
	})
}

func TestCloseEndsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	erp, acme := newERP(t)
	// A callback URL that never answers, one delayed request, one whose body never ends.
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(silent.Close)
	erp.SetChallengeTimeout(time.Hour)
	erp.Fail(fake.Failure{Route: "GET /api/webhooks", Mode: fake.Delay, Delay: time.Hour})
	erp.Fail(fake.Failure{Route: "POST /api/webhooks", Mode: fake.Delay, Delay: time.Nanosecond})

	var callers sync.WaitGroup
	callers.Go(func() { acme.dropped("GET /api/webhooks", "") })
	callers.Go(func() {
		got, err := acme.send("POST /api/webhooks", registration("customer.updated", silent.URL))
		if err == nil && got.status != http.StatusUnprocessableEntity {
			t.Errorf("challenge cut short: status %d: %s", got.status, got.body)
		}
	})
	reading := make(chan struct{})
	over, end := context.WithCancel(t.Context())
	defer end()
	callers.Go(func() {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, acme.url+"/api/customers", endless{begun: reading, until: over.Done()})
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("X-Api-Key", apiKey)
		// The body is asked for only when the other side begins to read it.
		req.Header.Set("Expect", "100-continue")
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, ExpectContinueTimeout: time.Minute}}
		if res, err := client.Do(req); err == nil {
			defer res.Body.Close()
			if res.StatusCode != http.StatusBadRequest {
				t.Errorf("endless body: status %d, want 400", res.StatusCode)
			}
		}
	})
	<-reading
	eventually(t, "both requests arrived", func() bool {
		states := erp.Failures()
		return states[0].Struck == 1 && states[1].Struck == 1
	})
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		erp.Close()
	}()
	select {
	case <-closed:
	case <-time.After(2 * time.Minute):
		t.Fatal("Close waits for ever")
	}
	end()
	callers.Wait()
	erp.Close() // again
	acme.refused("GET /api/webhooks", "", http.StatusServiceUnavailable, "CLOSED")
	if n := len(erp.Webhooks()); n != 0 {
		t.Errorf("%d webhooks, want none", n)
	}
}

// endless is a body of which nothing ever comes.
type endless struct {
	begun chan struct{}
	until <-chan struct{}
}

func (e endless) Read([]byte) (int, error) {
	close(e.begun)
	<-e.until
	return 0, context.Canceled
}
