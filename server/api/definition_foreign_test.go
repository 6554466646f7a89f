package api_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"

	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

const v7 = pb.DefinitionFormat_DEFINITION_FORMAT_V7

// realDefinitions are the texts of real definitions by name. They stand beside the project and are no part of it.
func realDefinitions(t testing.TB) map[string]string {
	t.Helper()
	const folder = "../../../shared/compat/prismatic"
	paths, err := filepath.Glob(filepath.Join(folder, "*.y*ml"))
	if err != nil || len(paths) == 0 {
		t.Skipf("no real definitions in %s", folder)
	}
	texts := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		must(t, err)
		texts[filepath.Base(path)] = string(text)
	}
	return texts
}

// TestRealDefinitions imports every real definition, finds every reference resolved, and takes it through both formats of export: it
// comes back as the same.
func TestRealDefinitions(t *testing.T) {
	t.Parallel()
	texts := realDefinitions(t)
	call := face(newWorld(t).overGRPC)
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			id := strings.ToLower(strings.Join(strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune("._-", r) }), "-"))
			imported := ok[*pb.ImportIntegrationResponse](t, call, &pb.ImportIntegrationRequest{IntegrationId: id, Definition: text})
			if !imported.GetCreated() || imported.GetFormat() != v7 {
				t.Errorf("created %v, format %v", imported.GetCreated(), imported.GetFormat())
			}
			for _, p := range imported.GetIntegration().GetProblems() {
				switch p.GetReason() {
				case "UNKNOWN_STEP", "LATER_STEP", "UNKNOWN_CONFIG_VARIABLE", "MALFORMED":
					t.Errorf("%s: %s", p.GetField(), p.GetDescription())
				default:
					t.Logf("%s: %s", p.GetField(), p.GetDescription())
				}
			}
			valid := ok[*pb.ValidateIntegrationResponse](t, call, &pb.ValidateIntegrationRequest{Definition: text})
			if diff := cmp.Diff(imported.GetNotes(), valid.GetNotes(), protocmp.Transform()); diff != "" || valid.GetFormat() != v7 {
				t.Errorf("validating notes something else (-import +validate):\n%s", diff)
			}
			for _, note := range imported.GetNotes() {
				if note.GetField() == "" || note.GetLine() == 0 || note.GetKind() == 0 {
					t.Errorf("a note without a place: %v", note)
				}
			}
			comesBack(t, call, id)
		})
	}
}

// comesBack exports an integration in both formats and imports what came out.
func comesBack(t *testing.T, call face, id string) {
	t.Helper()
	native := export(t, call, id, 0)
	foreign := export(t, call, id, v7)
	if !strings.Contains(foreign, "\ndefinitionVersion: 7\n") {
		t.Errorf("the export states no version 7:\n%s", foreign)
	}
	for format, text := range map[string]string{"native": strings.TrimPrefix(native, "id: "+id+"\n"), "v7": foreign} {
		other := id + "-" + format
		ok[*pb.ImportIntegrationResponse](t, call, &pb.ImportIntegrationRequest{IntegrationId: other, Definition: text})
		again := strings.Replace(export(t, call, other, 0), "id: "+other+"\n", "id: "+id+"\n", 1)
		if diff := cmp.Diff(native, again); diff != "" {
			t.Errorf("by way of %s (-before +after):\n%s", format, diff)
		}
		if diff := cmp.Diff(foreign, export(t, call, other, v7)); diff != "" {
			t.Errorf("version 7 by way of %s (-before +after):\n%s", format, diff)
		}
	}
}

func export(t *testing.T, call face, id string, format pb.DefinitionFormat) string {
	t.Helper()
	return ok[*pb.ExportIntegrationResponse](t, call, &pb.ExportIntegrationRequest{IntegrationId: id, Format: format}).GetDefinition()
}

const elsewhere = `definitionVersion: 7
name: Acme
requiredConfigVars:
  - {key: Endpoint, stableKey: v1, dataType: string, defaultValue: "https://acme"}
  - {key: Limit, dataType: number, defaultValue: "5"}
flows:
  - name: Customers
    stableKey: f1
    steps:
      - {name: Hook, isTrigger: true, action: {key: webhook, component: {key: webhook-triggers}}}
      - {name: Write, stableKey: s1, action: {key: writeLog, component: {key: log}}, inputs: {message: {type: configVar, value: Endpoint}}}
  - name: Inventory
    steps:
      - {name: Hook, isTrigger: true, action: {key: webhook, component: {key: webhook-triggers}}}
`

// TestImportTellsWhatInstancesLose imports a changed definition over one that an instance runs: what has the same stable key keeps its
// identity, and what is gone is told, by a dry run, too.
func TestImportTellsWhatInstancesLose(t *testing.T) {
	t.Parallel()
	eachFace(t, func(t *testing.T, call face) {
		first := ok[*pb.ImportIntegrationResponse](t, call, &pb.ImportIntegrationRequest{IntegrationId: "acme", Definition: elsewhere}).GetIntegration()
		if len(first.GetProblems()) > 0 {
			t.Fatalf("problems: %v", first.GetProblems())
		}
		ok[*pb.PublishIntegrationResponse](t, call, &pb.PublishIntegrationRequest{IntegrationId: "acme"})
		ok[*pb.CreateCustomerResponse](t, call, &pb.CreateCustomerRequest{Customer: &pb.Customer{Id: "c", DisplayName: "C"}})
		ok[*pb.CreateInstanceResponse](t, call, &pb.CreateInstanceRequest{Instance: &pb.Instance{
			Id: "i", DisplayName: "I", CustomerId: "c", IntegrationId: "acme", ConfigValues: map[string]*pb.ConfigValue{"limit": textValue("7")},
		}})
		ok[*pb.DeployInstanceResponse](t, call, &pb.DeployInstanceRequest{InstanceId: "i"})

		changed := strings.NewReplacer("name: Customers", "name: Sync Customers", "key: Endpoint", "key: URL", "value: Endpoint", "value: URL",
			"name: Write", "name: Write It", "dataType: number", "dataType: string").Replace(elsewhere)
		changed, _, _ = strings.Cut(changed, "  - name: Inventory")
		differs := ok[*pb.DiffIntegrationVersionsResponse](t, call, &pb.DiffIntegrationVersionsRequest{
			IntegrationId: "acme", To: &pb.DiffSide{Side: &pb.DiffSide_Definition{Definition: changed}},
		})
		if got := differs.GetDifferences(); len(got) == 0 || got[0].GetKind() != pb.Difference_KIND_RENAMED || got[0].GetOldDisplayName() != "Customers" {
			t.Errorf("an uploaded definition differs in %v", got)
		}
		dry := ok[*pb.ImportIntegrationResponse](t, call, &pb.ImportIntegrationRequest{IntegrationId: "acme", Definition: changed, ValidateOnly: true})
		second := ok[*pb.ImportIntegrationResponse](t, call, &pb.ImportIntegrationRequest{IntegrationId: "acme", Definition: changed})
		want := []*pb.ImportWarning{
			{
				Kind: pb.ImportWarning_KIND_FLOW, Id: "inventory", DisplayName: "Inventory", InstanceCount: 1,
				Description: `flow "Inventory" is gone: deployed instances (1) lose its URL when they are moved to a version without it`,
			},
			{
				Kind: pb.ImportWarning_KIND_CONFIG_VARIABLE_CHANGED, Id: "limit", DisplayName: "Limit", InstanceCount: 1,
				Description: `config variable "Limit" is of another type: instances that hold a value (1) may need a new one for a version with it`,
			},
		}
		for _, got := range []*pb.ImportIntegrationResponse{dry, second} {
			if diff := cmp.Diff(want, got.GetWarnings(), protocmp.Transform()); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		}
		before, after := first.GetFlows()[0], second.GetIntegration().GetFlows()[0]
		if after.GetDisplayName() != "Sync Customers" || after.GetId() != before.GetId() || after.GetUid() != before.GetUid() ||
			after.GetSteps()[0].GetId() != before.GetSteps()[0].GetId() {
			t.Errorf("the flow with the same stable key is another: %v, %v", before, after)
		}
		if v := second.GetIntegration().GetConfigVariables()[0]; v.GetId() != "endpoint" || v.GetDisplayName() != "URL" {
			t.Errorf("the variable with the same stable key is another: %v", v)
		}
	})
}

// TestExportsHoldNoSecret puts secrets wherever a definition could hold one. A draft of our own keeps them as problems to mend; neither
// format of export shows them, and a foreign definition does not bring them in.
func TestExportsHoldNoSecret(t *testing.T) {
	t.Parallel()
	const secrets = `definitionVersion: 7
name: Secrets
requiredConfigVars:
  - key: Known
    dataType: connection
    connection: {key: basic, component: {key: http}}
    inputs: {username: {type: value, value: ada}, password: {type: value, value: HUSH-1}}
  - key: Unknown
    dataType: connection
    connection: {key: oauth2, component: {key: acme}}
    inputs:
      clientId: {type: value, value: visible}
      clientSecret: {type: value, value: HUSH-2}
      api_key: HUSH-3
      privateKey: {type: value, value: HUSH-4}
      tokenUrl: {type: value, value: "https://acme/token"}
      base: {type: value, value: "https://ada:HUSH-5@acme"}
flows:
  - name: F
    organizationApiKeys: [HUSH-6]
    steps:
      - {name: Hook, isTrigger: true, action: {key: webhook, component: {key: webhook-triggers}}}
      - name: Get
        action: {key: httpGet, component: {key: http}}
        inputs:
          url: {type: value, value: "https://acme"}
          headers: {type: complex, value: [{name: {type: value, value: Authorization}, type: value, value: Bearer HUSH-7}]}
`
	const native = `
displayName: Secrets
flows:
  - displayName: F
    steps:
      - displayName: Get
        action: http.httpGet
        inputs:
          url: {value: "https://acme"}
          headers: {complex: {items: [{name: Authorization, value: Bearer HUSH-7}]}}
configVariables:
  - {displayName: Known, type: TYPE_CONNECTION, connectionType: http.basic, defaultValue: {username: ada, password: HUSH-1}}
  - {displayName: Unknown, type: TYPE_CONNECTION, connectionType: acme.oauth2, defaultValue: {clientId: visible, clientSecret: HUSH-2, tokenUrl: "https://acme/token"}}
`
	eachFace(t, func(t *testing.T, call face) {
		for id, text := range map[string]string{"foreign": secrets, "native": native} {
			in := ok[*pb.ImportIntegrationResponse](t, call, &pb.ImportIntegrationRequest{IntegrationId: id, Definition: text})
			if id == "foreign" && (strings.Contains(in.String(), "HUSH") || len(in.GetNotes()) < 7) {
				t.Errorf("the import keeps a secret, or does not say that it did not: %v", in)
			}
			for _, format := range []pb.DefinitionFormat{0, v7} {
				out := ok[*pb.ExportIntegrationResponse](t, call, &pb.ExportIntegrationRequest{IntegrationId: id, Format: format})
				if strings.Contains(out.String(), "HUSH") {
					t.Errorf("%s as %v holds a secret:\n%s", id, format, out.GetDefinition())
				}
				for _, kept := range []string{"ada", "visible", "https://acme/token", "https://acme"} {
					if !strings.Contains(out.GetDefinition(), kept) {
						t.Errorf("%s as %v lacks %s, which is no secret:\n%s", id, format, kept, out.GetDefinition())
					}
				}
				if id == "native" && len(out.GetNotes()) < 3 {
					t.Errorf("as %v it does not say what it left out: %v", format, out.GetNotes())
				}
			}
		}
	})
}

// TestForeignMistakes finds everything that is wrong with a definition in the words of others at once, each with its path there and its line.
func TestForeignMistakes(t *testing.T) {
	t.Parallel()
	const wrong = `definitionVersion: 7
name: Acme
flows:
  - name: F
    endpointSecurityType: open
    steps:
      - {name: Hook, isTrigger: true, action: {key: webhook, component: {key: webhook-triggers}}, inputs: {body: {type: reference, value: write.results}}}
      - name: Write
        action: {key: writeLog, component: {key: log}}
        inputs:
          message: {type: reference, value: "a..b"}
      - name: Write
        action: {key: writeLog, component: {key: log}}
        inputs: [1]
requiredConfigVars:
  - {key: A, dataType: colour}
  - {key: A, dataType: string}
`
	want := []string{
		`flows[0].endpointSecurityType NOT_A_CHOICE line 5: "open" is unknown: give one of customer_optional, customer_required, organization, unsecured`,
		`flows[0].steps[1].inputs.message MALFORMED line 11: the input is no reference: `,
		`flows[0].steps[2].name DUPLICATE line 12: the display name "Write" is that of flows[0].steps[1] already: choose another`,
		`flows[0].steps[2].inputs WRONG_TYPE line 14: is a list: give an object`,
		`requiredConfigVars[0].dataType NOT_A_CHOICE line 16: "colour" is unknown`,
		`requiredConfigVars[1].key DUPLICATE line 17: the display name "A" is that of requiredConfigVars[0] already: choose another`,
	}
	eachFace(t, func(t *testing.T, call face) {
		valid := ok[*pb.ValidateIntegrationResponse](t, call, &pb.ValidateIntegrationRequest{Definition: wrong})
		var got []string
		for _, p := range valid.GetProblems() {
			got = append(got, p.GetField()+" "+p.GetReason()+" "+p.GetDescription())
		}
		matches(t, want, got)
		var fields []string
		for _, w := range want {
			fields = append(fields, strings.Join(strings.Fields(w)[:2], " "))
		}
		refused(t, call, &pb.ImportIntegrationRequest{Definition: wrong}, codes.InvalidArgument, "INVALID_ARGUMENT", fields...)
	})
}

// TestForeignInputsThatNobodyTakes drops inputs that components here do not have where nothing hangs on them, and keeps the others as
// problems to mend.
func TestForeignInputsThatNobodyTakes(t *testing.T) {
	t.Parallel()
	const text = `definitionVersion: 7
name: A
requiredConfigVars:
  - {key: C, dataType: connection, connection: {key: basic, component: {key: http}}, inputs: {username: {type: value, value: ada}, realm: {type: value, value: r}}}
flows:
  - name: F
    steps:
      - name: Hook
        isTrigger: true
        action: {key: webhook, component: {key: webhook-triggers}}
        inputs: {testObj: {type: complex, value: [{name: {type: value, value: a}, type: value, value: b}]}}
      - name: Write
        action: {key: writeLog, component: {key: log}}
        inputs: {message: {type: value, value: x}, blank: {type: value, value: ""}, none: {type: complex, value: []}, colour: {type: value, value: red}}
`
	in := ok[*pb.ImportIntegrationResponse](t, newWorld(t).overGRPC, &pb.ImportIntegrationRequest{Definition: text})
	var notes, problems []string
	for _, n := range in.GetNotes() {
		notes = append(notes, n.GetField())
	}
	for _, p := range in.GetIntegration().GetProblems() {
		problems = append(problems, p.GetReason()+" "+p.GetField())
	}
	if diff := cmp.Diff([]string{
		"requiredConfigVars[0].inputs.realm", "flows[0].steps[0].inputs.testObj", "flows[0].steps[1].inputs.blank",
		"flows[0].steps[1].inputs.colour", "flows[0].steps[1].inputs.none",
	}, notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	if len(problems) > 0 {
		t.Errorf("problems: %v", problems)
	}
}

// TestForeignWordsAndConnections imports what says things nearly as they are said here.
func TestForeignWordsAndConnections(t *testing.T) {
	t.Parallel()
	const text = `definitionVersion: 7
name: A
requiredConfigVars:
  - {key: Basic, dataType: connection, connection: {key: basic, component: {key: http}}, inputs: {password: {type: value, value: hunter2}}}
  - {key: Shared, dataType: connection, useScopedConfigVar: acme-api-key}
  - {key: Own, dataType: connection, connection: {key: oauth9, component: {key: http}}}
flows:
  - name: F
    steps:
      - name: Hook
        isTrigger: true
        action: {key: webhook, component: {key: webhook-triggers}}
      - name: Write
        action: {key: writeLog, component: {key: log}}
        inputs: {message: {type: value, value: x}, level: {type: value, value: WARN}, colour: {type: value, value: red}}
      - name: Get
        action: {key: httpGet, component: {key: http}}
        inputs: {url: {type: value, value: "https://example.com"}, connection: {type: configVar, value: Shared}}
`
	w := newWorld(t)
	in := ok[*pb.ImportIntegrationResponse](t, w.overGRPC, &pb.ImportIntegrationRequest{Definition: text})
	var notes, problems []string
	for _, n := range in.GetNotes() {
		notes = append(notes, n.GetKind().String()+" "+n.GetField())
	}
	for _, p := range in.GetIntegration().GetProblems() {
		problems = append(problems, p.GetReason()+" "+p.GetField())
	}
	if diff := cmp.Diff([]string{
		"KIND_DROPPED requiredConfigVars[0].inputs.password", "KIND_ASSUMED requiredConfigVars[1].useScopedConfigVar", "KIND_CHANGED requiredConfigVars[1].connection",
		"KIND_DROPPED flows[0].steps[1].inputs.colour", "KIND_CHANGED flows[0].steps[1].inputs.level",
	}, notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	// What the file itself says of a connection is not guessed at.
	if diff := cmp.Diff([]string{"UNKNOWN_CONNECTION_TYPE configVariables[2].connectionType"}, problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	variables := in.GetIntegration().GetConfigVariables()
	if !variables[0].GetRequired() || variables[0].GetDefaultValue() != nil {
		t.Errorf("the connection of which only a secret was known is %v", variables[0])
	}
	if variables[1].GetConnectionType() != "http.basic" {
		t.Errorf("the shared connection is a %s", variables[1].GetConnectionType())
	}
	for format, want := range map[pb.DefinitionFormat]string{
		pb.DefinitionFormat_DEFINITION_FORMAT_V7: "useScopedConfigVar: acme-api-key", pb.DefinitionFormat_DEFINITION_FORMAT_NATIVE: "sharedConnection: acme-api-key",
	} {
		exported := ok[*pb.ExportIntegrationResponse](t, w.overGRPC, &pb.ExportIntegrationRequest{IntegrationId: in.GetIntegration().GetId(), Format: format})
		if !strings.Contains(exported.GetDefinition(), want) {
			t.Errorf("the export lacks %q:\n%s", want, exported.GetDefinition())
		}
		again := ok[*pb.ImportIntegrationResponse](t, w.overGRPC, &pb.ImportIntegrationRequest{
			IntegrationId: in.GetIntegration().GetId(), Definition: exported.GetDefinition(),
		})
		if now := again.GetIntegration().GetConfigVariables()[1]; now.GetSharedConnection() != "acme-api-key" || now.GetConnectionType() != "http.basic" {
			t.Errorf("imported again it is %v", now)
		}
	}
	if level := in.GetIntegration().GetFlows()[0].GetSteps()[0].GetInputs()["level"].GetValue().GetStringValue(); level != "warn" {
		t.Errorf("the level is %q", level)
	}
}

// TestForeignProblemsNameTheFile names what is unresolved in the words of the file, not in those of the draft.
func TestForeignProblemsNameTheFile(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer("key: writeLog", "key: shout", "value: Endpoint", "value: Elsewhere").Replace(elsewhere)
	valid := ok[*pb.ValidateIntegrationResponse](t, newWorld(t).overGRPC, &pb.ValidateIntegrationRequest{Definition: text})
	var got []string
	for _, p := range valid.GetProblems() {
		got = append(got, p.GetField()+" "+p.GetReason()+" "+p.GetDescription())
	}
	matches(t, []string{
		`flows[0].steps[1].action UNKNOWN_ACTION line 11: component log has no action "shout"`,
		`flows[0].steps[1].inputs.message UNKNOWN_CONFIG_VARIABLE line 11: the input names the config variable "Elsewhere"`,
	}, got)
}

// TestProblemsNameTheLine tells of a definition in our words where each thing stands that is wrong or unresolved: when it is validated,
// refused and taken.
func TestProblemsNameTheLine(t *testing.T) {
	t.Parallel()
	call := newWorld(t).overGRPC
	unresolved := "id: lines\ndisplayName: Lines\nflows:\n  - displayName: F\n    steps:\n      - displayName: Say\n        action: log.shout\n" +
		"      - displayName: Say Again\n        action: http.httpGet\n"
	want := []string{
		`flows[0].steps[0].action UNKNOWN_ACTION line 7: component log has no action "shout"`,
		`flows[0].steps[1].inputs.url REQUIRED line 8: action http.httpGet of step "Say Again" needs a value`,
	}
	told := func(problems []*pb.Problem) (got []string) {
		for _, p := range problems {
			got = append(got, p.GetField()+" "+p.GetReason()+" "+p.GetDescription())
		}
		return got
	}
	matches(t, want, told(ok[*pb.ValidateIntegrationResponse](t, call, &pb.ValidateIntegrationRequest{Definition: unresolved}).GetProblems()))
	matches(t, want, told(ok[*pb.ImportIntegrationResponse](t, call, &pb.ImportIntegrationRequest{Definition: unresolved}).GetIntegration().GetProblems()))
	for _, p := range ok[*pb.GetIntegrationResponse](t, call, &pb.GetIntegrationRequest{IntegrationId: "lines"}).GetIntegration().GetProblems() {
		if strings.HasPrefix(p.GetDescription(), "line ") {
			t.Errorf("a draft has no lines: %s", p.GetDescription())
		}
	}
	_, st := call(t, &pb.ImportIntegrationRequest{Definition: strings.Replace(unresolved, "Say Again", "Say", 1)})
	if !strings.Contains(fmt.Sprint(st.Details()), "line 8: ") {
		t.Errorf("refused with %v", st.Details())
	}
}

// matches checks that texts are those wanted, in any order, each with at least what is wanted of its beginning.
func matches(t *testing.T, want, got []string) {
	t.Helper()
	for _, w := range want {
		found := false
		for _, g := range got {
			found = found || strings.HasPrefix(g, w)
		}
		if !found {
			t.Errorf("missing: %s", w)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d are told, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
}

// TestForeignYAML reads what YAML leaves in doubt as the texts that the other product means, and is not led astray by what hostile texts do.
func TestForeignYAML(t *testing.T) {
	t.Parallel()
	call := face(newWorld(t).overGRPC)
	const doubtful = `definitionVersion: 7
name: 0123
flows:
  - name: 1_000
    isSynchronous: no
    steps:
      - {name: yes, isTrigger: true, action: {key: webhook, component: {key: webhook-triggers, version: 012}}}
      - &write
        name: Write
        action: {key: writeLog, component: {key: log}}
        inputs: {message: {type: value, value: 007}, level: {type: value, value: .inf}}
  - name: 2026-01-31
    trigger: {name: T}
    steps: [*write]
`
	in := ok[*pb.ImportIntegrationResponse](t, call, &pb.ImportIntegrationRequest{IntegrationId: "doubtful", Definition: doubtful}).GetIntegration()
	if in.GetDisplayName() != "0123" || in.GetFlows()[0].GetDisplayName() != "1_000" || in.GetFlows()[0].GetTrigger().GetDisplayName() != "yes" ||
		in.GetFlows()[0].GetSteps()[0].GetInputs()["message"].GetValue().GetStringValue() != "007" || in.GetFlows()[1].GetDisplayName() != "2026-01-31" {
		t.Errorf("read %v", in)
	}
	steps := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "      - {name: S%d, action: {key: writeLog, component: {key: log}}}\n", i)
		}
		return b.String()
	}
	hostile := []struct{ name, text, want string }{
		{"billion laughs", "definitionVersion: 7\na0: &a0 [lol]\n" + laughs(), "TOO_LARGE"},
		{"an alias in itself", "definitionVersion: 7\nflows: &a [*a]\n", "definition"},
		{"depth", "definitionVersion: 7\nflows: " + strings.Repeat("[", 100_000), "definition"},
		{"depth in JSON", `{"definitionVersion": 7, "flows": ` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}", "definition"},
		{"a key twice", "definitionVersion: 7\nname: A\nname: B\nflows: [{name: F, name: G}]\n", "name DUPLICATE line 3:"},
		{"a key twice in JSON", "{\"definitionVersion\": 7,\n\"name\": \"A\",\n\"name\": \"B\"}", "name DUPLICATE line 3:"},
		{"a merge of a word", "definitionVersion: 7\na: &a x\nflows: [{<<: *a}]\n", "line 2: << merges no mapping"},
		{"merges of merges", "definitionVersion: 7\na0: &a0 {k: v}\n" + merges(), "TOO_LARGE"},
		{"a merge of itself", "definitionVersion: 7\na: &a {<<: *a}\n", "definition"},
		{"a control character", "definitionVersion: 7\nname: A\x00\n", "line 2: the control character U+0000 stands here"},
		{"a tag", "definitionVersion: 7\nname: !secret x\n", "the tag !secret"},
		{"too many steps", "definitionVersion: 7\nname: A\nflows:\n  - name: F\n    steps:\n" + steps(10_000), "there are 10000 steps"},
	}
	for _, tt := range hostile {
		resp, st := call(t, &pb.ValidateIntegrationRequest{Definition: tt.text})
		var told strings.Builder
		told.WriteString(st.String() + "\n")
		if valid, is := resp.(*pb.ValidateIntegrationResponse); is {
			for _, p := range valid.GetProblems() {
				fmt.Fprintf(&told, "%s %s %s\n", p.GetField(), p.GetReason(), p.GetDescription())
			}
		}
		if !strings.Contains(told.String(), tt.want) {
			t.Errorf("%s: %s, want %s", tt.name, told.String()[:min(told.Len(), 2000)], tt.want)
		}
	}
	large := "definitionVersion: 7\nname: A\nflows:\n"
	for i := range 10 {
		large += fmt.Sprintf("  - name: F%d\n    trigger: {name: T}\n    steps:\n", i) + steps(1000)
	}
	got := ok[*pb.ImportIntegrationResponse](t, call, &pb.ImportIntegrationRequest{IntegrationId: "large", Definition: large})
	if n := len(got.GetIntegration().GetFlows()[9].GetSteps()); n != 1000 {
		t.Errorf("the last flow has %d steps", n)
	}
}

// laughs is a text that its aliases make enormous.
func laughs() string {
	var b strings.Builder
	for i := range 12 {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i), 9), ","))
	}
	return b.String()
}

// merges is a text whose merges take long, though nothing comes of them.
func merges() string {
	var b strings.Builder
	for i := range 12 {
		fmt.Fprintf(&b, "a%d: &a%d {<<: [%s]}\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i), 9), ","))
	}
	return b.String()
}

// BenchmarkImport imports the largest real definition: decoded, read, checked, stored, compiled and shown.
func BenchmarkImport(b *testing.B) {
	text := realDefinitions(b)["hubspot-example-integration.yml"]
	call := face(newWorld(b).overGRPC)
	n := 0
	for b.Loop() {
		n++
		ok[*pb.ImportIntegrationResponse](b, call, &pb.ImportIntegrationRequest{IntegrationId: fmt.Sprintf("i-%d", n), Definition: text})
	}
}

// BenchmarkImportAtOnce imports it a hundred times at once, and reports how long half of them took at most.
func BenchmarkImportAtOnce(b *testing.B) {
	text := realDefinitions(b)["hubspot-example-integration.yml"]
	call := face(newWorld(b).overGRPC)
	var took []time.Duration
	n := 0
	for b.Loop() {
		n++
		var mu sync.Mutex
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				begun := time.Now()
				ok[*pb.ImportIntegrationResponse](b, call, &pb.ImportIntegrationRequest{IntegrationId: fmt.Sprintf("i-%d-%d", n, i), Definition: text})
				mu.Lock()
				defer mu.Unlock()
				took = append(took, time.Since(begun))
			})
		}
		all.Wait()
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Milliseconds()), "p50-ms")
}
