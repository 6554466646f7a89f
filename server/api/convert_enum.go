package api

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// The words of an enum on the wire are those of ipaas behind the enum's name: FIELD_TYPE of Type is TYPE_… there. So neither
// direction needs a table, and a test holds both sides against each other.

// enumFromProto returns the word of an enum value, "" for the unspecified one.
func enumFromProto[D ~string](e protoreflect.Enum) D {
	v := e.Descriptor().Values().ByNumber(e.Number())
	if v == nil || v.Number() == 0 {
		return ""
	}
	return D(strings.TrimPrefix(string(v.Name()), enumPrefix(e.Descriptor())))
}

// enumToProto returns the enum value of a word, the unspecified one for "" and for a word that is not told outside.
func enumToProto[E interface {
	~int32
	protoreflect.Enum
}, D ~string](word D) E {
	var zero E
	d := zero.Descriptor()
	if v := d.Values().ByName(protoreflect.Name(enumPrefix(d) + string(word))); v != nil && word != "" {
		return E(v.Number())
	}
	return zero
}

// enumPrefix is what the names of an enum's values begin with: FAILURE_POLICY_ for FailurePolicy.
func enumPrefix(d protoreflect.EnumDescriptor) string {
	return strings.ToUpper(snake(string(d.Name()))) + "_"
}

// enumWords lists the words of an enum, without the unspecified one.
func enumWords(d protoreflect.EnumDescriptor) []string {
	var words []string
	for i := range d.Values().Len() {
		if v := d.Values().Get(i); v.Number() != 0 {
			words = append(words, strings.TrimPrefix(string(v.Name()), enumPrefix(d)))
		}
	}
	return words
}
