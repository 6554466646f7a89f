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
		found := jsonLines(text)
		if found.err != nil {
			return exactText{}, found.err.violation()
		}
		return exactText{json: []byte(text), lines: found.found, twice: found.twice}, nil
	}
	return yamlToJSON(text)
}

// jsonLines tells where each path of a valid JSON text stands, and which stand twice. It refuses keys that are too long.
func jsonLines(text string) *jsonReader {
	r := &jsonReader{text: text, in: json.NewDecoder(strings.NewReader(text)), line: 1, found: lines{}}
	r.in.UseNumber()
	r.read("", 0)
	return r
}

type jsonReader struct {
	text    string
	in      *json.Decoder
	line    int
	counted int // how much of the text is counted in line
	keys    int // how long the keys are in which the next token stands
	found   lines
	twice   []ipaas.Violation
	ended   bool // the rest is not read
	err     *yamlError
}

// next returns the next token, nil behind the last one.
func (r *jsonReader) next() json.Token {
	token, err := r.in.Token()
	if err != nil {
		return nil
	}
	end := int(r.in.InputOffset())
	r.line += strings.Count(r.text[r.counted:end], "\n")
	r.counted = end
	return token
}

func (r *jsonReader) read(path string, depth int) {
	token := r.next()
	if _, ok := r.found[path]; !ok {
		r.found.add(path, r.line)
	}
	if depth > maxYAMLDepth {
		r.ended = true // it is refused for that
	}
	switch token {
	case json.Delim('{'):
		seen := map[string]bool{}
		for !r.ended && r.in.More() {
			key, _ := r.next().(string)
			if r.keys += len(key); r.keys > maxKeys {
				r.ended, r.err = true, longKeys(r.line)
				return
			}
			at := r.found.key(path, key)
			switch {
			case !seen[key]:
				seen[key] = true
			case at == beyond:
				r.ended, r.err = true, &yamlError{r.line, ipaas.ReasonDuplicate, twice}
				return
			default:
				r.twice = append(r.twice, violation(at, ipaas.ReasonDuplicate, twice))
			}
			r.found.add(at, r.line)
			r.read(at, depth+1)
			r.keys -= len(key)
		}
		r.next()
	case json.Delim('['):
		for i := 0; !r.ended && r.in.More(); i++ {
			r.read(r.found.item(path, i), depth+1)
		}
		r.next()
	}
}

// The bounds of what is remembered of lines: what stands deeper, or behind so many others, is told with the line of what it stands in.
const (
	maxLinePath = 256
	maxLines    = 200_000
	beyond      = "\x00" // the path of what is not remembered
)

// lines tells for paths in which line of a text they stand.
type lines map[string]int

func (l lines) add(path string, line int) {
	if path != beyond && len(l) < maxLines {
		l[path] = line
	}
}

// key is the path of a value in an object, item that of one in a list.
func (l lines) key(path, key string) string {
	if path == beyond || len(path)+len(key) > maxLinePath {
		return beyond
	}
	return keyPath(path, key)
}

func (l lines) item(path string, i int) string {
	if path == beyond || len(path) > maxLinePath {
		return beyond
	}
	return indexPath(path, i)
}

// mark puts the line before the description of each violation. Something that is missing is missing where the thing around it stands.
func (l lines) mark(violations []ipaas.Violation) []ipaas.Violation {
	for i, v := range violations {
		if line := l.of(v.Field); line > 0 {
			violations[i].Description = fmt.Sprintf("line %d: %s", line, v.Description)
		}
	}
	return violations
}

// of returns the line of a path, or of the nearest thing around it that has one; 0: nothing is known of lines.
func (l lines) of(path string) int {
	for {
		if line, ok := l[path]; ok || path == "" {
			return line
		}
		path = parentPath(path)
	}
}

// parentPath drops the last segment or subscript of a path.
func parentPath(path string) string {
	if cut, ok := strings.CutSuffix(path, "]"); ok {
		return cut[:max(strings.LastIndex(cut, "["), 0)]
	}
	return path[:max(strings.LastIndex(path, "."), 0)]
}
