package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// TestStateIsNamedByKey gets and removes what is kept by its key, as it is set.
func TestStateIsNamedByKey(t *testing.T) {
	t.Parallel()
	list := func(entries ...*headracev1.StateEntry) *headracev1.ListStateEntriesResponse {
		return &headracev1.ListStateEntriesResponse{StateEntries: entries}
	}
	entry := func(id, flow, key string) *headracev1.StateEntry {
		return &headracev1.StateEntry{Id: id, FlowId: flow, Key: key}
	}
	ask := func(filter string) proto.Message {
		return &headracev1.ListStateEntriesRequest{InstanceId: "smith", PageSize: 1000, Filter: filter}
	}
	get := &headracev1.GetStateEntryRequest{InstanceId: "smith", StateEntryId: "ste-1"}
	remove := func(id string) proto.Message {
		return &headracev1.DeleteStateEntryRequest{InstanceId: "smith", StateEntryId: id}
	}
	for _, tt := range []struct {
		name  string
		found *headracev1.ListStateEntriesResponse
		args  []string
		asked []proto.Message
		code  int
		print string
	}{
		{"a key", list(entry("ste-1", "", "last")), []string{"get", "smith", "last"}, []proto.Message{ask(`(scope = "INSTANCE") AND (key = "last")`), get}, exitOK, "42"},
		{
			"a key of a flow", list(entry("ste-1", "sync", "last")),
			[]string{"get", "smith", "last", "--flow", "sync"},
			[]proto.Message{ask(`(scope = "FLOW") AND (flow_id = "sync") AND (key = "last")`), get},
			exitOK, "42",
		},
		{"an id", nil, []string{"get", "smith", "ste-1"}, []proto.Message{get}, exitOK, "42"},
		{
			"a key with an asterisk", list(entry("ste-2", "", "last"), entry("ste-1", "", "l*")),
			[]string{"get", "smith", "l*"},
			[]proto.Message{ask(`(scope = "INSTANCE") AND (key = "l*")`), get},
			exitOK, "42",
		},
		{
			"no such key", list(),
			[]string{"get", "smith", "last"},
			[]proto.Message{ask(`(scope = "INSTANCE") AND (key = "last")`)},
			exitUsage,
			`keeps no key "last" in the scope instance`,
		},
		{
			"a key of several flows", list(entry("ste-1", "a", "last"), entry("ste-2", "b", "last")),
			[]string{"get", "smith", "last", "--scope", "flow"},
			[]proto.Message{ask(`(scope = "FLOW") AND (key = "last")`)},
			exitUsage, "--flow, one of a, b",
		},
		{
			"what is removed", list(entry("ste-1", "", "last")),
			[]string{"delete", "smith", "last", "ste-7"},
			[]proto.Message{ask(`(scope = "INSTANCE") AND (key = "last")`), remove("ste-1"), remove("ste-7")},
			exitOK, "state entry last deleted",
		},
		{
			"nothing is removed where one is unknown", list(),
			[]string{"delete", "smith", "ste-7", "last"},
			[]proto.Message{ask(`(scope = "INSTANCE") AND (key = "last")`)},
			exitUsage, `no key "last"`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := &peer{answers: map[string]any{
				"ListStateEntries": tt.found, "DeleteStateEntry": &headracev1.DeleteStateEntryResponse{},
				"GetStateEntry": &headracev1.GetStateEntryResponse{StateEntry: &headracev1.StateEntry{Id: "ste-1", Key: "last", ValueJson: "42"}},
			}}
			code, stdout, stderr := headrace(t, p, "", append([]string{"state"}, tt.args...)...)
			if code != tt.code || !strings.Contains(stdout+stderr, tt.print) {
				t.Errorf("code %d, printed %q and %q, want %d and %q", code, stdout, stderr, tt.code, tt.print)
			}
			if diff := cmp.Diff(tt.asked, p.asked(), protocmp.Transform()); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}
