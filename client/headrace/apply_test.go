package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

func TestApply(t *testing.T) {
	t.Parallel()
	all := file(t, "all.yaml", "kind: Integration\nid: acme-erp # it\nflows: []\n---\nkind: Component\nid: erp\ndisplayName: ERP\n")
	answers := func() map[string]any {
		return map[string]any{
			"GetComponent":    &headracev1.GetComponentResponse{Component: &headracev1.Component{Version: 1}},
			"UpdateComponent": &headracev1.UpdateComponentResponse{Component: &headracev1.Component{Version: 2}},
			"ImportIntegration": &headracev1.ImportIntegrationResponse{Created: true, Integration: &headracev1.Integration{
				Id: "acme-erp", Problems: []*headracev1.Problem{{Field: "flows", Reason: "REQUIRED", Description: "there is none"}},
			}},
		}
	}
	absent := answers()
	absent["GetComponent"] = status.Error(codes.NotFound, "no")
	unchanged := answers()
	unchanged["UpdateComponent"] = &headracev1.UpdateComponentResponse{Component: &headracev1.Component{Version: 1}}
	told := answers()
	told["ImportIntegration"] = &headracev1.ImportIntegrationResponse{
		Created: true, Integration: &headracev1.Integration{Id: "acme-erp"}, Notes: someNotes[:1], Warnings: []*headracev1.ImportWarning{{Description: "a flow is gone"}},
	}
	refused := answers()
	refused["ImportIntegration"] = status.Error(codes.InvalidArgument, "flows: too few")
	const problem = "  1 problem to mend before it can be published:\n    flows: there is none\n"

	tests := []struct {
		name    string
		answers map[string]any
		flags   []string
		code    int
		want    string
	}{
		{"updated", answers(), nil, exitOK, "component erp updated (version 2)\nintegration acme-erp created\n" + problem},
		{"created", absent, nil, exitOK, "component erp created (version 2)\nintegration acme-erp created\n" + problem},
		{"unchanged", unchanged, nil, exitOK, "component erp unchanged\nintegration acme-erp created\n" + problem},
		{
			"dry run", answers(),
			[]string{"--dry-run"},
			exitOK,
			"component erp would be updated (version 2)\nintegration acme-erp would be created\n" + problem,
		},
		{
			"notes and warnings", told, nil, exitOK, "component erp updated (version 2)\nintegration acme-erp created\n  warning: a flow is gone\n" +
				"  1 note on what could not be taken over as it is:\n    FILE:7: dropped flows[0].schemas: it is left out\n",
		},
		{"refused half-way", refused, nil, exitRefused, "component erp updated (version 2)\n"},
		{
			"for programs", answers(),
			[]string{"-o", "yaml"},
			exitOK,
			"applied:\n- kind: Component\n  id: erp\n  action: updated\n  dryRun: false\n  version: 2\n  problems: []\n" +
				"- kind: Integration\n  id: acme-erp\n  action: created\n  dryRun: false\n  problems:\n" +
				"  - field: flows\n    reason: REQUIRED\n    description: there is none\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := &peer{answers: tt.answers}
			file := []string{all}
			if len(tt.flags) == 0 {
				file = []string{"-f", all} // as kubectl has it
			}
			code, stdout, stderr := headrace(t, p, "", append(append([]string{"apply"}, file...), tt.flags...)...)
			if diff := cmp.Diff(strings.ReplaceAll(tt.want, "FILE", all), stdout); code != tt.code || diff != "" {
				t.Errorf("code %d (%s), printed (-want +got):\n%s", code, stderr, diff)
			}
			if tt.code != exitOK && !strings.Contains(stderr, "error: "+all+", document at line 1: flows: too few") {
				t.Errorf("the error does not name the document: %s", stderr)
			}
			dry := slices.Contains(tt.flags, "--dry-run")
			update, imported := p.requests[1].(*headracev1.UpdateComponentRequest), p.requests[2].(*headracev1.ImportIntegrationRequest)
			if update.GetValidateOnly() != dry || imported.GetValidateOnly() != dry || !update.GetAllowMissing() {
				t.Errorf("asked for %v and %v", update, imported)
			}
			if got, want := imported.GetDefinition(), "\nid: acme-erp # it\nflows: []\n"; got != want {
				t.Errorf("sent the definition %q, want %q", got, want)
			}
		})
	}
}

// TestApplyTellsWhereMistakesStand names file and line of what the server refuses, and of what is unresolved.
func TestApplyTellsWhereMistakesStand(t *testing.T) {
	t.Parallel()
	path := file(t, "two.yaml", "kind: Component\nid: erp\n---\nkind: Integration\nid: acme-erp\nflows: [{displayName: F, colour: red}]\n")
	refused, err := status.New(codes.InvalidArgument, "not valid").WithDetails(&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
		{Field: "flows[0].colour", Description: "line 6: is no field"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]any{
		"GetComponent":      &headracev1.GetComponentResponse{},
		"UpdateComponent":   &headracev1.UpdateComponentResponse{Component: &headracev1.Component{}},
		"ImportIntegration": refused.Err(),
	}
	code, _, stderr := headrace(t, &peer{answers: answers}, "", "apply", path)
	if want := "error: " + path + ": 1 mistake in the definition\n  " + path + ":6: flows[0].colour: is no field\n"; code != exitRefused || !strings.HasPrefix(stderr, want) {
		t.Errorf("code %d, printed %q, want %q", code, stderr, want)
	}
	answers["ImportIntegration"] = &headracev1.ImportIntegrationResponse{Created: true, Integration: &headracev1.Integration{
		Id: "acme-erp", Problems: []*headracev1.Problem{{Field: "flows[0]", Description: "line 6: it has no step"}},
	}}
	_, stdout, _ := headrace(t, &peer{answers: answers}, "", "apply", path)
	if want := "    " + path + ":6: flows[0]: it has no step\n"; !strings.HasSuffix(stdout, want) {
		t.Errorf("printed %q, want %q", stdout, want)
	}
	p := &peer{}
	if code, _, stderr := headrace(t, p, "", "apply"); code != exitUsage || !strings.Contains(stderr, "nothing to apply: name a file") {
		t.Errorf("nothing: code %d, printed %q", code, stderr)
	}
}

func TestApplyReadsEverythingBeforeItSends(t *testing.T) {
	t.Parallel()
	good := "kind: Component\nid: erp\n"
	for name, text := range map[string]string{
		"unknown field": "kind: Component\nid: erp\nactionz: []\n", "no id": "kind: Component\n", "no kind": "id: erp\n", "nothing": "# nothing\n",
	} {
		p := &peer{}
		code, _, stderr := headrace(t, p, good, "apply", "-f", "-", "-f", file(t, "bad.yaml", text))
		if code != exitUsage || len(p.requests) > 0 || !strings.Contains(stderr, "bad.yaml") {
			t.Errorf("%s: code %d, %d requests, printed %q, want 2, none and the file's name", name, code, len(p.requests), stderr)
		}
	}
	p := &peer{}
	_, _, stderr := headrace(t, p, "kind: Component\nid: erp\nactions: [{key: a, request: {hdrs: 1}}]\n", "apply", "-f", "-")
	if !strings.Contains(stderr, "\n  actions[0].request.hdrs: line 3: is no field here") {
		t.Errorf("the error does not name the path: %s", stderr)
	}
}
