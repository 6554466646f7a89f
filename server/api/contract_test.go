package api

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/reflect/protoreflect"
)

func TestCommentsNameTheFieldsThatListsAcceptInFilters(t *testing.T) {
	t.Parallel()
	accepted := map[string]fields{
		"ListComponents": componentFields, "ListIntegrations": integrationFields, "ListIntegrationVersions": versionFields,
		"ListFlows": flowFields, "ListConfigVariables": configVariableFields, "ListCustomers": customerFields,
		"ListInstances": instanceFields, "ListDeployments": deploymentFields, "ListExecutions": executionFields,
		"ReplayExecutions": executionFields,
		"ListCleanupDebts": cleanupDebtFields, "ListStateEntries": stateFields, "ListFlowKeys": flowKeyFields,
		"ListUpgrades": upgradeFields, "ListUpgradeResults": upgradeResultFields,
	}
	documented := documentedFilters(t)
	for _, file := range files {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				method := methods.Get(j)
				if method.Input().Fields().ByName("filter") == nil {
					continue
				}
				name := string(method.Name())
				if accepted[name] == nil {
					t.Errorf("%s has a filter, but no fields are known here", name)
				}
				if diff := cmp.Diff(accepted[name].names(), documented[name]); diff != "" {
					t.Errorf("fields of %s that are accepted (-) and documented (+):\n%s", name, diff)
				}
				delete(documented, name)
			}
		}
	}
	for name := range documented {
		t.Errorf("the comment of %s documents a filter that it does not have", name)
	}
}

// documentedFilters reads the fields that the comments of the protos name, by RPC. Descriptors in a program have no comments.
func documentedFilters(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("../../proto/headrace/v1/*.proto")
	if err != nil || len(paths) == 0 {
		t.Fatalf("found %d protos: %v", len(paths), err)
	}
	comment := regexp.MustCompile(`Filter fields: ([^.]*)\.\s+rpc (\w+)`)
	documented := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range comment.FindAllStringSubmatch(strings.ReplaceAll(string(text), "\n  //", ""), -1) {
			documented[found[2]] = strings.ReplaceAll(found[1], "`", "")
		}
	}
	return documented
}

func TestWhatOnlyTheServerMakesIsMarkedOutputOnly(t *testing.T) {
	t.Parallel()
	sent, answered := map[protoreflect.FullName]bool{}, map[protoreflect.FullName]protoreflect.MessageDescriptor{}
	for _, file := range files {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				walkMessages(methods.Get(j).Input(), func(fd protoreflect.FieldDescriptor) bool { return !outputOnly(fd) },
					func(md protoreflect.MessageDescriptor) bool {
						seen := sent[md.FullName()]
						sent[md.FullName()] = true
						return !seen
					})
				walkMessages(methods.Get(j).Output(), func(protoreflect.FieldDescriptor) bool { return true },
					func(md protoreflect.MessageDescriptor) bool {
						_, seen := answered[md.FullName()]
						answered[md.FullName()] = md
						return !seen
					})
			}
		}
	}
	for name, md := range answered {
		if sent[name] || md.IsMapEntry() || strings.HasSuffix(string(name), "Response") && name != "headrace.v1.WebhookResponse" {
			continue
		}
		for i := range md.Fields().Len() {
			fd := md.Fields().Get(i)
			if !outputOnly(fd) && fd.ContainingOneof() == nil {
				t.Errorf("%s is never sent, but not OUTPUT_ONLY", fd.FullName())
			}
		}
	}
}

// walkMessages visits the messages of this API that are reached from one through the fields that follow allows; visit says whether
// to go on below a message.
func walkMessages(
	md protoreflect.MessageDescriptor, follow func(protoreflect.FieldDescriptor) bool, visit func(protoreflect.MessageDescriptor) bool,
) {
	if md.ParentFile().Package() != "headrace.v1" || !visit(md) {
		return
	}
	for i := range md.Fields().Len() {
		if fd := md.Fields().Get(i); fd.Message() != nil && follow(fd) {
			walkMessages(fd.Message(), follow, visit)
		}
	}
}
