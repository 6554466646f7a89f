package storagetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// compare returns a comparison.
func compare(field string, operator storage.Operator, value any) *storage.Filter {
	return &storage.Filter{Field: field, Operator: operator, Value: value}
}

func join(with storage.Join, filters ...*storage.Filter) *storage.Filter {
	return &storage.Filter{Join: with, Filters: filters}
}

// customerIDs returns what a query finds.
func customerIDs(t *testing.T, s storage.Store, q storage.Query) []string {
	t.Helper()
	page := got(s.ListCustomers(t.Context(), q))(t)
	return ids(page.Items, func(c ipaas.Customer) string { return c.ID })
}

// people adds customers with names, each a second later than the one before.
func people(t *testing.T, s storage.Store, names ...string) {
	t.Helper()
	for i, name := range names {
		c := customer(fmt.Sprintf("c-%02d", i))
		c.DisplayName, c.CreateTime, c.UpdateTime = name, at(i), at(-i)
		check(t, s.CreateCustomer(t.Context(), c, no))
	}
}

var querySentences = []sentence{
	{"operators_compare", func(t *testing.T, s storage.Store) {
		people(t, s, "a", "b", "c")
		for _, tt := range []struct {
			operator storage.Operator
			want     []string
		}{
			{storage.Equal, []string{"c-01"}},
			{storage.NotEqual, []string{"c-00", "c-02"}},
			{storage.Less, []string{"c-00"}},
			{storage.LessOrEqual, []string{"c-00", "c-01"}},
			{storage.Greater, []string{"c-02"}},
			{storage.GreaterOrEqual, []string{"c-01", "c-02"}},
		} {
			same(t, "texts "+string(tt.operator), tt.want, customerIDs(t, s, storage.Query{Size: 9, Filter: compare("display_name", tt.operator, "b")}))
			same(t, "times "+string(tt.operator), tt.want, customerIDs(t, s, storage.Query{Size: 9, Filter: compare("create_time", tt.operator, storage.Time(at(1)))}))
		}
	}},
	{"numbers_and_booleans_compare", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		w.publish(definition("ERP 2"))
		w.publish(definition("ERP 3"))
		versions := got(s.ListIntegrationVersions(t.Context(), "erp", storage.Query{Size: 9, Filter: compare("version", storage.Less, int64(3))}))(t)
		same(t, "versions", []string{"2", "1"}, ids(versions.Items, func(v ipaas.IntegrationVersion) string { return fmt.Sprint(v.Version) }))
		w.active("i")
		w.active("j")
		got(s.PauseInstance(t.Context(), "i", ipaas.PauseHold, 0, start, no))(t)
		paused := got(s.ListInstances(t.Context(), storage.Query{Size: 9, Filter: compare("paused", storage.NotEqual, false)}))(t)
		same(t, "paused", []string{"i"}, ids(paused.Items, func(in ipaas.Instance) string { return in.ID }))
	}},
	{"and_or_not_join", func(t *testing.T, s storage.Store) {
		people(t, s, "a", "b", "c")
		a, b := compare("display_name", storage.Equal, "a"), compare("display_name", storage.Equal, "b")
		for _, tt := range []struct {
			name   string
			filter *storage.Filter
			want   []string
		}{
			{"or", join(storage.Or, a, b), []string{"c-00", "c-01"}},
			{"and", join(storage.And, a, b), nil},
			{"not", join(storage.Not, join(storage.Or, a, b)), []string{"c-02"}},
			{"or_within_and", join(storage.And, join(storage.Or, a, b), join(storage.Not, a)), []string{"c-01"}},
			{"and_of_nothing", join(storage.And), []string{"c-00", "c-01", "c-02"}},
			{"or_of_nothing", join(storage.Or), nil},
		} {
			same(t, tt.name, tt.want, customerIDs(t, s, storage.Query{Size: 9, Filter: tt.filter}))
		}
	}},
	{"asterisks_at_the_ends_match_and_nothing_else_does", func(t *testing.T, s storage.Store) {
		people(t, s, "Acme ERP", "acme erp", "Acme*ERP", "100% [x]", "Acme?ERP", "")
		for _, tt := range []struct {
			text string
			want []string
		}{
			{"Acme*", []string{"c-00", "c-02", "c-04"}},
			{"*ERP", []string{"c-00", "c-02", "c-04"}},
			{"*erp", []string{"c-01"}},
			{"*me E*", []string{"c-00"}},
			{"*me*E*", []string{"c-02"}},
			{"*?*", []string{"c-04"}},
			{"*% [x]", []string{"c-03"}},
			{"*[*", []string{"c-03"}},
			{"Acme*ERP", []string{"c-02"}},
			{"*", []string{"c-00", "c-01", "c-02", "c-03", "c-04", "c-05"}},
			{"", []string{"c-05"}},
		} {
			same(t, tt.text, tt.want, customerIDs(t, s, storage.Query{Size: 9, Filter: compare("display_name", storage.Equal, tt.text)}))
		}
		same(t, "not Acme*", []string{"c-01", "c-03", "c-05"},
			customerIDs(t, s, storage.Query{Size: 9, Filter: compare("display_name", storage.NotEqual, "Acme*")}))
	}},
	{"values_are_never_read_as_more_than_values", func(t *testing.T, s storage.Store) {
		people(t, s, `x' OR '1'='1`, `"; DROP TABLE customers; --`, "$1")
		for i, name := range []string{`x' OR '1'='1`, `"; DROP TABLE customers; --`, "$1"} {
			same(t, name, []string{fmt.Sprintf("c-%02d", i)}, customerIDs(t, s, storage.Query{Size: 9, Filter: compare("display_name", storage.Equal, name)}))
		}
	}},
	{"what_a_list_does_not_have_is_refused", func(t *testing.T, s storage.Store) {
		for _, tt := range []struct {
			name   string
			query  storage.Query
			field  string
			reason ipaas.Reason
		}{
			{"unknown_field", storage.Query{Size: 1, Filter: compare("uid", storage.Equal, "x")}, "filter", ipaas.ReasonUnknownField},
			{"spliced_field", storage.Query{Size: 1, Filter: compare("id = id OR id", storage.Equal, "x")}, "filter", ipaas.ReasonUnknownField},
			{"unknown_operator", storage.Query{Size: 1, Filter: compare("id", "LIKE", "x")}, "filter", ipaas.ReasonMalformed},
			{"unknown_join", storage.Query{Size: 1, Filter: join("XOR")}, "filter", ipaas.ReasonMalformed},
			{"not_of_two", storage.Query{Size: 1, Filter: join(storage.Not, join(storage.And), join(storage.And))}, "filter", ipaas.ReasonMalformed},
			{"text_for_time", storage.Query{Size: 1, Filter: compare("create_time", storage.Equal, "x")}, "filter", ipaas.ReasonWrongType},
			{"number_for_text", storage.Query{Size: 1, Filter: compare("id", storage.Equal, int64(1))}, "filter", ipaas.ReasonWrongType},
			{"nothing_for_text", storage.Query{Size: 1, Filter: compare("id", storage.Equal, nil)}, "filter", ipaas.ReasonWrongType},
			{"too_deep", storage.Query{Size: 1, Filter: deep(200)}, "filter", ipaas.ReasonTooDeep},
			{"unknown_order", storage.Query{Size: 1, OrderBy: []storage.Order{{Field: "uid"}}}, "order_by", ipaas.ReasonUnknownField},
			{"order_twice", storage.Query{Size: 1, OrderBy: []storage.Order{{Field: "id"}, {Field: "id", Desc: true}}}, "order_by", ipaas.ReasonDuplicate},
			{"no_size", storage.Query{}, "page_size", ipaas.ReasonMalformed},
			{"cursor_of_nothing", storage.Query{Size: 1, After: "x"}, "page_token", ipaas.ReasonMalformed},
		} {
			t.Run(tt.name, func(t *testing.T) {
				_, err := s.ListCustomers(t.Context(), tt.query)
				wantViolation(t, err, tt.field, tt.reason)
			})
		}
		_, err := s.ListInstances(t.Context(), storage.Query{Size: 1, Filter: compare("paused", storage.Less, true)})
		wantViolation(t, err, "filter", ipaas.ReasonMalformed)
		_, err = s.ListInstances(t.Context(), storage.Query{Size: 1, Filter: compare("version", storage.Less, "1")})
		wantViolation(t, err, "filter", ipaas.ReasonWrongType)
	}},
	{"a_page_holds_at_most_its_size_and_tells_where_the_next_begins", func(t *testing.T, s storage.Store) {
		people(t, s, "a", "b", "c")
		first := got(s.ListCustomers(t.Context(), storage.Query{Size: 2}))(t)
		same(t, "first", []string{"c-00", "c-01"}, ids(first.Items, func(c ipaas.Customer) string { return c.ID }))
		if first.Next == "" {
			t.Fatal("no next page is told of")
		}
		second := got(s.ListCustomers(t.Context(), storage.Query{Size: 2, After: first.Next}))(t)
		same(t, "second", []string{"c-02"}, ids(second.Items, func(c ipaas.Customer) string { return c.ID }))
		if second.Next != "" {
			t.Errorf("a next page is told of after the last: %q", second.Next)
		}
		if all := got(s.ListCustomers(t.Context(), storage.Query{Size: 3}))(t); all.Next != "" {
			t.Errorf("a next page is told of after exactly all: %q", all.Next)
		}
	}},
	{"pages_in_any_order_make_the_whole", wholePages},
	{"a_row_that_comes_or_goes_moves_no_other_over_a_page's_edge", func(t *testing.T, s storage.Store) {
		people(t, s, "b", "d", "f", "h")
		q := storage.Query{Size: 2, OrderBy: []storage.Order{{Field: "display_name"}}}
		first := got(s.ListCustomers(t.Context(), q))(t)
		c := customer("new")
		c.DisplayName = "a"
		check(t, s.CreateCustomer(t.Context(), c, no))
		check(t, s.DeleteCustomer(t.Context(), "c-01", 0, no))
		q.After = first.Next
		same(t, "second page", []string{"c-02", "c-03"}, customerIDs(t, s, q))
	}},
	{"a_cursor_fits_its_own_list_and_order_only", func(t *testing.T, s storage.Store) {
		w := newWorld(t, s)
		people(t, s, "a", "b", "c")
		w.integration("other")
		next := got(s.ListCustomers(t.Context(), storage.Query{Size: 1}))(t).Next
		_, err := s.ListCustomers(t.Context(), storage.Query{Size: 1, After: next, OrderBy: []storage.Order{{Field: "display_name"}}})
		wantViolation(t, err, "page_token", ipaas.ReasonMalformed)
		_, err = s.ListCustomers(t.Context(), storage.Query{Size: 1, After: next, OrderBy: []storage.Order{{Field: "id", Desc: true}}})
		wantViolation(t, err, "page_token", ipaas.ReasonMalformed)
		_, err = s.ListIntegrations(t.Context(), storage.Query{Size: 1, After: next})
		wantViolation(t, err, "page_token", ipaas.ReasonMalformed)
	}},
	{"every_field_of_every_list_filters_and_orders", everyField},
}

func deep(n int) *storage.Filter {
	f := compare("id", storage.Equal, "x")
	for range n {
		f = join(storage.Not, f)
	}
	return f
}

// wholePages walks through lists with equal values in every order and direction, page by page.
func wholePages(t *testing.T, s storage.Store) {
	for i := range 12 {
		c := customer(fmt.Sprintf("c-%02d", i*7%12))
		c.DisplayName, c.ExternalID, c.CreateTime = fmt.Sprint(i%3), fmt.Sprint(i%2), at(i%4)
		check(t, s.CreateCustomer(t.Context(), c, no))
	}
	fields := []string{"display_name", "external_id", "create_time", "id"}
	for _, one := range fields {
		for _, two := range fields {
			for directions := range 4 {
				order := []storage.Order{{Field: one, Desc: directions&1 != 0}}
				if one != two {
					order = append(order, storage.Order{Field: two, Desc: directions&2 != 0})
				}
				whole := customerIDs(t, s, storage.Query{Size: 100, OrderBy: order})
				var pages []string
				for q := (storage.Query{Size: 5, OrderBy: order}); ; {
					page := got(s.ListCustomers(t.Context(), q))(t)
					pages = append(pages, ids(page.Items, func(c ipaas.Customer) string { return c.ID })...)
					if q.After = page.Next; q.After == "" {
						break
					}
				}
				same(t, fmt.Sprint(order), whole, pages)
				if len(whole) != 12 {
					t.Errorf("%v gives %d rows, want 12", order, len(whole))
				}
			}
		}
	}
}

// everyField asks each list for each of its fields.
func everyField(t *testing.T, s storage.Store) {
	w := newWorld(t, s)
	w.active("i")
	w.accept("i", "orders")
	check(t, s.CreateComponent(t.Context(), component("acme", 1), no))
	type lister func(ctx context.Context, q storage.Query) (int, error)
	count := func(n int, err error) (int, error) { return n, err }
	texts, times := []string{"id", "display_name"}, []string{"create_time", "update_time"}
	for _, list := range []struct {
		name    string
		list    lister
		texts   []string
		numbers []string
		flags   []string
		times   []string
	}{
		{"components", func(ctx context.Context, q storage.Query) (int, error) {
			p, err := s.ListComponents(ctx, q)
			return count(len(p.Items), err)
		}, append(slices.Clone(texts), "kind"), nil, nil, times},
		{"integrations", func(ctx context.Context, q storage.Query) (int, error) {
			p, err := s.ListIntegrations(ctx, q)
			return count(len(p.Items), err)
		}, append(slices.Clone(texts), "category"), nil, nil, times},
		{"versions", func(ctx context.Context, q storage.Query) (int, error) {
			p, err := s.ListIntegrationVersions(ctx, "erp", q)
			return count(len(p.Items), err)
		}, nil, []string{"version"}, nil, []string{"create_time"}},
		{"customers", func(ctx context.Context, q storage.Query) (int, error) {
			p, err := s.ListCustomers(ctx, q)
			return count(len(p.Items), err)
		}, append(slices.Clone(texts), "external_id"), nil, nil, times},
		{"instances", func(ctx context.Context, q storage.Query) (int, error) {
			p, err := s.ListInstances(ctx, q)
			return count(len(p.Items), err)
		}, append(slices.Clone(texts), "customer_id", "integration_id", "state"), []string{"version"}, []string{"paused"}, times},
		{"deployments", func(ctx context.Context, q storage.Query) (int, error) {
			p, err := s.ListDeployments(ctx, "i", q)
			return count(len(p.Items), err)
		}, []string{"state"}, []string{"version"}, nil, []string{"create_time"}},
		{"executions", func(ctx context.Context, q storage.Query) (int, error) {
			p, err := s.ListExecutions(ctx, q)
			return count(len(p.Items), err)
		}, []string{"id", "instance_id", "customer_id", "integration_id", "flow_id", "deployment_id", "state", "invoke_type"}, nil, []string{"test"}, []string{"create_time"}},
	} {
		all := func(field string, filter *storage.Filter) {
			t.Helper()
			n, err := list.list(t.Context(), storage.Query{Size: 9, Filter: filter, OrderBy: []storage.Order{{Field: field, Desc: true}}})
			if err != nil || n == 0 {
				t.Errorf("%s by %s gives %d rows and error %v", list.name, field, n, err)
			}
		}
		for _, f := range list.texts {
			all(f, compare(f, storage.GreaterOrEqual, ""))
		}
		for _, f := range list.numbers {
			all(f, compare(f, storage.GreaterOrEqual, int64(0)))
		}
		for _, f := range list.flags {
			all(f, compare(f, storage.Equal, false))
		}
		for _, f := range list.times {
			all(f, compare(f, storage.Greater, storage.Time(start.Add(-time.Hour))))
		}
	}
}
