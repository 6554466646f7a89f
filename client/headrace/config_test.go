package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/structpb"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

func jsonValue(text string) *headracev1.ConfigValue {
	return &headracev1.ConfigValue{Kind: &headracev1.ConfigValue_Json{Json: text}}
}

func TestConfigValues(t *testing.T) {
	t.Parallel()
	values := file(t, "values.yaml", "token: s3cret\nsize: 1.50\nerp: {baseUrl: http://a, apiKey: k}\nlist: [1, 2]\n")
	p := &peer{answers: map[string]any{"CreateInstance": &headracev1.CreateInstanceResponse{Instance: &headracev1.Instance{Id: "smith-acme"}}}}
	code, stdout, stderr := headrace(t, p, "", "instance", "create", "smith-acme", "--customer", "smith", "--integration", "acme",
		"--label", "a=b=c", "--from-file", values, "--set", "token=a=b,c", "--set-json", "list=[3.0]", "--set-connection", "erp.baseUrl=http://\"b",
		"--set-connection", "other.key=v")
	if code != exitOK || stdout != "instance smith-acme created\n" {
		t.Errorf("code %d, printed %q and %q", code, stdout, stderr)
	}
	want := []proto.Message{&headracev1.CreateInstanceRequest{Instance: &headracev1.Instance{
		Id: "smith-acme", DisplayName: "smith-acme", CustomerId: "smith", IntegrationId: "acme", Labels: map[string]string{"a": "b=c"},
		ConfigValues: map[string]*headracev1.ConfigValue{
			"token": {Kind: &headracev1.ConfigValue_Value{Value: structpb.NewStringValue("a=b,c")}},
			"size":  jsonValue("1.50"),
			"list":  jsonValue("[3.0]"),
			"erp":   jsonValue(`{"apiKey":"k","baseUrl":"http://\"b"}`),
			"other": jsonValue(`{"key":"v"}`),
		},
	}}}
	if diff := cmp.Diff(want, p.asked(), protocmp.Transform()); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
}

func TestValuesFileIsNeverQuoted(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"token: [s3cret\n", "s3cret", "token: *s3cret\n", ""} {
		code, _, stderr := headrace(t, &peer{}, text, "instance", "set", "smith", "--from-file", "-")
		if code != exitUsage || strings.Contains(stderr, "s3cret") {
			t.Errorf("%q: code %d, printed %q, want 2 and not the value", text, code, stderr)
		}
	}
}

func TestConnectionInputsAreMerged(t *testing.T) {
	t.Parallel()
	before := &headracev1.Instance{Etag: "e7", ConfigValues: map[string]*headracev1.ConfigValue{
		"erp": {
			Kind:   &headracev1.ConfigValue_Value{Value: structpb.NewStructValue(&structpb.Struct{Fields: map[string]*structpb.Value{"baseUrl": structpb.NewStringValue("http://a"), "user": structpb.NewStringValue("u")}})},
			Source: headracev1.ConfigValue_SOURCE_INSTANCE, SecretSet: true, SecretInputsSet: []string{"apiKey"},
		},
		"url": {Kind: &headracev1.ConfigValue_Json{Json: `"http://p"`}, Source: headracev1.ConfigValue_SOURCE_INSTANCE},
	}}
	wantInstance := &headracev1.Instance{Etag: "e7", ConfigValues: map[string]*headracev1.ConfigValue{
		"erp": jsonValue(`{"baseUrl":"http://b","user":"u"}`), "gone": {},
	}}
	paths := []string{"config_values.erp", "config_values.gone"}
	flags := []string{"--set-connection", "erp.baseUrl=http://b", "--unset", "gone"}

	p := &peer{answers: map[string]any{
		"GetInstance":    &headracev1.GetInstanceResponse{Instance: before},
		"UpdateInstance": &headracev1.UpdateInstanceResponse{Instance: &headracev1.Instance{NeedsDeploy: true, Generation: 1}},
	}}
	code, stdout, stderr := headrace(t, p, "", append([]string{"instance", "set", "smith"}, flags...)...)
	if code != exitOK || !strings.Contains(stdout, "takes effect with the next deployment") {
		t.Errorf("code %d, printed %q and %q", code, stdout, stderr)
	}
	update := p.requests[1].(*headracev1.UpdateInstanceRequest)
	if diff := cmp.Diff(wantInstance, update.GetInstance(), protocmp.Transform()); diff != "" {
		t.Errorf("instance (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(paths, update.GetUpdateMask().GetPaths()); diff != "" {
		t.Errorf("mask (-want +got):\n%s", diff)
	}

	named := &headracev1.ConfigWizardVariable{ConfigVariable: &headracev1.ConfigVariable{Id: "erp", DisplayName: "Your ERP"}}
	p = &peer{answers: map[string]any{
		"GetInstance": &headracev1.GetInstanceResponse{Instance: before},
		"GetConfigWizard": &headracev1.GetConfigWizardResponse{ConfigWizard: &headracev1.ConfigWizard{Pages: []*headracev1.ConfigWizardPage{
			{Elements: []*headracev1.ConfigWizardElement{{Kind: &headracev1.ConfigWizardElement_Variable{Variable: named}}}},
		}}},
		"UpdateInstance": &headracev1.UpdateInstanceResponse{},
	}}
	if code, _, stderr := headrace(t, p, "", "instance", "set", "smith", "--set-connection", "Your ERP.baseUrl=http://b", "--unset", "gone"); code != exitOK {
		t.Fatalf("code %d: %s", code, stderr)
	}
	if diff := cmp.Diff(wantInstance, p.requests[2].(*headracev1.UpdateInstanceRequest).GetInstance(), protocmp.Transform()); diff != "" {
		t.Errorf("by the name that people see (-want +got):\n%s", diff)
	}

	p = &peer{answers: map[string]any{
		"GetTestInstance":    &headracev1.GetTestInstanceResponse{TestInstance: before},
		"UpdateTestInstance": &headracev1.UpdateTestInstanceResponse{},
	}}
	if code, _, stderr := headrace(t, p, "", append([]string{"test-instance", "set", "acme"}, flags...)...); code != exitOK {
		t.Fatalf("code %d: %s", code, stderr)
	}
	if diff := cmp.Diff(wantInstance, p.requests[1].(*headracev1.UpdateTestInstanceRequest).GetTestInstance(), protocmp.Transform()); diff != "" {
		t.Errorf("test instance (-want +got):\n%s", diff)
	}

	p = &peer{answers: map[string]any{"GetInstance": &headracev1.GetInstanceResponse{Instance: before}}}
	if code, _, stderr := headrace(t, p, "", "instance", "set", "smith", "--set-connection", "url.a=b"); code != exitUsage {
		t.Errorf("an input of what is no connection: code %d: %s", code, stderr)
	}
}
