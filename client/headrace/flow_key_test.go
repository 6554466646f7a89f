package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// TestKeyIsReadFromTheInput: a key that the caller brings stands neither on the command line nor in what is printed.
func TestKeyIsReadFromTheInput(t *testing.T) {
	t.Parallel()
	const key = "a-key-of-the-caller"
	p := &peer{answers: map[string]any{
		"GetInstance":   &headracev1.GetInstanceResponse{Instance: &headracev1.Instance{Flows: []*headracev1.InstanceFlow{{FlowId: "sync-orders", DisplayName: "Sync Orders"}}}},
		"CreateFlowKey": &headracev1.CreateFlowKeyResponse{FlowKey: &headracev1.FlowKey{Id: "key", Key: key}},
	}}
	code, stdout, stderr := headrace(t, p, key+"\n", "flow-key", "create", "Sync Orders", "--instance", "smith", "--key-file", "-")
	if code != exitOK || !strings.Contains(stdout, "flow key key created") || strings.Contains(stdout+stderr, key) {
		t.Errorf("code %d, printed %q and %q", code, stdout, stderr)
	}
	want := []proto.Message{
		&headracev1.GetInstanceRequest{InstanceId: "smith", View: headracev1.View_VIEW_BASIC},
		&headracev1.CreateFlowKeyRequest{InstanceId: "smith", FlowId: "sync-orders", FlowKey: &headracev1.FlowKey{Key: key}},
	}
	if diff := cmp.Diff(want, p.asked(), protocmp.Transform()); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
	code, _, stderr = headrace(t, p, "", "flow-key", "create", "Sync Items", "--instance", "smith")
	if code != exitUsage || !strings.Contains(stderr, "sync-orders") {
		t.Errorf("an unknown flow: code %d, printed %q", code, stderr)
	}
}

func TestFlowShowsWhatItAsksOfItsCallers(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]*headracev1.InstanceFlow{
		"":                            {Security: headracev1.Flow_SECURITY_CUSTOMER_OPTIONAL},
		"1 key":                       {Security: headracev1.Flow_SECURITY_CUSTOMER_OPTIONAL, KeyCount: 1},
		"2 keys":                      {Security: headracev1.Flow_SECURITY_ORGANIZATION, KeyCount: 2},
		"locked: it needs a flow key": {Security: headracev1.Flow_SECURITY_CUSTOMER_REQUIRED, Locked: true},
	} {
		if got := keysOf(f); got.text != want {
			t.Errorf("%v: %q, want %q", f, got.text, want)
		}
	}
	if got := keysOf(&headracev1.InstanceFlow{Security: headracev1.Flow_SECURITY_UNSECURED, KeyCount: 3}); got.text != "" {
		t.Errorf("an unsecured flow: %q", got.text)
	}
}
