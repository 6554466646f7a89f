package api

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/headrace/headrace/internal/ipaas"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

func fieldsAndReasons(violations []ipaas.Violation) []string {
	var out []string
	for _, v := range violations {
		out = append(out, v.Field+" "+string(v.Reason))
	}
	return out
}

func TestShape(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       []string
	}{
		{"fits", `{"displayName":"A","flows":[{"synchronous":true,"position":1,"steps":[{"inputs":{"a b":{"value":{"x":[1,null]}}}}]}],
			"labels":{"a":"b"},"deploySettings":{"timeout":"1.5s","failurePolicy":"FAILURE_POLICY_KEEP"}}`, nil},
		{"names as in the protos", `{"display_name":"A","config_variables":[]}`, nil},
		{"null is not set", `{"displayName":null,"flows":null,"deploySettings":null,"labels":null}`, nil},
		{"numbers as text", `{"flows":[{"position":"3"}]}`, nil},
		{
			"everything at once", `{"displayNme":"A","flows":[{"x":1,"steps":[{"inputs":{"url":{"vlaue":1}}}]},{"synchronous":"yes"}]}`,
			[]string{
				"displayNme UNKNOWN_FIELD", "flows[0].x UNKNOWN_FIELD", "flows[0].steps[0].inputs.url.vlaue UNKNOWN_FIELD",
				"flows[1].synchronous WRONG_TYPE",
			},
		},
		{
			"wrong types", `{"displayName":1,"flows":{},"labels":[],"deploySettings":"x","configPages":[1]}`,
			[]string{"displayName WRONG_TYPE", "flows WRONG_TYPE", "labels WRONG_TYPE", "deploySettings WRONG_TYPE", "configPages[0] WRONG_TYPE"},
		},
		{
			"wrong values", `{"deploySettings":{"timeout":"soon","failurePolicy":"MAYBE"},"flows":[{"position":1.5,"testPayload":{"binary":"%%"}}]}`,
			[]string{
				"deploySettings.timeout WRONG_TYPE", "deploySettings.failurePolicy NOT_A_CHOICE", "flows[0].position WRONG_TYPE",
				"flows[0].testPayload.binary WRONG_TYPE",
			},
		},
		{"twice", `{"displayName":"A","display_name":"B","labels":{"a":"1","a":"2"}}`, []string{"displayName DUPLICATE", "labels.a DUPLICATE"}},
		{"two of a oneof", `{"flows":[{"steps":[{"inputs":{"a":{"value":1,"json":"1"}}}]}]}`, []string{"flows[0].steps[0].inputs.a.json MISPLACED"}},
		{"null in a list", `{"flows":[null],"labels":{"a":null}}`, []string{"flows[0] WRONG_TYPE", "labels.a WRONG_TYPE"}},
		{"a number beyond all floats", `{"flows":[{"steps":[{"inputs":{"a":{"value":1e999}}}]}]}`, []string{"flows[0].steps[0].inputs.a.value WRONG_TYPE"}},
		{"a list", `[]`, []string{"body WRONG_TYPE"}},
		{"null", `null`, []string{"body WRONG_TYPE"}},
		{"no JSON", `{"displayName":"A",}`, []string{"body MALFORMED"}},
		{"cut", `{"displayName":"A"`, []string{"body MALFORMED"}},
		{"more than one", `{} {}`, []string{"body MALFORMED"}},
		{"not UTF-8", "{\"displayName\":\"\xff\"}", []string{"body MALFORMED"}},
		{"too deep", `{"flows":[{"testPayload":{"json":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}}]}`, []string{"body MALFORMED"}},
		{"too deep where nobody looks", `{"x":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`, []string{"x UNKNOWN_FIELD", "body MALFORMED"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := checkShape([]byte(test.text), (&pb.Integration{}).ProtoReflect().Descriptor(), "body", false)
			if diff := cmp.Diff(test.want, fieldsAndReasons(got)); diff != "" {
				t.Errorf("violations (-want +got):\n%s\n%v", diff, got)
			}
			err := protojson.Unmarshal([]byte(test.text), &pb.Integration{})
			if (err == nil) != (len(got) == 0) && !strings.Contains(test.name, "too deep") {
				t.Errorf("protojson says %v", err)
			}
		})
	}
}

func TestShapeSaysWhatToDo(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, says string }{
		{`{"displayNme":"A"}`, "did you mean displayName?"},
		{`{"displayname":"A"}`, "did you mean displayName?"},
		{`{"zzzzzzzzz":"A"}`, "it has id, uid, displayName"},
		{`{"displayName":5}`, "put it in quotes"},
		{"{\n \"displayName\": x}", "line 2"},
		{`{"deploySettings":{"failurePolicy":"KEEP"}}`, "FAILURE_POLICY_ROLLBACK, FAILURE_POLICY_KEEP"},
		{`{"` + strings.Repeat("k", 10000) + `":1}`, "…"},
	}
	for _, test := range tests {
		t.Run(test.says, func(t *testing.T) {
			t.Parallel()
			got := checkShape([]byte(test.text), (&pb.Integration{}).ProtoReflect().Descriptor(), "body", false)
			if len(got) != 1 || !strings.Contains(got[0].Field+" "+got[0].Description, test.says) || len(got[0].Field) > 100 {
				t.Errorf("violations %v do not say %q", got, test.says)
			}
		})
	}
}

func TestStrictShape(t *testing.T) {
	t.Parallel()
	const text = `{"uid":"x","etag":"x","latestVersion":{"any":"thing"},"problems":[],"flows":[{"position":1,"createTime":"x","uid":1}]}`
	got := checkShape([]byte(text), (&pb.Integration{}).ProtoReflect().Descriptor(), "body", true)
	want := []string{
		"uid READ_ONLY", "etag READ_ONLY", "latestVersion READ_ONLY", "problems READ_ONLY", "flows[0].position READ_ONLY",
		"flows[0].createTime READ_ONLY", "flows[0].uid READ_ONLY",
	}
	if diff := cmp.Diff(want, fieldsAndReasons(got)); diff != "" {
		t.Errorf("violations (-want +got):\n%s", diff)
	}
}

// FuzzShape holds the walk against protojson: what one lets through, the other reads.
func FuzzShape(f *testing.F) {
	for _, seed := range []string{
		`{"displayName":"A","flows":[{"position":"1e0","steps":[{"inputs":{"a":{"value":{"x":[1e999,null]}}}}]}]}`,
		`{"deploySettings":{"timeout":"1.5s","failurePolicy":2}}`, `{"flows":[{"testPayload":{"binary":"_w=="}}]}`, `{"createTime":"2026-01-31T12:00:00.5Z"}`,
		`[{}]`, `{"a":1,"a":2}`, `{"labels":{"":"x"}}`,
	} {
		f.Add(seed)
	}
	md := (&pb.Integration{}).ProtoReflect().Descriptor()
	f.Fuzz(func(t *testing.T, text string) {
		found := checkShape([]byte(text), md, "body", false)
		err := protojson.Unmarshal([]byte(text), &pb.Integration{})
		if len(found) == 0 && err != nil && !knownDifference(err) {
			t.Errorf("%q fits, but: %v", text, err)
		}
	})
}

// knownDifference reports refusals of protojson that the walk leaves to it.
func knownDifference(err error) bool {
	for _, part := range []string{"timestamp", "duration", "surrogate", "escape", "exceeded", "UTF-8"} {
		if strings.Contains(strings.ToLower(err.Error()), strings.ToLower(part)) {
			return true
		}
	}
	return false
}

// TestEveryRouteIsKnown walks over the annotations: each binding has a body that is there and path variables that are fields.
func TestEveryRouteIsKnown(t *testing.T) {
	t.Parallel()
	if len(routes) < 40 {
		t.Fatalf("only %d routes", len(routes))
	}
	for _, r := range routes {
		if r.verb == "" || r.template == "" {
			t.Errorf("%s has a binding that is not understood", r.rpc.FullName())
		}
		for _, name := range r.pathFields() {
			if r.rpc.Input().Fields().ByName(protoreflect.Name(name)) == nil {
				t.Errorf("%s: %s is no field", r.template, name)
			}
		}
		for _, fd := range r.queryFields() {
			if fd.IsList() || fd.IsMap() || fd.Message() != nil && fd.Message().FullName() != "google.protobuf.FieldMask" {
				t.Errorf("%s %s: the query check does not know fields like %s", r.verb, r.template, fd.Name())
			}
		}
	}
}
