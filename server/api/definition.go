package api

import (
	"encoding/json"
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/prismatic"
	"github.com/headrace/headrace/internal/value"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// A definition as people write it is an Integration in the words of the REST API, in YAML or JSON. What only the server sets, and
// what follows from the order of things, does not belong there: an export leaves it out and an import refuses it by name, so that
// nobody believes that it was heeded.

// definitionKindKey is where a file may say what it describes, for those who keep several kinds of files: "kind: Integration".
const definitionKindKey = "kind"

// source is a definition as it was sent.
type source struct {
	def     ipaas.Definition
	id      string // that it names, if any
	format  pb.DefinitionFormat
	notes   []prismatic.Note
	lines   lines
	foreign *prismatic.Reading // of a definition in the words of others
}

// readDefinition reads a definition. violations is everything that is wrong with it, each with its path and, in YAML, its line; err is
// not the caller's fault.
func (a *API) readDefinition(text string) (src source, violations []ipaas.Violation, err error) {
	exact, malformed := definitionJSON(text)
	if malformed != nil {
		return source{format: pb.DefinitionFormat_DEFINITION_FORMAT_NATIVE}, []ipaas.Violation{*malformed}, nil
	}
	// What nests too deep for a value is not read as a foreign definition, and refused as one of ours.
	if v, tooDeep := value.Parse(exact.json); tooDeep == nil && prismatic.Is(v) {
		return a.readForeign(exact, v)
	}
	src = source{format: pb.DefinitionFormat_DEFINITION_FORMAT_NATIVE, lines: exact.lines}
	if exact.ambiguous != nil {
		return src, []ipaas.Violation{*exact.ambiguous}, nil
	}
	in := &pb.Integration{}
	violations = checkShape(exact.json, in.ProtoReflect().Descriptor(), "definition", true)
	if len(violations) > 0 {
		return src, exact.lines.mark(violations), nil
	}
	// Unknown fields were refused; what is left of them is the kind.
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(exact.json, in); err != nil {
		// checkShape knows all that protojson knows; if it is ever wrong, the caller still learns what is.
		return src, []ipaas.Violation{violation("definition", ipaas.ReasonMalformed, "%s", protojsonTrouble(err))}, nil
	}
	violations, err = a.rules.violations(in)
	if err != nil {
		return src, nil, err
	}
	var d decoding
	src.def, src.id = d.definition(in), in.GetId()
	for _, v := range d.violations {
		v.Field = restPath(v.Field)
		violations = append(violations, v)
	}
	return src, exact.lines.mark(violations), nil
}

// protojsonTrouble is the text of an error of protojson without its name, which varies on purpose.
func protojsonTrouble(err error) string {
	text := strings.ReplaceAll(err.Error(), "\u00a0", " ")
	return strings.TrimPrefix(text, "proto: ")
}

// definitionJSON returns a definition as exact JSON text. What is JSON already stays as it is.
func definitionJSON(text string) (exactText, *ipaas.Violation) {
	if strings.HasPrefix(strings.TrimSpace(text), "{") && json.Valid([]byte(text)) {
		return exactText{json: []byte(text)}, nil
	}
	return yamlToJSON(text)
}

// lines tells for paths in which line of a text they stand.
type lines map[string]int

// mark puts the line before the description of each violation. Something that is missing is missing where the thing around it stands.
func (l lines) mark(violations []ipaas.Violation) []ipaas.Violation {
	for i, v := range violations {
		if line := l.of(v.Field); line > 0 {
			violations[i].Description = fmt.Sprintf("line %d: %s", line, v.Description)
		}
	}
	return violations
}

// of returns the line of a path, or of the nearest thing around it that has one; 0: none has.
func (l lines) of(path string) int {
	for ; l != nil && path != ""; path = parentPath(path) {
		if line, ok := l[path]; ok {
			return line
		}
	}
	return 0
}

// parentPath drops the last segment or subscript of a path.
func parentPath(path string) string {
	if cut, ok := strings.CutSuffix(path, "]"); ok {
		return cut[:max(strings.LastIndex(cut, "["), 0)]
	}
	return path[:max(strings.LastIndex(path, "."), 0)]
}
