package api

import (
	"errors"
	"fmt"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/headrace/headrace/internal/ipaas"
)

// rules checks messages against the rules written beside their fields in the protos.
type rules struct{ validator protovalidate.Validator }

func newRules() rules {
	v, err := protovalidate.New()
	if err != nil {
		// Nothing is handed in, so nothing but a broken build can make it fail.
		panic("api: protovalidate does not start: " + err.Error())
	}
	return rules{v}
}

// check returns everything that is wrong with a request. Paths begin below the field that is the body over REST.
func (r rules) check(req proto.Message) error {
	found, err := r.violations(req)
	if err != nil || len(found) == 0 {
		return err
	}
	for i := range found {
		found[i].Field = belowBody(req.ProtoReflect().Descriptor(), found[i].Field)
	}
	return invalid(found...)
}

// violations returns everything that is wrong with a message.
func (r rules) violations(m proto.Message) ([]ipaas.Violation, error) {
	err := r.validator.Validate(m)
	if err == nil {
		return nil, nil
	}
	var invalid *protovalidate.ValidationError
	if !errors.As(err, &invalid) {
		return nil, fmt.Errorf("check %s: %w", m.ProtoReflect().Descriptor().FullName(), err)
	}
	out := make([]ipaas.Violation, 0, len(invalid.Violations))
	for _, v := range invalid.Violations {
		found := ruleViolation(m.ProtoReflect().Descriptor(), v.Proto)
		if found.Reason == ipaas.ReasonTooLarge && negative(v.FieldValue) {
			found.Reason = ipaas.ReasonMalformed // below the range, not over it
		}
		out = append(out, found)
	}
	return out, nil
}

// ruleReasons gives the kinds of rules their reasons; all others mean MALFORMED.
var ruleReasons = map[string]ipaas.Reason{
	"required": ipaas.ReasonRequired, "min_len": ipaas.ReasonRequired, "in": ipaas.ReasonNotAChoice,
	"defined_only": ipaas.ReasonNotAChoice, "max_len": ipaas.ReasonTooLarge, "max_bytes": ipaas.ReasonTooLarge,
	"max_items": ipaas.ReasonTooLarge, "max_pairs": ipaas.ReasonTooLarge, "lte": ipaas.ReasonTooLarge,
	"gte_lte": ipaas.ReasonTooLarge,
}

// negative reports whether a value is a number or a duration below zero.
func negative(v protoreflect.Value) bool {
	switch n := v.Interface().(type) {
	case int32:
		return n < 0
	case int64:
		return n < 0
	case protoreflect.Message:
		d, ok := n.Interface().(*durationpb.Duration)
		return ok && d.AsDuration() < 0
	}
	return false
}

func ruleViolation(md protoreflect.MessageDescriptor, v *validate.Violation) ipaas.Violation {
	_, rule, ok := strings.Cut(v.GetRuleId(), ".")
	if !ok {
		rule = v.GetRuleId()
	}
	reason, ok := ruleReasons[rule]
	if !ok {
		reason = ipaas.ReasonMalformed
	}
	description := v.GetMessage()
	if rule == "pattern" {
		description = patternWords(description)
	}
	path, of := rulePath(md, v.GetField())
	if of != nil {
		var names []string
		for i := range of.Fields().Len() {
			names = append(names, of.Fields().Get(i).JSONName())
		}
		description = "must have one of " + strings.Join(names, ", ")
	}
	return ipaas.Violation{Field: path, Reason: reason, Description: description}
}

// patterns says in words what the patterns of the protos ask for.
var patterns = []struct{ pattern, words string }{
	{`^([a-z0-9]+(-[a-z0-9]+)*)?$`, "must be lower-case letters, digits and single hyphens, e.g. smith-rockets"},
	{`^([a-z0-9]+(-[a-z0-9]+)*(--test)?)?$`, "must be lower-case letters, digits and single hyphens, e.g. smith-rockets"},
	{`^([A-Za-z0-9]+([-_][A-Za-z0-9]+)*)?$`, "must be letters, digits, and single hyphens or underscores between them, e.g. acme-erp"},
	{`^([A-Za-z0-9]+([-_][A-Za-z0-9]+)*\.[A-Za-z][A-Za-z0-9_-]*)?$`, "must be the id of a component, a dot and a key, e.g. http.httpGet"},
	{`^[A-Za-z][A-Za-z0-9_-]*$`, "must be letters, digits, hyphens and underscores, a letter first, e.g. createWebhook"},
	{`^[A-Za-z][A-Za-z0-9_]*$`, "must be letters, digits and underscores, a letter first, e.g. baseUrl"},
}

// patternWords is what the message about a pattern means.
func patternWords(message string) string {
	for _, known := range patterns {
		if strings.Contains(message, "`"+known.pattern+"`") {
			return known.words
		}
	}
	return message
}

// rulePath spells the path of a violation as all others are spelled. A rule about a oneof, which has no name in JSON, has the path
// of the message around it.
func rulePath(md protoreflect.MessageDescriptor, path *validate.FieldPath) (out string, of protoreflect.OneofDescriptor) {
	for _, e := range path.GetElements() {
		fd := md.Fields().ByName(protoreflect.Name(e.GetFieldName()))
		if fd == nil {
			return out, md.Oneofs().ByName(protoreflect.Name(e.GetFieldName()))
		}
		out = joinPath(out, fd.JSONName())
		md = fd.Message()
		switch e.WhichSubscript() {
		case validate.FieldPathElement_Index_case:
			out = indexPath(out, int(min(e.GetIndex(), 1<<30)))
		case validate.FieldPathElement_StringKey_case:
			out = keyPath(out, e.GetStringKey())
			md = fd.MapValue().Message()
		}
	}
	return out, nil
}
