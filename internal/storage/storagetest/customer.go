package storagetest

import (
	"testing"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

var customerSentences = []sentence{
	{"a_customer_comes_back_as_it_was_given", func(t *testing.T, s storage.Store) {
		check(t, s.CreateCustomer(t.Context(), customer("a"), no))
		same(t, "customer", customer("a"), got(s.GetCustomer(t.Context(), "a"))(t))
		wantKind(t, s.CreateCustomer(t.Context(), customer("a"), no), ipaas.Exists, ipaas.ReasonAlreadyExists)
		_, err := s.GetCustomer(t.Context(), "b")
		wantKind(t, err, ipaas.NotFound, ipaas.ReasonNotFound)
	}},
	{"an_update_replaces_it_and_counts_the_revision", func(t *testing.T, s storage.Store) {
		check(t, s.CreateCustomer(t.Context(), customer("a"), no))
		c := customer("a")
		c.DisplayName, c.ExternalID, c.Description, c.Labels, c.UpdateTime = "New", "", "", nil, at(9)
		check(t, s.UpdateCustomer(t.Context(), c, 1, no))
		c.Revision = 2
		same(t, "customer", c, got(s.GetCustomer(t.Context(), "a"))(t))
		wantKind(t, s.UpdateCustomer(t.Context(), c, 1, no), ipaas.Conflict, ipaas.ReasonStaleEtag)
		check(t, s.UpdateCustomer(t.Context(), c, 0, no))
		wantKind(t, s.UpdateCustomer(t.Context(), customer("b"), 0, no), ipaas.NotFound, "")
	}},
	{"a_deleted_customer_is_forgotten", func(t *testing.T, s storage.Store) {
		check(t, s.CreateCustomer(t.Context(), customer("a"), no))
		wantKind(t, s.DeleteCustomer(t.Context(), "a", 2, no), ipaas.Conflict, ipaas.ReasonStaleEtag)
		check(t, s.DeleteCustomer(t.Context(), "a", 1, no))
		_, err := s.GetCustomer(t.Context(), "a")
		wantKind(t, err, ipaas.NotFound, "")
		wantKind(t, s.DeleteCustomer(t.Context(), "a", 0, no), ipaas.NotFound, "")
	}},
	{"a_customer_with_instances_is_not_deleted", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.instance("i")
		wantKind(t, s.DeleteCustomer(t.Context(), "progix", 0, no), ipaas.Precondition, ipaas.ReasonInUse)
		w.delete("i")
		check(t, s.DeleteCustomer(t.Context(), "progix", 0, no))
	}},
	{"customers_are_listed_by_id", func(t *testing.T, s storage.Store) {
		for _, id := range []string{"b", "c", "a"} {
			check(t, s.CreateCustomer(t.Context(), customer(id), no))
		}
		same(t, "ids", []string{"a", "b", "c"}, customerIDs(t, s, storage.Query{Size: 9}))
	}},
}
