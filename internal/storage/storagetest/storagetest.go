// Package storagetest proves that a store keeps the contract of package storage: it has a test for each sentence written there,
// named by what must hold. A store's own tests call Run with a function that opens an empty store.
// It must not know how a store keeps what it remembers: it goes through the interface only.
package storagetest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// A sentence of the contract, and the proof that it holds.
type sentence struct {
	name  string
	proof func(t *testing.T, s storage.Store)
}

// Run checks every sentence, each on a store of its own. The function that opens a store also sees to it that it is closed.
func Run(t *testing.T, open func(t *testing.T) storage.Store) {
	t.Helper()
	for _, part := range []struct {
		name      string
		sentences []sentence
	}{
		{"store", storeSentences},
		{"query", querySentences},
		{"components", componentSentences},
		{"integrations", integrationSentences},
		{"customers", customerSentences},
		{"instances", instanceSentences},
		{"webhooks", webhookSentences},
		{"flow_keys", flowKeySentences},
		{"deployments", deploymentSentences},
		{"registrations", registrationSentences},
		{"cleanup_debts", cleanupDebtSentences},
		{"upgrades", upgradeSentences},
		{"executions", executionSentences},
		{"lanes", laneSentences},
		{"claims", claimSentences},
		{"retries", retrySentences},
		{"steps", stepSentences},
		{"progress", progressSentences},
		{"state", stateSentences},
		{"invocations", invocationSentences},
		{"request_keys", requestKeySentences},
		{"schedules", scheduleSentences},
		{"retention", retentionSentences},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			for _, s := range part.sentences {
				t.Run(s.name, func(t *testing.T) {
					t.Parallel()
					s.proof(t, open(t))
				})
			}
		})
	}
}

// start is the moment at which every test begins, with as many digits as are kept.
var start = time.Date(2026, 1, 2, 3, 4, 5, 123456000, time.UTC)

// at is so many seconds later.
func at(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

// never is a time that has not come in any test.
var never = start.AddDate(10, 0, 0)

// no is the write that asks for nothing special.
var no = storage.Write{}

// check ends the test on an error.
func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// got ends the test on an error, else it returns the value.
func got[T any](value T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		check(t, err)
		return value
	}
}

// wantKind checks the kind of an error, and its reason unless that is empty.
func wantKind(t *testing.T, err error, kind ipaas.Kind, reason ipaas.Reason) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("error is %v, want one of kind %q", err, kind)
	}
	if reason != "" && ipaas.ReasonOf(err) != reason {
		t.Fatalf("reason is %s, want %s (%v)", ipaas.ReasonOf(err), reason, err)
	}
}

// same compares whole values; nothing and emptiness are the same.
func same[T any](t *testing.T, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// wantViolation checks that an error is Invalid and names a field.
func wantViolation(t *testing.T, err error, field string, reason ipaas.Reason) {
	t.Helper()
	wantKind(t, err, ipaas.Invalid, ipaas.ReasonInvalidArgument)
	var e *ipaas.Error
	if !errors.As(err, &e) {
		t.Fatalf("error is %T", err)
	}
	for _, v := range e.Violations {
		if v.Field == field && v.Reason == reason && v.Description != "" {
			return
		}
	}
	t.Errorf("violations are %+v, want one of field %q with reason %s", e.Violations, field, reason)
}

func isKind(err error, kind ipaas.Kind) bool { return errors.Is(err, kind) }
