package storagetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

var storeSentences = []sentence{
	{"an_ended_context_is_refused_with_its_error", func(t *testing.T, s storage.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.CreateCustomer(ctx, customer("a"), no); !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v, want that of the context", err)
		}
		if _, err := s.GetCustomer(ctx, "a"); !errors.Is(err, context.Canceled) {
			t.Errorf("error of a read is %v, want that of the context", err)
		}
		_, err := s.GetCustomer(t.Context(), "a")
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"times_are_kept_to_the_microsecond_in_utc", func(t *testing.T, s storage.Store) {
		c := customer("a")
		c.CreateTime = time.Date(2026, 5, 6, 7, 8, 9, 123456789, time.FixedZone("X", 3600))
		check(t, s.CreateCustomer(t.Context(), c, no))
		want := time.Date(2026, 5, 6, 6, 8, 9, 123456000, time.UTC)
		if got := got(s.GetCustomer(t.Context(), "a"))(t).CreateTime; !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("create time is %v, want %v", got, want)
		}
	}},
	{"what_is_returned_is_a_copy", func(t *testing.T, s storage.Store) {
		check(t, s.CreateCustomer(t.Context(), customer("a"), no))
		c := got(s.GetCustomer(t.Context(), "a"))(t)
		c.Labels["tier"] = "changed"
		same(t, "customer", customer("a"), got(s.GetCustomer(t.Context(), "a"))(t))
	}},
	{"a_receipt_is_recorded_with_its_change", func(t *testing.T, s storage.Store) {
		r := storage.Receipt{Key: "k", RequestHash: "h", Answer: []byte("{}\x00"), ExpireTime: at(60)}
		check(t, s.CreateCustomer(t.Context(), customer("a"), storage.Write{Receipt: &r}))
		same(t, "receipt", r, got(s.GetReceipt(t.Context(), "k", start))(t))
	}},
	{"a_failed_change_records_no_receipt", func(t *testing.T, s storage.Store) {
		r := storage.Receipt{Key: "k", RequestHash: "h", ExpireTime: at(60)}
		err := s.UpdateCustomer(t.Context(), customer("a"), 0, storage.Write{Receipt: &r})
		wantKind(t, err, ipaas.NotFound, "")
		_, err = s.GetReceipt(t.Context(), "k", start)
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"a_taken_receipt_key_is_reused_and_nothing_else_happens", func(t *testing.T, s storage.Store) {
		r := storage.Receipt{Key: "k", RequestHash: "h", Answer: []byte("1"), ExpireTime: at(60)}
		check(t, s.SaveReceipt(t.Context(), r))
		again := storage.Receipt{Key: "k", RequestHash: "h2", Answer: []byte("2"), ExpireTime: at(60)}
		err := s.CreateCustomer(t.Context(), customer("a"), storage.Write{Receipt: &again})
		wantKind(t, err, ipaas.Conflict, ipaas.ReasonRequestIDReused)
		wantKind(t, s.SaveReceipt(t.Context(), again), ipaas.Conflict, ipaas.ReasonRequestIDReused)
		_, err = s.GetCustomer(t.Context(), "a")
		wantKind(t, err, ipaas.NotFound, "")
		same(t, "receipt", r, got(s.GetReceipt(t.Context(), "k", start))(t))
	}},
	{"a_repeated_request_learns_of_its_receipt_before_anything_else", func(t *testing.T, s storage.Store) {
		w := storage.Write{Receipt: &storage.Receipt{Key: "k", RequestHash: "h", ExpireTime: at(60)}}
		check(t, s.CreateCustomer(t.Context(), customer("a"), w))
		wantKind(t, s.CreateCustomer(t.Context(), customer("a"), w), ipaas.Conflict, ipaas.ReasonRequestIDReused)
	}},
	{"an_expired_receipt_is_not_found", func(t *testing.T, s storage.Store) {
		check(t, s.SaveReceipt(t.Context(), storage.Receipt{Key: "k", RequestHash: "h", ExpireTime: at(60)}))
		_, err := s.GetReceipt(t.Context(), "k", at(59))
		check(t, err)
		_, err = s.GetReceipt(t.Context(), "k", at(60))
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"a_dry_run_fails_as_the_real_one_would", func(t *testing.T, s storage.Store) {
		dry := storage.Write{DryRun: true}
		check(t, s.CreateCustomer(t.Context(), customer("a"), no))
		wantKind(t, s.CreateCustomer(t.Context(), customer("a"), dry), ipaas.Exists, "")
		wantKind(t, s.UpdateCustomer(t.Context(), customer("a"), 7, dry), ipaas.Conflict, ipaas.ReasonStaleEtag)
		wantKind(t, s.UpdateCustomer(t.Context(), customer("b"), 0, dry), ipaas.NotFound, "")
	}},
	{"a_dry_run_leaves_no_trace", func(t *testing.T, s storage.Store) {
		w := storage.Write{DryRun: true, Receipt: &storage.Receipt{Key: "k", RequestHash: "h", ExpireTime: at(60)}}
		check(t, s.CreateCustomer(t.Context(), customer("a"), w))
		_, err := s.GetCustomer(t.Context(), "a")
		wantKind(t, err, ipaas.NotFound, "")
		_, err = s.GetReceipt(t.Context(), "k", start)
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"a_ping_tells_that_it_works", func(t *testing.T, s storage.Store) { check(t, s.Ping(t.Context())) }},
	{"later_calls_on_a_closed_store_fail", func(t *testing.T, s storage.Store) {
		check(t, s.CreateCustomer(t.Context(), customer("a"), no))
		check(t, s.Close())
		if err := s.CreateCustomer(t.Context(), customer("b"), no); err == nil {
			t.Error("a write went through")
		}
		if _, err := s.GetCustomer(t.Context(), "a"); err == nil {
			t.Error("a read went through")
		}
		if err := s.Ping(t.Context()); err == nil {
			t.Error("a ping went through")
		}
	}},
}
