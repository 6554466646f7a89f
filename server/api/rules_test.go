package api

import (
	"strings"
	"testing"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// TestPatternsAreTold finds words for every pattern that a field of the protos has: nobody is shown a regular expression.
func TestPatternsAreTold(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	protoregistry.GlobalTypes.RangeMessages(func(mt protoreflect.MessageType) bool {
		if md := mt.Descriptor(); strings.HasPrefix(string(md.FullName()), "headrace.v1.") {
			for i := range md.Fields().Len() {
				rules, _ := proto.GetExtension(md.Fields().Get(i).Options(), validate.E_Field).(*validate.FieldRules)
				for _, text := range []*validate.StringRules{rules.GetString(), rules.GetRepeated().GetItems().GetString(), rules.GetMap().GetKeys().GetString()} {
					if text.HasPattern() {
						found[text.GetPattern()] = true
					}
				}
			}
		}
		return true
	})
	if len(found) != len(patterns) {
		t.Errorf("the protos have %d patterns, and there are words for %d", len(found), len(patterns))
	}
	for pattern := range found {
		if words := patternWords("does not match regex pattern `" + pattern + "`"); strings.Contains(words, pattern) {
			t.Errorf("nobody is told what %s means", pattern)
		}
	}
}
