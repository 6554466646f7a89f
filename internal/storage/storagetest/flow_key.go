package storagetest

import (
	"fmt"
	"testing"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// flowKey returns a key of a flow of an instance, or else of the integration "erp".
func flowKey(instanceID, flowID, id string, seconds int) ipaas.FlowKey {
	k := ipaas.FlowKey{
		ID: id, InstanceID: instanceID, FlowID: flowID, DisplayName: "Key " + id, Hash: "hash-" + instanceID + flowID + id, Sealed: "sealed-" + id,
		LastFour: "1234", CreateTime: at(seconds),
	}
	if instanceID == "" {
		k.IntegrationID = "erp"
	}
	return k
}

var flowKeySentences = []sentence{
	{"keys_come_back_as_they_were_given", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("i")
		w.instance("j")
		items, first, second := flowKey("i", "items", "a", 1), flowKey("i", "orders", "b", 2), flowKey("i", "orders", "a", 3)
		shared := flowKey("", "items", "a", 4)
		for _, k := range []ipaas.FlowKey{first, second, shared, items, flowKey("j", "orders", "a", 5), flowKey("erp--test", "no-such-flow", "a", 6)} {
			check(t, s.CreateFlowKey(t.Context(), k, no))
		}
		same(t, "all", []ipaas.FlowKey{items, shared, first, second}, got(s.ListFlowKeys(t.Context(), "i", "erp"))(t))
		same(t, "the instance's", []ipaas.FlowKey{items, first, second}, got(s.ListFlowKeys(t.Context(), "i", ""))(t))
		same(t, "the integration's", []ipaas.FlowKey{shared}, got(s.ListFlowKeys(t.Context(), "", "erp"))(t))
		same(t, "nobody's", nil, got(s.ListFlowKeys(t.Context(), "", ""))(t))
	}},
	{"an_id_and_a_hash_are_unique_in_a_flow_alone", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("i")
		w.instance("j")
		k := flowKey("i", "orders", "a", 1)
		check(t, s.CreateFlowKey(t.Context(), k, no))
		wantKind(t, s.CreateFlowKey(t.Context(), k, no), ipaas.Exists, ipaas.ReasonAlreadyExists)
		other := k
		other.Hash = "other"
		wantKind(t, s.CreateFlowKey(t.Context(), other, no), ipaas.Exists, ipaas.ReasonAlreadyExists)
		other = k
		other.ID = "b"
		wantKind(t, s.CreateFlowKey(t.Context(), other, no), ipaas.Exists, ipaas.ReasonAlreadyExists)
		for _, elsewhere := range []ipaas.FlowKey{{InstanceID: "i", FlowID: "items"}, {InstanceID: "j", FlowID: "orders"}, {IntegrationID: "erp", FlowID: "orders"}} {
			elsewhere.ID, elsewhere.Hash, elsewhere.CreateTime = k.ID, k.Hash, at(2)
			check(t, s.CreateFlowKey(t.Context(), elsewhere, no))
		}
	}},
	{"a_flow_has_so_many_keys_at_most", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("i")
		for n := range ipaas.MaxFlowKeys {
			check(t, s.CreateFlowKey(t.Context(), flowKey("i", "orders", fmt.Sprint("k", n), n), no))
		}
		wantKind(t, s.CreateFlowKey(t.Context(), flowKey("i", "orders", "more", 99), no), ipaas.Exhausted, ipaas.ReasonTooManyKeys)
		check(t, s.CreateFlowKey(t.Context(), flowKey("i", "items", "more", 99), no))
		check(t, s.DeleteFlowKey(t.Context(), ipaas.FlowKey{ID: "k7", InstanceID: "i", FlowID: "orders"}, no))
		check(t, s.CreateFlowKey(t.Context(), flowKey("i", "orders", "more", 99), no))
	}},
	{"a_deleted_key_is_gone_and_no_other", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("i")
		first, second, shared := flowKey("i", "orders", "a", 1), flowKey("i", "orders", "b", 2), flowKey("", "orders", "a", 3)
		for _, k := range []ipaas.FlowKey{first, second, shared} {
			check(t, s.CreateFlowKey(t.Context(), k, no))
		}
		check(t, s.DeleteFlowKey(t.Context(), ipaas.FlowKey{ID: "a", InstanceID: "i", FlowID: "orders"}, storage.Write{DryRun: true}))
		check(t, s.DeleteFlowKey(t.Context(), ipaas.FlowKey{ID: "a", InstanceID: "i", FlowID: "orders"}, no))
		wantKind(t, s.DeleteFlowKey(t.Context(), ipaas.FlowKey{ID: "a", InstanceID: "i", FlowID: "orders"}, no), ipaas.NotFound, "")
		wantKind(t, s.DeleteFlowKey(t.Context(), ipaas.FlowKey{ID: "b", InstanceID: "i", FlowID: "items"}, no), ipaas.NotFound, "")
		same(t, "left", []ipaas.FlowKey{second, shared}, got(s.ListFlowKeys(t.Context(), "i", "erp"))(t))
		check(t, s.DeleteFlowKey(t.Context(), ipaas.FlowKey{ID: "b", InstanceID: "i", FlowID: "orders"}, no))
		check(t, s.DeleteFlowKey(t.Context(), ipaas.FlowKey{ID: "a", IntegrationID: "erp", FlowID: "orders"}, no))
		same(t, "left", nil, got(s.ListFlowKeys(t.Context(), "i", "erp"))(t))
	}},
	{"keys_of_what_is_unknown_are_not_found", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		wantKind(t, s.CreateFlowKey(t.Context(), flowKey("i", "orders", "a", 1), no), ipaas.NotFound, "")
		unknown := ipaas.FlowKey{ID: "a", IntegrationID: "nothing", FlowID: "orders"}
		wantKind(t, s.CreateFlowKey(t.Context(), unknown, no), ipaas.NotFound, "")
		wantKind(t, s.DeleteFlowKey(t.Context(), unknown, no), ipaas.NotFound, "")
		_, err := s.ListFlowKeys(t.Context(), "i", "")
		wantKind(t, err, ipaas.NotFound, "")
		_, err = s.ListFlowKeys(t.Context(), "", "nothing")
		wantKind(t, err, ipaas.NotFound, "")
		w.instance("i")
		check(t, s.CreateFlowKey(t.Context(), flowKey("i", "orders", "a", 1), no))
	}},
	{"keys_are_gone_with_what_they_belong_to", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		old := w.active("i")
		check(t, s.CreateFlowKey(t.Context(), flowKey("i", "orders", "a", 1), no))
		w.delete("i")
		hook, _, err := s.LookupWebhook(t.Context(), old.UID+"-orders", start)
		check(t, err)
		same(t, "of the tombstone", nil, hook.Keys)
		w.instance("i")
		same(t, "of the next with the id", nil, got(s.ListFlowKeys(t.Context(), "i", ""))(t))

		w.integration("other")
		shared := flowKey("", "orders", "a", 2)
		shared.IntegrationID = "other"
		check(t, s.CreateFlowKey(t.Context(), shared, no))
		check(t, s.CreateFlowKey(t.Context(), flowKey("other--test", "orders", "a", 3), no))
		check(t, s.DeleteIntegration(t.Context(), "other", 0, no))
		w.integration("other")
		same(t, "of the next integration", nil, got(s.ListFlowKeys(t.Context(), "other--test", "other"))(t))
	}},
	{"a_hook_is_found_with_the_keys_of_its_flow", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		in := w.active("i")
		w.active("j")
		first, second, shared := flowKey("i", "orders", "a", 1), flowKey("i", "orders", "b", 2), flowKey("", "orders", "c", 3)
		for _, k := range []ipaas.FlowKey{first, second, shared, flowKey("j", "orders", "d", 4), flowKey("i", "items", "e", 5), flowKey("", "items", "f", 6)} {
			check(t, s.CreateFlowKey(t.Context(), k, no))
		}
		hook, _, err := s.LookupWebhook(t.Context(), in.UID+"-orders", start)
		check(t, err)
		same(t, "the instance's", []ipaas.FlowKey{first, second}, hook.Keys)
		same(t, "the integration's", []ipaas.FlowKey{shared}, hook.SharedKeys)
		// A rotated hook asks for the same keys.
		got(s.RotateWebhooks(t.Context(), "i", []ipaas.Webhook{{TokenHash: "fresh", TokenSealed: "s", FlowID: "orders", Current: true}}, at(100), 0, at(50), no))(t)
		for _, token := range []string{in.UID + "-orders", "fresh"} {
			hook, _, err := s.LookupWebhook(t.Context(), token, at(60))
			check(t, err)
			same(t, "of "+token, []ipaas.FlowKey{first, second}, hook.Keys)
		}
	}},
}
