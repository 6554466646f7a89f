package storagetest

import (
	"testing"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

func tokens(hooks []ipaas.Webhook) map[string]string {
	m := map[string]string{}
	for _, h := range hooks {
		m[h.FlowID] = h.TokenHash
	}
	return m
}

var webhookSentences = []sentence{
	{"a_hook_is_found_by_the_hash_of_its_token", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		in := w.active("i")
		h, found, err := s.LookupWebhook(t.Context(), in.UID+"-orders", start)
		check(t, err)
		want := hook("orders", in.UID+"-orders")
		want.InstanceID = "i"
		same(t, "hook", want, h)
		same(t, "instance", in, found)
		_, _, err = s.LookupWebhook(t.Context(), "unknown", start)
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"a_flow_that_has_a_hook_keeps_it", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		in := w.instance("i")
		all := got(s.AddWebhooks(t.Context(), "i", []ipaas.Webhook{hook("orders", "other"), hook("new", "new-token")}))(t)
		want := map[string]string{"orders": in.UID + "-orders", "items": in.UID + "-items", "new": "new-token"}
		same(t, "returned", want, tokens(all))
		same(t, "listed", want, tokens(got(s.ListWebhooks(t.Context(), "i"))(t)))
		_, _, err := s.LookupWebhook(t.Context(), "other", start)
		wantKind(t, err, ipaas.NotFound, "")
	}},
	{"a_rotated_hook_works_until_it_expires", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		in := w.active("i")
		after := got(s.RotateWebhooks(t.Context(), "i", []ipaas.Webhook{hook("orders", "fresh")}, at(100), in.Revision, at(50), no))(t)
		if after.Revision != in.Revision+1 || !after.UpdateTime.Equal(at(50)) {
			t.Errorf("instance is %+v", after)
		}
		same(t, "current", map[string]string{"orders": "fresh", "items": in.UID + "-items"}, tokens(got(s.ListWebhooks(t.Context(), "i"))(t)))
		old, _, err := s.LookupWebhook(t.Context(), in.UID+"-orders", at(99))
		check(t, err)
		if old.Current || !old.ExpireTime.Equal(at(100)) {
			t.Errorf("the old hook is %+v", old)
		}
		_, _, err = s.LookupWebhook(t.Context(), in.UID+"-orders", at(100))
		wantKind(t, err, ipaas.NotFound, "")
		fresh, _, err := s.LookupWebhook(t.Context(), "fresh", at(1000))
		check(t, err)
		if !fresh.Current || !fresh.ExpireTime.IsZero() {
			t.Errorf("the fresh hook is %+v", fresh)
		}
		_, err = s.RotateWebhooks(t.Context(), "i", nil, at(100), in.Revision, at(51), no)
		wantKind(t, err, ipaas.Conflict, ipaas.ReasonStaleEtag)
	}},
	{"expire_deletes_rotated_hooks_whose_time_has_come", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		in := w.active("i")
		got(s.RotateWebhooks(t.Context(), "i", []ipaas.Webhook{hook("orders", "fresh")}, at(100), 0, at(50), no))(t)
		if n := got(s.Expire(t.Context(), at(99), start))(t); n != 0 {
			t.Errorf("expired %d rows too early", n)
		}
		if n := got(s.Expire(t.Context(), at(100), start))(t); n != 1 {
			t.Errorf("expired %d rows, want 1", n)
		}
		_, _, err := s.LookupWebhook(t.Context(), in.UID+"-orders", start)
		wantKind(t, err, ipaas.NotFound, "")
		_, _, err = s.LookupWebhook(t.Context(), "fresh", start.Add(time.Hour))
		check(t, err)
	}},
	{"hooks_stay_over_undeploying_and_deploying_again", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		in := w.active("i")
		got(s.BeginRemoval(t.Context(), "i", ipaas.InstanceUndeployed, 0, start, no))(t)
		_, gone, err := s.LookupWebhook(t.Context(), in.UID+"-orders", start)
		check(t, err)
		if gone.State != ipaas.InstanceUndeployed {
			t.Errorf("the instance is %s", gone.State)
		}
		_, hooks, err := s.BeginDeployment(t.Context(), w.deployment("i", definition("ERP", "orders")), []ipaas.Webhook{hook("orders", "other")}, 0)
		check(t, err)
		same(t, "hooks", map[string]string{"orders": in.UID + "-orders", "items": in.UID + "-items"}, tokens(hooks))
	}},
	{"the_hook_that_all_instances_of_an_integration_share_is_listed_with_each", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		in := w.active("i")
		shared := hook(ipaas.SharedEndpoint, "shared")
		of := got(s.AddWebhooks(t.Context(), "erp--test", []ipaas.Webhook{shared, hook(ipaas.InstanceEndpoint, "of-test")}))(t)
		same(t, "the test instance's", map[string]string{ipaas.SharedEndpoint: "shared", ipaas.InstanceEndpoint: "of-test"}, tokens(of))
		want := map[string]string{"orders": in.UID + "-orders", "items": in.UID + "-items", ipaas.SharedEndpoint: "shared"}
		same(t, "listed", want, tokens(got(s.ListWebhooks(t.Context(), "i"))(t)))
		_, begun, err := s.BeginDeployment(t.Context(), w.deployment("i", definition("ERP", "orders")), nil, 0)
		check(t, err)
		same(t, "of a deployment", want, tokens(begun))
		found, test, err := s.LookupWebhook(t.Context(), "shared", start)
		check(t, err)
		if found.FlowID != ipaas.SharedEndpoint || test.ID != "erp--test" {
			t.Errorf("found %+v of %s", found, test.ID)
		}
		got(s.RotateWebhooks(t.Context(), "erp--test", []ipaas.Webhook{hook(ipaas.SharedEndpoint, "fresh")}, at(100), 0, at(50), no))(t)
		want[ipaas.SharedEndpoint] = "fresh"
		same(t, "rotated", want, tokens(got(s.ListWebhooks(t.Context(), "i"))(t)))
		w.integration("other")
		same(t, "of another integration", nil, got(s.ListWebhooks(t.Context(), "other--test"))(t))
	}},
	{"hooks_of_an_unknown_instance_are_not_found", func(t *testing.T, s storage.Store) {
		_, err := s.ListWebhooks(t.Context(), "i")
		wantKind(t, err, ipaas.NotFound, "")
		_, err = s.AddWebhooks(t.Context(), "i", nil)
		wantKind(t, err, ipaas.NotFound, "")
		_, err = s.RotateWebhooks(t.Context(), "i", nil, start, 0, start, no)
		wantKind(t, err, ipaas.NotFound, "")
	}},
}
