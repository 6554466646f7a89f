package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

var someNotes = []*headracev1.DefinitionNote{
	{Field: "flows[0].schemas", Kind: headracev1.DefinitionNote_KIND_DROPPED, Description: "it is left out", Line: 7},
	{Field: "name", Kind: headracev1.DefinitionNote_KIND_CHANGED, Description: "it is another"},
}

func TestImport(t *testing.T) {
	t.Parallel()
	path := file(t, "other.yaml", "definitionVersion: 7\nname: Acme\n")
	bad, err := status.New(codes.InvalidArgument, "the request is not valid").WithDetails(&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
		{Field: "flows[0].name", Description: "line 3: it has none"}, {Field: "definition", Description: "is no YAML"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	answer := &headracev1.ImportIntegrationResponse{
		Integration: &headracev1.Integration{Id: "acme", Problems: []*headracev1.Problem{{Field: "flows", Description: "there is none"}}},
		Notes:       someNotes, Warnings: []*headracev1.ImportWarning{{Description: `flow "F" is gone`}},
	}
	const notes = "  2 notes on what could not be taken over as it is:\n    FILE:7: dropped flows[0].schemas: it is left out\n    changed name: it is another\n"
	tests := []struct {
		name   string
		answer any
		args   []string
		code   int
		want   string // of the output; of the errors where it is refused
	}{
		{
			"replaced", answer,
			[]string{"--integration", "acme"},
			exitOK,
			"integration acme replaced\n  warning: flow \"F\" is gone\n" + notes + "  1 problem to mend before it can be published:\n    flows: there is none\n",
		},
		{"created, if it were", &headracev1.ImportIntegrationResponse{Created: true, Integration: &headracev1.Integration{Id: "acme"}}, []string{"--validate-only"}, exitOK, "integration acme would be created\n"},
		{"refused", bad.Err(), nil, exitRefused, "error: FILE: 2 mistakes in the definition\n  FILE:3: flows[0].name: it has none\n  definition: is no YAML\n  request req-1\n"},
		{"refused for another reason", status.Error(codes.Aborted, "stale"), nil, exitRefused, "error: FILE: stale\n  request req-1\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := &peer{answers: map[string]any{"ImportIntegration": tt.answer}}
			code, stdout, stderr := headrace(t, p, "", append([]string{"import", path}, tt.args...)...)
			got := stdout
			if tt.code != exitOK {
				got = stderr
			}
			if diff := cmp.Diff(strings.ReplaceAll(tt.want, "FILE", path), got); code != tt.code || diff != "" {
				t.Errorf("code %d, printed (-want +got):\n%s\n%s", code, diff, stderr)
			}
			req, _ := p.requests[0].(*headracev1.ImportIntegrationRequest)
			if req.GetDefinition() != "definitionVersion: 7\nname: Acme\n" || req.GetValidateOnly() != (len(tt.args) == 1) || (req.GetIntegrationId() == "acme") != (len(tt.args) == 2) {
				t.Errorf("asked for %v", req)
			}
		})
	}
	p := &peer{answers: map[string]any{"ImportIntegration": answer}}
	if code, stdout, stderr := headrace(t, p, "name: A\n", "import", "-", "-o", "json"); code != exitOK || !strings.Contains(stdout, `"kind": "KIND_DROPPED"`) {
		t.Errorf("code %d, printed %s%s", code, stdout, stderr)
	}
}

func TestExport(t *testing.T) {
	t.Parallel()
	answer := &headracev1.ExportIntegrationResponse{Definition: "name: Acme\n", Notes: someNotes[:1]}
	const note = "  1 note on what could not be taken over as it is:\n    dropped flows[0].schemas: it is left out\n"
	written := filepath.Join(t.TempDir(), "out.yaml")
	tests := []struct {
		name   string
		args   []string
		format headracev1.DefinitionFormat
		want   string
	}{
		{"native", nil, 0, "kind: Integration\nname: Acme\n"},
		{"version 7", []string{"--format", "v7"}, headracev1.DefinitionFormat_DEFINITION_FORMAT_V7, "name: Acme\n"},
		{"version 7 as JSON", []string{"--format", "v7", "-o", "json"}, headracev1.DefinitionFormat_DEFINITION_FORMAT_V7, "{\n  \"name\": \"Acme\"\n}\n"},
		{"to a file", []string{"--format", "v7", "-f", written}, headracev1.DefinitionFormat_DEFINITION_FORMAT_V7, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := &peer{answers: map[string]any{"ExportIntegration": answer}}
			code, stdout, stderr := headrace(t, p, "", append([]string{"export", "acme"}, tt.args...)...)
			if code != exitOK || stdout != tt.want || stderr != note {
				t.Errorf("code %d, printed %q and %q, want %q and %q", code, stdout, stderr, tt.want, note)
			}
			if req, _ := p.requests[0].(*headracev1.ExportIntegrationRequest); req.GetFormat() != tt.format || req.GetIntegrationId() != "acme" {
				t.Errorf("asked for %v", req)
			}
			if tt.want == "" {
				if text, err := os.ReadFile(written); err != nil || string(text) != "name: Acme\n" {
					t.Errorf("the file holds %q, %v", text, err)
				}
			}
		})
	}
	p := &peer{answers: map[string]any{"ExportIntegration": answer}}
	if code, _, stderr := headrace(t, p, "", "export", "acme", "-f", filepath.Join(t.TempDir(), "no", "folder")); code != exitUsage {
		t.Errorf("code %d: %s", code, stderr)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	path := file(t, "a.yaml", "name: A\n")
	good := &headracev1.ValidateIntegrationResponse{Valid: true, Notes: someNotes[:1]}
	bad := &headracev1.ValidateIntegrationResponse{Problems: []*headracev1.Problem{{Field: "flows[0].name", Reason: "REQUIRED", Description: "line 3: it has none"}}}
	tests := []struct {
		name           string
		answer         any
		args           []string
		code           int
		stdout, stderr string
	}{
		{"good", good, nil, exitOK, "FILE: valid\n  1 note on what could not be taken over as it is:\n    FILE:7: dropped flows[0].schemas: it is left out\n", ""},
		{"bad", bad, nil, exitRefused, "FILE: 1 problem\n  FILE:3: flows[0].name: it has none\n", "error: 1 definition with problems: mend what is listed\n"},
		{
			"for programs", bad,
			[]string{"-o", "yaml"},
			exitRefused,
			"validated:\n- file: FILE\n  result:\n    valid: false\n    problems:\n    - field: flows[0].name\n      reason: REQUIRED\n      description: 'line 3: it has none'\n" +
				"    format: DEFINITION_FORMAT_UNSPECIFIED\n    notes: []\n",
			"error: 1 definition with problems: mend what is listed\n",
		},
		{"refused", status.Error(codes.ResourceExhausted, "too large"), nil, exitRefused, "", "error: FILE: too large\n  request req-1\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := &peer{answers: map[string]any{"ValidateIntegration": tt.answer}}
			code, stdout, stderr := headrace(t, p, "", append([]string{"validate", path}, tt.args...)...)
			if diff := cmp.Diff([]string{strings.ReplaceAll(tt.stdout, "FILE", path), strings.ReplaceAll(tt.stderr, "FILE", path)}, []string{stdout, stderr}); code != tt.code || diff != "" {
				t.Errorf("code %d, printed (-want +got):\n%s", code, diff)
			}
		})
	}
}
