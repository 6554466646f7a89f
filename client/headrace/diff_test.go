package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

func differing() *headracev1.DiffIntegrationVersionsResponse {
	return &headracev1.DiffIntegrationVersionsResponse{
		Differences: []*headracev1.Difference{
			{
				Kind: headracev1.Difference_KIND_RENAMED, Element: headracev1.Difference_ELEMENT_FLOW, FlowId: "orders", Id: "orders",
				DisplayName: "Orders", OldDisplayName: "Order\x1b[31ms", Fields: []*headracev1.FieldDifference{{Field: "synchronous", After: "true"}},
			},
			{
				Kind: headracev1.Difference_KIND_CHANGED, Element: headracev1.Difference_ELEMENT_STEP, FlowId: "orders", Id: "note", DisplayName: "Note",
				Fields: []*headracev1.FieldDifference{{Field: "inputs.code", Before: "a\nb\n", After: "c"}},
			},
			{Kind: headracev1.Difference_KIND_REMOVED, Element: headracev1.Difference_ELEMENT_CONFIG_VARIABLE, Id: "url", DisplayName: "URL"},
		},
		IncompleteInstances: []*headracev1.IncompleteInstance{{
			InstanceId: "smith", Problems: []*headracev1.ConfigProblem{{Field: "configValues.account", Description: `"Account" has no value`}},
		}},
		MoreIncompleteInstances: true,
	}
}

const differingText = `~ flow Order�[31ms → Orders (renamed)
    synchronous:
      + true
  ~ step of orders Note
      inputs.code:
        - a
        - b
        + c
- config variable URL
more than 1 instance could not be deployed with it until the config is mended:
  smith
    "Account" has no value
`

func TestDiff(t *testing.T) {
	t.Parallel()
	name := file(t, "later.yaml", "displayName: Later\n")
	definition := &headracev1.DiffSide{Side: &headracev1.DiffSide_Definition{Definition: "displayName: Later\n"}}
	version := func(n int32) *headracev1.DiffSide {
		return &headracev1.DiffSide{Side: &headracev1.DiffSide_Version{Version: n}}
	}
	draft := &headracev1.DiffSide{Side: &headracev1.DiffSide_Draft{Draft: true}}
	tests := []struct {
		name     string
		args     []string
		from, to *headracev1.DiffSide
		same     bool
		code     int
	}{
		{"defaults", nil, nil, nil, false, exitOK},
		{"versions", []string{"1", "v2"}, version(1), version(2), false, exitOK},
		{"a file", []string{"draft", name}, draft, definition, false, exitOK},
		{"the input", []string{"-", "draft"}, definition, draft, false, exitOK},
		{"for scripts", []string{"--exit-code"}, nil, nil, false, exitRefused},
		{"for scripts, and the same", []string{"--exit-code"}, nil, nil, true, exitOK},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			answer, want := differing(), differingText
			if tt.same {
				answer, want = &headracev1.DiffIntegrationVersionsResponse{}, "no differences\n"
			}
			p := &peer{answers: map[string]any{"DiffIntegrationVersions": answer}}
			code, stdout, stderr := headrace(t, p, "displayName: Later\n", append([]string{"diff", "shop"}, tt.args...)...)
			if diff := cmp.Diff(want, stdout); code != tt.code || diff != "" {
				t.Errorf("code %d (%s), printed (-want +got):\n%s", code, stderr, diff)
			}
			asked := &headracev1.DiffIntegrationVersionsRequest{IntegrationId: "shop", From: tt.from, To: tt.to}
			if diff := cmp.Diff(asked, p.requests[0], protocmp.Transform()); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
	p := &peer{}
	if code, _, stderr := headrace(t, p, "", "diff", "shop", "no-such-file.yaml"); code != exitUsage || len(p.requests) > 0 || !strings.Contains(stderr, "no-such-file.yaml") {
		t.Errorf("a file that is not there: code %d, %s", code, stderr)
	}
}

func TestApplyShowsWhatWouldChange(t *testing.T) {
	t.Parallel()
	name := file(t, "shop.yaml", "kind: Integration\nid: shop\n")
	for _, tt := range []struct {
		name   string
		answer *headracev1.DiffIntegrationVersionsResponse
		flags  []string
		want   string
	}{
		{"changes", differing(), nil, "integration shop would be updated\n" + indented(differingText)},
		{"none", &headracev1.DiffIntegrationVersionsResponse{}, nil, "integration shop unchanged\n"},
		{
			"for programs", &headracev1.DiffIntegrationVersionsResponse{Differences: differing().GetDifferences()[2:]},
			[]string{"-o", "yaml"},
			"applied:\n- kind: Integration\n  id: shop\n  action: updated\n  dryRun: true\n  problems: []\n  diff:\n    differences:\n    - kind: KIND_REMOVED\n" +
				"      element: ELEMENT_CONFIG_VARIABLE\n      id: url\n      displayName: URL\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := &peer{answers: map[string]any{
				"ImportIntegration":       &headracev1.ImportIntegrationResponse{Integration: &headracev1.Integration{Id: "shop"}},
				"DiffIntegrationVersions": tt.answer,
			}}
			code, stdout, stderr := headrace(t, p, "", append([]string{"apply", "--dry-run", "-f", name}, tt.flags...)...)
			if diff := cmp.Diff(tt.want, stdout); code != exitOK || diff != "" {
				t.Errorf("code %d (%s), printed (-want +got):\n%s", code, stderr, diff)
			}
			asked := p.requests[1].(*headracev1.DiffIntegrationVersionsRequest)
			if !asked.GetFrom().GetDraft() || asked.GetTo().GetDefinition() != "\nid: shop\n" {
				t.Errorf("asked for %v", asked)
			}
		})
	}
}

// indented puts two spaces before each line.
func indented(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
}
