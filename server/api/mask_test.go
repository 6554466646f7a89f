package api

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/headrace/headrace/internal/ipaas"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

func TestMaskMerge(t *testing.T) {
	t.Parallel()
	stored := func() *pb.Integration {
		return &pb.Integration{
			DisplayName: "Old", Description: "kept", Labels: map[string]string{"a": "1"},
			Flows:          []*pb.Flow{{Id: "one"}, {Id: "two"}},
			DeploySettings: &pb.DeploySettings{FailurePolicy: pb.DeploySettings_FAILURE_POLICY_KEEP, Timeout: durationpb.New(9e9)},
		}
	}
	tests := []struct {
		name  string
		paths []string
		body  bool // the gateway made the mask
		src   *pb.Integration
		want  func(in *pb.Integration)
	}{
		{
			"what is set", nil, false, &pb.Integration{DisplayName: "New", Labels: map[string]string{"b": "2"}},
			func(in *pb.Integration) { in.DisplayName, in.Labels = "New", map[string]string{"b": "2"} },
		},
		{
			"what is named",
			[]string{"description"},
			false, &pb.Integration{DisplayName: "New"},
			func(in *pb.Integration) { in.Description = "" },
		},
		{
			"names as in JSON",
			[]string{"displayName"},
			false, &pb.Integration{DisplayName: "New"},
			func(in *pb.Integration) { in.DisplayName = "New" },
		},
		{
			"all",
			[]string{"*"},
			false, &pb.Integration{DisplayName: "New"},
			func(in *pb.Integration) { proto.Reset(in); in.DisplayName = "New" },
		},
		{
			"a field of a message",
			[]string{"deploy_settings.timeout"},
			false,
			&pb.Integration{DeploySettings: &pb.DeploySettings{Timeout: durationpb.New(5e9)}},
			func(in *pb.Integration) { in.DeploySettings.Timeout = durationpb.New(5e9) },
		},
		{
			"a field of a message that was not sent",
			[]string{"deploy_settings.timeout"},
			false, &pb.Integration{},
			func(in *pb.Integration) { in.DeploySettings.Timeout = nil },
		},
		{
			"lists whole",
			[]string{"flows"},
			false, &pb.Integration{Flows: []*pb.Flow{{Id: "three"}}},
			func(in *pb.Integration) { in.Flows = []*pb.Flow{{Id: "three"}} },
		},
		{
			"id and etag change nothing",
			[]string{"id", "etag", "display_name"},
			false, &pb.Integration{Id: "x", DisplayName: "New"},
			func(in *pb.Integration) { in.DisplayName = "New" },
		},
		{
			"keys of a body, empty ones too",
			[]string{"description", "etag", "uid"},
			true, &pb.Integration{Uid: "x"},
			func(in *pb.Integration) { in.Description = "" },
		},
		{
			"an empty list of a BASIC view",
			[]string{"display_name", "flows", "documentation"},
			true, &pb.Integration{DisplayName: "New"},
			func(in *pb.Integration) { in.DisplayName = "New" },
		},
		{
			"a message in a body whole",
			[]string{"deploy_settings.timeout"},
			true,
			&pb.Integration{DeploySettings: &pb.DeploySettings{Timeout: durationpb.New(5e9)}},
			func(in *pb.Integration) { in.DeploySettings = &pb.DeploySettings{Timeout: durationpb.New(5e9)} },
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			if test.body {
				ctx = metadata.NewIncomingContext(ctx, metadata.Pairs(bodyMask, "1"))
			}
			m, err := updateMask(ctx, &fieldmaskpb.FieldMask{Paths: test.paths}, test.src)
			if err != nil {
				t.Fatal(err)
			}
			got, want := stored(), stored()
			m.merge(got, test.src)
			test.want(want)
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
				t.Errorf("merged (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMaskOneof(t *testing.T) {
	t.Parallel()
	src := &pb.ConfigVariable{Default: &pb.ConfigVariable_DefaultValueJson{DefaultValueJson: "1.0"}}
	dst := &pb.ConfigVariable{Default: &pb.ConfigVariable_DefaultValue{DefaultValue: structpb.NewNumberValue(1)}}
	for _, paths := range [][]string{nil, {"*"}} {
		m, err := updateMask(t.Context(), &fieldmaskpb.FieldMask{Paths: paths}, src)
		if err != nil {
			t.Fatal(err)
		}
		got := proto.CloneOf(dst)
		m.merge(got, src)
		if got.GetDefaultValueJson() != "1.0" {
			t.Errorf("paths %v: %v", paths, got)
		}
	}
}

func TestMaskRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		path     string
		resource proto.Message
		says     string
	}{
		{"colour", &pb.Customer{}, "external_id"}, // what there is
		{"create_time", &pb.Customer{}, "server alone"},
		{"flows.steps", &pb.Integration{}, "name flows"},
		{"labels.a", &pb.Customer{}, "name labels"},
		{"display_name.x", &pb.Customer{}, "name display_name"},
		{"deploy_settings.colour", &pb.Integration{}, "failure_policy"},
		{"registrations", &pb.Instance{}, "server alone"},
	}
	for _, test := range tests {
		t.Run(test.path, func(t *testing.T) {
			t.Parallel()
			_, err := updateMask(t.Context(), &fieldmaskpb.FieldMask{Paths: []string{test.path}}, test.resource)
			if err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), test.path) {
				t.Errorf("error %v does not say %q", err, test.says)
			}
		})
	}
	if _, err := updateMask(t.Context(), &fieldmaskpb.FieldMask{Paths: []string{"*", "id"}}, &pb.Customer{}); err == nil {
		t.Error("* beside others was accepted")
	}
}

func TestMaskOfConfigValues(t *testing.T) {
	t.Parallel()
	text := func(s string) *pb.ConfigValue {
		return &pb.ConfigValue{Kind: &pb.ConfigValue_Value{Value: structpb.NewStringValue(s)}}
	}
	in := &pb.Instance{ConfigValues: map[string]*pb.ConfigValue{"a-b": text("1"), "c": text("2")}}
	tests := []struct {
		name  string
		paths []string
		want  []string
		all   bool
	}{
		{"without a mask one by one", nil, []string{"a-b", "c"}, false},
		{"all", []string{"config_values"}, []string{"a-b", "c"}, true},
		{"some", []string{"config_values.a-b", "configValues.`gone`"}, []string{"a-b", "gone"}, false},
		{"none", []string{"display_name"}, nil, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m, err := updateMask(t.Context(), &fieldmaskpb.FieldMask{Paths: test.paths}, in)
			if err != nil {
				t.Fatal(err)
			}
			var d decoding
			change := d.configChange(m, in)
			var got []string
			for key := range change.Values {
				got = append(got, key)
			}
			slices.Sort(got)
			if !slices.Equal(got, test.want) || change.ReplaceAll != test.all {
				t.Errorf("values %v, replace all %v", got, change.ReplaceAll)
			}
		})
	}
	var d decoding
	m, err := updateMask(t.Context(), &fieldmaskpb.FieldMask{Paths: []string{"*"}}, in)
	if err != nil {
		t.Fatal(err)
	}
	d.configChange(m, &pb.Instance{ConfigValues: map[string]*pb.ConfigValue{"s": {SecretSet: true}}})
	if len(d.violations) != 1 || d.violations[0].Field != "config_values.s" {
		t.Errorf("replacing all with a secret that only repeats a read: %+v", d.violations)
	}
	if _, err := updateMask(t.Context(), &fieldmaskpb.FieldMask{Paths: []string{"config_values", "config_values.c"}}, in); err == nil {
		t.Error("the whole beside a part was accepted")
	}
}

// TestLeftFieldsExist keeps the list of what BASIC views leave out in step with the protos.
func TestLeftFieldsExist(t *testing.T) {
	t.Parallel()
	for name := range left {
		if !slices.ContainsFunc([]proto.Message{&pb.Integration{}, &pb.Component{}, &pb.Instance{}}, func(m proto.Message) bool {
			return m.ProtoReflect().Descriptor().Fields().ByName(name) != nil
		}) {
			t.Errorf("no resource has %s", name)
		}
	}
	basic := integrationToProto(filled[ipaas.Integration](t), nil, "", false)
	whole := integrationToProto(filled[ipaas.Integration](t), nil, "https://headrace.example/hooks/x", true)
	whole.ProtoReflect().Range(func(fd protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
		if !basic.ProtoReflect().Has(fd) && !left[fd.Name()] && !outputOnly(fd) {
			t.Errorf("a BASIC view leaves out %s, and a body made of one would clear it", fd.Name())
		}
		return true
	})
}
