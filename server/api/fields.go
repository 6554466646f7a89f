package api

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// fieldKind is what the values of a field of a list are.
type fieldKind int

const (
	textField fieldKind = iota
	wordField           // a word out of an enum
	numberField
	booleanField
	momentField
)

// field is a field that a list can be filtered and ordered by.
type field struct {
	name  string
	kind  fieldKind
	words []string // of a wordField
}

// fields is the closed list of them. Each RPC has its own; the store has an index for each or keeps its list short.
type fields []field

func text(names ...string) fields    { return fieldsOf(textField, names) }
func number(names ...string) fields  { return fieldsOf(numberField, names) }
func boolean(names ...string) fields { return fieldsOf(booleanField, names) }
func moment(names ...string) fields  { return fieldsOf(momentField, names) }

func fieldsOf(kind fieldKind, names []string) fields {
	var out fields
	for _, name := range names {
		out = append(out, field{name: name, kind: kind})
	}
	return out
}

func words(name string, enum protoreflect.EnumDescriptor) fields {
	return fields{{name: name, kind: wordField, words: enumWords(enum)}}
}

// The fields of each list. The comments of the RPCs name them, too.
var (
	componentFields = slices.Concat(text("id", "display_name"), words("kind", pb.Component_Kind(0).Descriptor()),
		moment("create_time", "update_time"))
	integrationFields = slices.Concat(text("id", "display_name", "category"), moment("create_time", "update_time"))
	versionFields     = slices.Concat(number("version"), moment("create_time"))
	flowFields        = slices.Concat(text("id", "display_name"), number("position"), boolean("synchronous"),
		moment("create_time", "update_time"))
	configVariableFields = slices.Concat(text("id", "display_name"), words("type", pb.ConfigVariable_Type(0).Descriptor()),
		boolean("required", "secret", "org_only"), moment("create_time", "update_time"))
	customerFields = slices.Concat(text("id", "display_name", "external_id"), moment("create_time", "update_time"))
	instanceFields = slices.Concat(text("id", "display_name", "customer_id", "integration_id"), number("version"),
		words("state", pb.Instance_State(0).Descriptor()), boolean("paused"), moment("create_time", "update_time"))
	flowKeyFields       = slices.Concat(text("id", "display_name"), moment("create_time"))
	deploymentFields    = slices.Concat(words("state", pb.Deployment_State(0).Descriptor()), number("version"), moment("create_time"))
	upgradeFields       = slices.Concat(text("integration_id"), number("version"), words("state", pb.Upgrade_State(0).Descriptor()), moment("create_time"))
	upgradeResultFields = slices.Concat(text("instance_id", "customer_id"), words("state", pb.UpgradeResult_State(0).Descriptor()),
		boolean("canary"), moment("end_time"))
	cleanupDebtFields = slices.Concat(text("instance_id", "customer_id", "integration_id"),
		words("reason", pb.CleanupDebt_Reason(0).Descriptor()), moment("create_time", "next_try_time"))
	stateFields = slices.Concat(words("scope", pb.StateEntry_Scope(0).Descriptor()), text("flow_id", "key"), number("size"),
		moment("create_time", "update_time"))
	executionFields = slices.Concat(
		text("id", "instance_id", "customer_id", "integration_id", "flow_id", "deployment_id", "origin_id", "retry_of", "replay_of", "invoked_by", "root_id"),
		words("state", pb.Execution_State(0).Descriptor()), words("invoke_type", pb.Execution_InvokeType(0).Descriptor()),
		boolean("test", "superseded", "blocking"), moment("create_time"))
)

// find returns the field with a name, in either spelling.
func (f fields) find(name string) (field, bool) {
	for _, field := range f {
		if field.name == name || camel(field.name) == name {
			return field, true
		}
	}
	return field{}, false
}

// names lists the fields for a message.
func (f fields) names() string {
	var names []string
	for _, field := range f {
		names = append(names, field.name)
	}
	return strings.Join(names, ", ")
}
