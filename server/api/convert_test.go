package api

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/headrace/headrace/internal/config"
	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// variants is more than the fields of the largest oneof.
const variants = 7

func eachVariant(t *testing.T, test func(t *testing.T, f *filler)) {
	t.Helper()
	for i := range variants {
		t.Run("variant "+strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			test(t, &filler{variant: i})
		})
	}
}

func same(t *testing.T, want, got proto.Message, d decoding) {
	t.Helper()
	if err := d.err(); err != nil {
		t.Fatalf("reading it: %v", err)
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("what came back (-sent +came back):\n%s", diff)
	}
}

func TestConvertFlow(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, f *filler) {
		sent := &pb.Flow{}
		f.message(sent.ProtoReflect(), map[protoreflect.FullName]int{})
		var d decoding
		got := flowToProto(d.flow("", sent), sent.GetIntegrationId(), int(sent.GetPosition()), sent.GetEtag())
		same(t, sent, got, d)
	})
}

func TestConvertConfigVariable(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, f *filler) {
		sent := &pb.ConfigVariable{}
		f.message(sent.ProtoReflect(), map[protoreflect.FullName]int{})
		var d decoding
		got := configVariableToProto(d.configVariable("", sent), sent.GetIntegrationId(), sent.GetEtag())
		same(t, sent, got, d)
	})
}

func TestConvertComponent(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, f *filler) {
		sent := &pb.Component{}
		f.message(sent.ProtoReflect(), map[protoreflect.FullName]int{})
		sent.Etag = etagOf(sent.GetUid(), int64(sent.GetVersion()))
		var d decoding
		same(t, sent, componentToProto(d.component(sent), true), d)
	})
}

func TestConvertCustomer(t *testing.T) {
	t.Parallel()
	sent := &pb.Customer{}
	new(filler).message(sent.ProtoReflect(), map[protoreflect.FullName]int{})
	c := customerFromProto(sent)
	c.Revision = 7
	sent.Etag = etagOf(sent.GetUid(), 7)
	same(t, sent, customerToProto(c), decoding{})
}

func TestConvertDefinition(t *testing.T) {
	t.Parallel()
	eachVariant(t, func(t *testing.T, f *filler) {
		sent := &pb.Integration{}
		f.message(sent.ProtoReflect(), map[protoreflect.FullName]int{})
		// These are the integration's, or follow from the place.
		sent.Uid, sent.Problems, sent.LatestVersion, sent.UnpublishedChanges, sent.Etag = "", nil, 0, false, ""
		sent.CreateTime, sent.UpdateTime, sent.EndpointUrl = nil, nil, ""
		for i, flow := range sent.GetFlows() {
			flow.IntegrationId, flow.Position, flow.Etag = sent.GetId(), proto.Int32(int32(i)), ""
		}
		for _, v := range sent.GetConfigVariables() {
			v.IntegrationId, v.Etag = sent.GetId(), ""
		}
		var d decoding
		same(t, sent, definitionToProto(sent.GetId(), d.definition(sent)), d)
	})
}

// TestConvertKeepsEveryField goes the other way round: no field of a noun is lost on the way out and in again.
func TestConvertKeepsEveryField(t *testing.T) {
	t.Parallel()
	var d decoding
	def := filled[ipaas.Definition](t)
	for i := range def.Flows {
		// A body has one kind only.
		def.Flows[i].TestPayload.Binary = nil
	}
	for i := range def.ConfigPages {
		def.ConfigPages[i].Elements[0].Heading = ""
		def.ConfigPages[i].Elements[1].ConfigVariable = ""
	}
	if diff := cmp.Diff(def, d.definition(definitionToProto("x", def))); diff != "" {
		t.Errorf("definition (-want +got):\n%s", diff)
	}
	component := filled[ipaas.Component](t)
	if diff := cmp.Diff(component, d.component(componentToProto(component, true))); diff != "" {
		t.Errorf("component (-want +got):\n%s", diff)
	}
	customer := filled[ipaas.Customer](t)
	got := customerFromProto(customerToProto(customer))
	got.Revision = customer.Revision
	if diff := cmp.Diff(customer, got); diff != "" {
		t.Errorf("customer (-want +got):\n%s", diff)
	}
	if err := d.err(); err != nil {
		t.Error(err)
	}
}

// TestConvertShowsEveryField fills nouns that are only shown, and looks for fields of the answer that stay empty.
func TestConvertShowsEveryField(t *testing.T) {
	t.Parallel()
	ex := filled[control.ExecutionView](t)
	for i := range ex.Steps {
		ex.Steps[i].Inputs = `{"url":"https://example.com"}`
		ex.Steps[i].Result = string(value.Encode(value.Bytes{Data: []byte("x"), ContentType: "image/png"}))
	}
	execution, err := executionViewToProto(ex)
	if err != nil {
		t.Fatal(err)
	}
	in := filled[ipaas.Instance](t)
	plan := filled[control.DeployPlan](t)
	integration := filled[ipaas.Integration](t)
	for i := range integration.Draft.ConfigPages {
		integration.Draft.ConfigPages[i].Elements[0].Heading = ""
	}
	tests := []struct {
		name string
		got  proto.Message
		none []string // fields that belong to another case
	}{
		{"execution", execution, []string{"response.body_bytes"}},
		{"deployment", deploymentToProto(filled[ipaas.Deployment](t), filled[[]control.RegistrationChangeView](t)), nil},
		{"flow key", flowKeyToProto(filled[ipaas.FlowKey](t)), []string{"key"}},
		{"plan", deployPlanToProto(&plan), nil},
		{"instance", instanceToProto(in, filled[control.InstanceView](t)), nil},
		{
			"wizard", wizardToProto(filled[control.Wizard](t)),
			[]string{"pages.elements.variable.config_variable.integration_id", "pages.elements.variable.config_variable.etag"},
		},
		{"version", versionToProto(filled[ipaas.IntegrationVersion](t), true), []string{"flows.etag", "config_variables.etag"}},
		{"integration", integrationToProto(integration, filled[[]ipaas.Violation](t), "https://headrace.example/hooks/x", true), []string{"flows.etag", "config_variables.etag"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := slices.DeleteFunc(empties(test.got.ProtoReflect(), ""), func(path string) bool {
				// Inputs nest in themselves; the round trips above hold them to account.
				return slices.Contains(test.none, path) || strings.Contains(path, "inputs.") || strings.Contains(path, "key.") ||
					strings.Contains(path, "flow_name.") || strings.Contains(path, "customer_id.") || strings.Contains(path, "customer_user_id.") || strings.Contains(path, "steps.steps") || strings.Contains(path, "branches.steps") ||
					strings.HasSuffix(path, "position")
			})
			if len(got) > 0 {
				t.Errorf("these fields stay empty: %s", strings.Join(got, ", "))
			}
		})
	}
}

func TestConvertBinaryBody(t *testing.T) {
	t.Parallel()
	got := responseToProto(&ipaas.Response{Status: 200, Body: []byte{0xff}, Headers: []ipaas.NamedText{{Name: "A", Text: "1"}, {Name: "A", Text: "2"}}})
	want := &pb.WebhookResponse{Status: 200, BodyBytes: []byte{0xff}, Headers: map[string]string{"A": "1, 2"}}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}
}

// wordsOf returns the constants of each string type of a package: the source is the one place that lists them.
func wordsOf(t *testing.T, dir string) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no source in %s: %v", dir, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			typ, ok := spec.Type.(*ast.Ident)
			lit, isLit := spec.Values[0].(*ast.BasicLit)
			if ok && isLit && lit.Kind == token.STRING {
				word, _ := strconv.Unquote(lit.Value)
				out[typ.Name] = append(out[typ.Name], word)
			}
			return true
		})
	}
	return out
}

// TestEnumWords holds the words of ipaas against those of the wire, both ways.
func TestEnumWords(t *testing.T) {
	t.Parallel()
	known := wordsOf(t, "../../internal/ipaas")
	tests := []struct {
		typ  string
		enum protoreflect.EnumDescriptor
		ours []string // words that are not told outside
	}{
		{"ComponentKind", pb.Component_Kind(0).Descriptor(), nil},
		{"FieldType", pb.InputField_Type(0).Descriptor(), nil},
		{"Collection", pb.InputField_Collection(0).Descriptor(), nil},
		{"Collection", pb.ConfigVariable_Collection(0).Descriptor(), nil},
		{"Effect", pb.Action_Effect(0).Descriptor(), nil},
		{"ConfigType", pb.ConfigVariable_Type(0).Descriptor(), nil},
		{"FailurePolicy", pb.DeploySettings_FailurePolicy(0).Descriptor(), nil},
		{"InstanceKind", pb.Instance_Kind(0).Descriptor(), nil},
		{"InstanceState", pb.Instance_State(0).Descriptor(), []string{"DELETED"}}, // a tombstone is NOT_FOUND
		{"PauseMode", pb.Instance_PauseMode(0).Descriptor(), nil},
		{"DeploymentState", pb.Deployment_State(0).Descriptor(), nil},
		{"RegistrationState", pb.Registration_State(0).Descriptor(), nil},
		{"ChangeKind", pb.RegistrationChange_Kind(0).Descriptor(), nil},
		{"ExecutionState", pb.Execution_State(0).Descriptor(), nil},
		{"InvokeType", pb.Execution_InvokeType(0).Descriptor(), nil},
		{"StepState", pb.StepResult_State(0).Descriptor(), nil},
		{"Severity", pb.Log_Severity(0).Descriptor(), nil},
	}
	for _, test := range tests {
		t.Run(string(test.enum.FullName()), func(t *testing.T) {
			t.Parallel()
			want := slices.DeleteFunc(slices.Clone(known[test.typ]), func(word string) bool { return slices.Contains(test.ours, word) })
			got := enumWords(test.enum)
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("words (-ipaas +wire):\n%s", diff)
			}
		})
	}
}

func TestEnumBothWays(t *testing.T) {
	t.Parallel()
	if got := enumFromProto[ipaas.FailurePolicy](pb.DeploySettings_FAILURE_POLICY_KEEP); got != ipaas.Keep {
		t.Errorf("from the wire: %q", got)
	}
	if got := enumToProto[pb.DeploySettings_FailurePolicy](ipaas.Keep); got != pb.DeploySettings_FAILURE_POLICY_KEEP {
		t.Errorf("to the wire: %v", got)
	}
	if got := enumToProto[pb.Instance_State](ipaas.InstanceDeleted); got != pb.Instance_STATE_UNSPECIFIED {
		t.Errorf("a word of ours alone: %v", got)
	}
	if got := enumFromProto[ipaas.Effect](pb.Action_Effect(99)); got != "" {
		t.Errorf("an unknown number: %q", got)
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, near string }{
		{"digits", `12345678901234567890`, `12345678901234567000`},
		{"beyond every float", `1e999`, `"1e999"`},
		{"nested", `{"b":[1,null,{"c":true}],"a":"x"}`, `{"a":"x","b":[1,null,{"c":true}]}`},
		{"null", `null`, `null`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v, err := value.Parse([]byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			got, err := show(string(value.Encode(v)))
			if err != nil {
				t.Fatal(err)
			}
			if got.json != test.text {
				t.Errorf("exact: %s, want %s", got.json, test.text)
			}
			var d decoding
			back := d.jsonOf("x", got.near)
			wanted, _ := value.Parse([]byte(test.near))
			parsed, _ := value.Parse([]byte(back))
			if !value.Equal(wanted, parsed) {
				t.Errorf("near: %s, want %s", back, test.near)
			}
		})
	}
}

func TestValuesThatAreNone(t *testing.T) {
	t.Parallel()
	deep := structpb.NewNullValue()
	for range value.MaxDepth + 2 {
		deep = structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{deep}})
	}
	tests := []struct {
		name   string
		v      *structpb.Value
		reason ipaas.Reason
	}{
		{"empty", &structpb.Value{}, ipaas.ReasonMalformed},
		{"not a number", structpb.NewNumberValue(nan()), ipaas.ReasonMalformed},
		{"an empty one inside", structpb.NewListValue(&structpb.ListValue{Values: []*structpb.Value{{}}}), ipaas.ReasonMalformed},
		{"too deep", deep, ipaas.ReasonTooDeep},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var d decoding
			d.jsonOf("config_values.a.value", test.v)
			if len(d.violations) != 1 || d.violations[0].Reason != test.reason {
				t.Errorf("violations: %+v, want one with reason %s", d.violations, test.reason)
			}
		})
	}
}

func nan() float64 {
	f, err := strconv.ParseFloat("NaN", 64)
	if err != nil {
		panic(fmt.Sprint(err))
	}
	return f
}

func TestLiteralsKeepTheirText(t *testing.T) {
	t.Parallel()
	const text = "{ \"n\" : 1.0e2 ,\n \"n2\":00 }"
	var d decoding
	d.input("inputs.a", &pb.Input{Kind: &pb.Input_Json{Json: text}}, 0)
	if len(d.violations) != 1 || d.violations[0].Field != "inputs.a.json" {
		t.Errorf("text that is no JSON: %+v", d.violations)
	}
	const good = "{ \"n\" : 1.0e2 }"
	got := inputToProto((&decoding{}).input("", &pb.Input{Kind: &pb.Input_Json{Json: good}}, 0))
	if got.GetJson() != good {
		t.Errorf("got %q, want %q", got.GetJson(), good)
	}
}

func TestConfigValuesThatRepeatARead(t *testing.T) {
	t.Parallel()
	var d decoding
	got := d.configInputs("config_values", map[string]*pb.ConfigValue{
		"set":        {Kind: &pb.ConfigValue_Value{Value: structpb.NewStringValue("x")}, Source: pb.ConfigValue_SOURCE_INSTANCE},
		"exact":      {Kind: &pb.ConfigValue_Json{Json: "1.0"}},
		"default":    {Kind: &pb.ConfigValue_Value{Value: structpb.NewStringValue("y")}, Source: pb.ConfigValue_SOURCE_DEFAULT},
		"secret":     {SecretSet: true, Source: pb.ConfigValue_SOURCE_INSTANCE},
		"connection": {SecretInputsSet: []string{"apiKey"}},
		"back":       {},
	})
	want := map[string]config.Input{"set": {JSON: `"x"`}, "exact": {JSON: "1.0", Typed: true}, "back": {}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values to set (-want +got):\n%s", diff)
	}
}
