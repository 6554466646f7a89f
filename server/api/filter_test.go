package api

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

func TestFilter(t *testing.T) {
	t.Parallel()
	is := func(field string, operator storage.Operator, v any) *storage.Filter {
		return &storage.Filter{Field: field, Operator: operator, Value: v}
	}
	join := func(j storage.Join, filters ...*storage.Filter) *storage.Filter {
		return &storage.Filter{Join: j, Filters: filters}
	}
	noon := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		filter string
		want   *storage.Filter
	}{
		{"", nil},
		{"  ", nil},
		{`id = "a"`, is("id", storage.Equal, "a")},
		{`id = a`, is("id", storage.Equal, "a")},
		{`displayName != "A \"B\""`, is("display_name", storage.NotEqual, `A "B"`)},
		{`display_name = "Acme*"`, is("display_name", storage.Equal, "Acme*")},
		{`state = ACTIVE`, is("state", storage.Equal, "ACTIVE")},
		{`state = "STATE_ACTIVE"`, is("state", storage.Equal, "ACTIVE")},
		{`version >= 3`, is("version", storage.GreaterOrEqual, int64(3))},
		{`version > -1`, is("version", storage.Greater, int64(-1))},
		{`paused`, is("paused", storage.Equal, true)},
		{`NOT paused`, join(storage.Not, is("paused", storage.Equal, true))},
		{`-paused`, join(storage.Not, is("paused", storage.Equal, true))},
		{`paused = false`, is("paused", storage.Equal, false)},
		{`create_time < "2026-01-31T12:00:00Z"`, is("create_time", storage.Less, noon)},
		{`create_time < timestamp("2026-01-31T13:00:00+01:00")`, is("create_time", storage.Less, noon)},
		{
			`id = "a" AND (id = "b" OR id = "c")`,
			join(storage.And, is("id", storage.Equal, "a"), join(storage.Or, is("id", storage.Equal, "b"), is("id", storage.Equal, "c"))),
		},
		{`id = "a" AND id = "b" OR id = "c"`, // OR binds more tightly, as AIP-160 says
			join(storage.And, is("id", storage.Equal, "a"), join(storage.Or, is("id", storage.Equal, "b"), is("id", storage.Equal, "c")))},
	}
	for _, test := range tests {
		t.Run(test.filter, func(t *testing.T) {
			t.Parallel()
			got, err := parseFilter(test.filter, instanceFields)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("filter (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFilterRefused(t *testing.T) {
	t.Parallel()
	tests := []struct{ filter, says string }{
		{`colour = "red"`, "it has id, display_name, customer_id"},
		{`id > "a"`, "only = and !="},
		{`id = 7`, "put the value in quotes"},
		{`version = "x"`, "whole number"},
		{`version = 1.5`, "whole number"},
		{`paused = maybe`, "true or false"},
		{`paused = state`, "true or false"},
		{`state = "active"`, "one of CREATED, ACTIVE"},
		{`create_time > "yesterday"`, "a moment in quotes"},
		{`create_time > 5`, "a moment in quotes"},
		{`id`, "names id alone"},
		{`"a" = id`, "a field stands on the left"},
		{`"a"`, "a condition is needed"},
		{`id:"a"`, `uses ":"`},
		{`id = "a" id = "b"`, "join them with AND"},
		{`f(id)`, "calls f"},
		{`id = acme-erp`, "at character"},
		{`id = "a`, "unterminated"},
		{`id = `, "at character"},
		{`(id = "a"`, "at character"},
		{`labels.a = "b"`, "no field"},
		{strings.Repeat("NOT (", 300) + "paused" + strings.Repeat(")", 300), "more than 100 conditions"},
	}
	for _, test := range tests {
		t.Run(test.says, func(t *testing.T) {
			t.Parallel()
			_, err := parseFilter(test.filter, instanceFields)
			var ours *ipaas.Error
			if !errors.As(err, &ours) || ours.Kind != ipaas.Invalid || ours.Violations[0].Field != "filter" {
				t.Fatalf("%s: error %v", test.filter, err)
			}
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("%s: error %q does not say %q", test.filter, err, test.says)
			}
		})
	}
}

func FuzzFilter(f *testing.F) {
	for _, seed := range []string{`id = "a" AND NOT paused`, `f(g(h(`, `((((id`, `-version > -1`, "a.b.c:d", `create_time > timestamp("x")`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, filter string) {
		if len(filter) > 4000 {
			return
		}
		got, err := parseFilter(filter, instanceFields)
		if err == nil && got == nil && strings.TrimSpace(filter) != "" {
			t.Errorf("%q gave neither a filter nor an error", filter)
		}
		if err != nil && !errors.Is(err, ipaas.Invalid) {
			t.Errorf("%q gave %v", filter, err)
		}
		if err == nil && got != nil {
			matches(0, got, func(int, string) any { return "" }) // must not panic
		}
	})
}

func TestOrder(t *testing.T) {
	t.Parallel()
	got, err := parseOrder("createTime desc, id", instanceFields)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]storage.Order{{Field: "create_time", Desc: true}, {Field: "id"}}, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	for _, orderBy := range []string{"size", "id,id", "id up", "id;", ",", "id desc desc"} {
		if _, err := parseOrder(orderBy, instanceFields); !errors.Is(err, ipaas.Invalid) {
			t.Errorf("%q: error %v", orderBy, err)
		}
	}
}

func TestListsInADocument(t *testing.T) {
	t.Parallel()
	in := ipaas.Integration{Draft: ipaas.Definition{Flows: []ipaas.Flow{
		{ID: "a", DisplayName: "Sync Orders", CreateTime: time.Unix(3, 0)},
		{ID: "b", DisplayName: "Sync Customers", Synchronous: true, CreateTime: time.Unix(2, 0)},
		{ID: "c", DisplayName: "Initialize", CreateTime: time.Unix(1, 0)},
	}}}
	tests := []struct {
		filter, order string
		want          []int
	}{
		{"", "", []int{0, 1, 2}},
		{`display_name = "Sync*"`, "", []int{0, 1}},
		{`display_name = "*ers"`, "", []int{0, 1}},
		{`display_name = "*itial*"`, "", []int{2}},
		{`display_name != "Sync*"`, "", []int{2}},
		{"synchronous", "", []int{1}},
		{"NOT synchronous AND position > 0", "", []int{2}},
		{"synchronous OR position < 1", "", []int{0, 1}},
		{"position >= 1 AND position <= 1", "", []int{1}},
		{`create_time <= "1970-01-01T00:00:02Z"`, "create_time", []int{2, 1}},
		{"", "synchronous desc, position desc", []int{1, 2, 0}},
		{"", "display_name", []int{2, 1, 0}},
	}
	for _, test := range tests {
		t.Run(test.filter+" by "+test.order, func(t *testing.T) {
			t.Parallel()
			filter, err := parseFilter(test.filter, flowFields)
			if err != nil {
				t.Fatal(err)
			}
			order, err := parseOrder(test.order, flowFields)
			if err != nil {
				t.Fatal(err)
			}
			var got []int
			q := storage.Query{Filter: filter, OrderBy: order, Size: 2}
			for {
				page := flowPage(in, q)
				got = append(got, page.Items...)
				if q.After = page.Next; q.After == "" {
					break
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("flows (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFieldsOfLists asks for every field that the in-memory lists claim to have.
func TestFieldsOfLists(t *testing.T) {
	t.Parallel()
	in := ipaas.Integration{Draft: ipaas.Definition{Flows: []ipaas.Flow{{ID: "a"}, {ID: "b"}}}}
	variables := []ipaas.ConfigVariable{filled[ipaas.ConfigVariable](t), filled[ipaas.ConfigVariable](t)}
	for _, f := range flowFields {
		flowPage(in, storage.Query{Size: 9, OrderBy: []storage.Order{{Field: f.name}}})
	}
	for _, f := range configVariableFields {
		page := configVariablePage(variables, storage.Query{Size: 9, Filter: &storage.Filter{
			Field: f.name, Operator: storage.NotEqual, Value: map[fieldKind]any{
				textField: "", wordField: "", booleanField: false, momentField: time.Time{},
			}[f.kind],
		}})
		if len(page.Items) != 2 {
			t.Errorf("%s is never anything but empty", f.name)
		}
	}
}
