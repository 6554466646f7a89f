package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/headrace/headrace/client"
	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// The bounds of what is tested at a time.
const (
	maxSuites = 1000
	maxCases  = 1000 // of a file
)

// testSuffixes are what the names of test files end with.
var testSuffixes = []string{".test.yaml", ".test.yml"}

// suite is a test file.
type suite struct {
	file        string
	integration string   // the file with the definition
	components  []string // files with declarative components
	cases       []testCase
}

// testCase is one test of one flow.
type testCase struct {
	name, flow    string
	line          int
	payload       *headracev1.TestPayload
	config        map[string]*headracev1.ConfigValue
	results       []*headracev1.CannedResult
	shared        []*headracev1.CannedResult // of the whole file, for those flows that they are about; nil where the test has its own
	defaultResult *structpb.Value
	exchanges     []*headracev1.Exchange
	expect        expectation
}

// suiteReader reads a test file and collects all that is wrong with it, each with its line.
type suiteReader struct {
	checker
	a    *app
	file string
}

// suiteFiles returns the test files that paths name, or that are in the folders they name.
func suiteFiles(paths []string) ([]string, error) {
	var out []string
	add := func(file string) error {
		if file = filepath.Clean(file); !slices.Contains(out, file) {
			out = append(out, file)
		}
		if len(out) > maxSuites {
			return usage("there are more than %d test files: name fewer", maxSuites)
		}
		return nil
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, usage("%v", err)
		}
		if !info.IsDir() {
			if err := add(path); err != nil {
				return nil, err
			}
			continue
		}
		err = filepath.WalkDir(path, func(file string, entry os.DirEntry, err error) error {
			switch name := entry.Name(); {
			case err != nil:
				return err
			case entry.IsDir() && file != path && strings.HasPrefix(name, "."):
				return filepath.SkipDir
			case entry.Type().IsRegular() && isTestFile(name):
				return add(file)
			}
			return nil
		})
		if err != nil {
			return nil, usage("look for test files in %s: %v", path, err)
		}
	}
	if len(out) == 0 {
		return nil, usage("there is no test file (*.test.yaml) in %s", strings.Join(paths, ", "))
	}
	return out, nil
}

func isTestFile(name string) bool {
	return slices.ContainsFunc(testSuffixes, func(suffix string) bool { return strings.HasSuffix(name, suffix) })
}

// readSuite reads a test file.
func readSuite(a *app, file string) (*suite, error) {
	text, err := a.readFile(file)
	if err != nil {
		return nil, err
	}
	s, err := parseSuite(a, file, text)
	if err == nil && s.integration == "" {
		s.integration, err = onlyDefinition(a, filepath.Dir(file))
	}
	return s, err
}

// parseSuite reads the text of a test file.
func parseSuite(a *app, file string, text []byte) (*suite, error) {
	root, err := parseYAML(text)
	if err != nil {
		return nil, usage("%s is not YAML: %v", file, err)
	}
	if root == nil {
		return nil, usage("%s holds no test: give it cases", file)
	}
	r := &suiteReader{checker: checker{lines: true}, a: a, file: file}
	s := r.suite(root)
	if len(r.violations) > 0 {
		return nil, &usageError{message: file + " is not well formed", file: file, violations: r.violations}
	}
	return s, nil
}

// fields are what an object may have, and what reads each.
type fields map[string]func(node *yaml.Node, path string)

// object reads an object.
func (r *suiteReader) object(node *yaml.Node, path string, known fields) {
	node = resolved(node)
	if node.Kind != yaml.MappingNode {
		r.refuse(node, path, "WRONG_TYPE", "is %s: give an object with %s", kindOf(node), known.names())
		return
	}
	pairs, err := pairsOf(node, 0)
	if err != nil {
		r.refuse(node, path, "MALFORMED", "%v", err)
		return
	}
	for _, pair := range pairs {
		at := join(path, pair.key.Value)
		read := known[pair.key.Value]
		if read == nil {
			r.refuse(pair.key, at, "UNKNOWN_FIELD", "is no field here: there are %s", known.names())
			continue
		}
		read(resolved(pair.value), at)
	}
}

func (f fields) names() string {
	var out []string
	for name := range f {
		out = append(out, name)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// each reads the entries of an object whose keys are names.
func (r *suiteReader) each(node *yaml.Node, path string, read func(name string, node *yaml.Node, path string)) {
	if node.Kind != yaml.MappingNode {
		r.refuse(node, path, "WRONG_TYPE", "is %s: give an object", kindOf(node))
		return
	}
	pairs, err := pairsOf(node, 0)
	if err != nil {
		r.refuse(node, path, "MALFORMED", "%v", err)
		return
	}
	for _, pair := range pairs {
		read(pair.key.Value, resolved(pair.value), join(path, pair.key.Value))
	}
}

// list reads the items of a list.
func (r *suiteReader) list(node *yaml.Node, path string, most int, read func(node *yaml.Node, path string)) {
	if node.Kind != yaml.SequenceNode {
		r.refuse(node, path, "WRONG_TYPE", "is %s: give a list", kindOf(node))
		return
	}
	if len(node.Content) > most {
		r.refuse(node, path, "TOO_LARGE", "has %d items: give at most %d", len(node.Content), most)
		return
	}
	for i, item := range node.Content {
		read(resolved(item), fmt.Sprintf("%s[%d]", path, i))
	}
}

// text returns what reads a text.
func (r *suiteReader) text(into *string) func(*yaml.Node, string) {
	return func(node *yaml.Node, path string) {
		if node.Kind != yaml.ScalarNode || node.ShortTag() != "!!str" {
			r.refuse(node, path, "WRONG_TYPE", "is %s: give a text, in quotes where it could be something else", kindOf(node))
			return
		}
		*into = node.Value
	}
}

func (r *suiteReader) boolean(into **bool) func(*yaml.Node, string) {
	return func(node *yaml.Node, path string) {
		var b bool
		if node.Kind != yaml.ScalarNode || node.ShortTag() != "!!bool" || node.Decode(&b) != nil {
			r.refuse(node, path, "WRONG_TYPE", "is %s: give true or false", kindOf(node))
			return
		}
		*into = &b
	}
}

func (r *suiteReader) whole(into **int) func(*yaml.Node, string) {
	return func(node *yaml.Node, path string) {
		var n int
		if node.Kind != yaml.ScalarNode || node.ShortTag() != "!!int" || node.Decode(&n) != nil || n < 0 {
			r.refuse(node, path, "WRONG_TYPE", "is %s: give a whole number, 0 or more", kindOf(node))
			return
		}
		*into = &n
	}
}

// anything reads whatever JSON can say.
func (r *suiteReader) anything(node *yaml.Node, path string) (text string, ok bool) {
	out, err := yamlToJSON(node)
	if err != nil {
		r.refuse(node, path, "MALFORMED", "%v", err)
		return "", false
	}
	return string(out), true
}

// message reads a message of the API.
func (r *suiteReader) message(node *yaml.Node, path string, into proto.Message) {
	before := len(r.violations)
	r.checker.message(into.ProtoReflect().Descriptor(), node, path, 0)
	if len(r.violations) > before {
		return
	}
	text, ok := r.anything(node, path)
	if !ok {
		return
	}
	if err := protojson.Unmarshal([]byte(text), into); err != nil {
		r.refuse(node, path, "MALFORMED", "%v", err)
	}
}

// supplies are what a test is given; a whole file can say them for all its cases.
type supplies struct {
	config        map[string]*headracev1.ConfigValue
	results       []*headracev1.CannedResult
	defaultResult *structpb.Value
	exchanges     []*headracev1.Exchange
}

func (r *suiteReader) supplies(into *supplies) fields {
	return fields{
		"config":      func(node *yaml.Node, path string) { into.config = r.config(node, path) },
		"stepResults": func(node *yaml.Node, path string) { into.results = r.results(node, path) },
		"exchanges":   func(node *yaml.Node, path string) { into.exchanges = r.exchanges(node, path) },
		"defaultResult": func(node *yaml.Node, path string) {
			into.defaultResult = &structpb.Value{}
			if text, ok := r.anything(node, path); ok && protojson.Unmarshal([]byte(text), into.defaultResult) != nil {
				r.refuse(node, path, "MALFORMED", "is nothing that JSON can say")
			}
		},
	}
}

func (r *suiteReader) suite(root *yaml.Node) *suite {
	s := &suite{file: r.file}
	var all supplies
	known := r.supplies(&all)
	known["integration"] = r.path(&s.integration)
	known["components"] = func(node *yaml.Node, path string) {
		r.list(node, path, 100, func(node *yaml.Node, path string) {
			var name string
			if r.path(&name)(node, path); name != "" {
				s.components = append(s.components, name)
			}
		})
	}
	var cases *yaml.Node
	known["cases"] = func(node *yaml.Node, _ string) { cases = node } // after what is said for all of them
	r.object(root, "", known)
	if cases == nil {
		if len(r.violations) == 0 {
			r.refuse(root, "cases", "REQUIRED", "is not there: give the tests as a list")
		}
		return s
	}
	r.list(cases, "cases", maxCases, func(node *yaml.Node, path string) {
		c := r.testCase(node, path, all)
		if slices.ContainsFunc(s.cases, func(other testCase) bool { return c.name != "" && other.name == c.name }) {
			r.refuse(node, path+".name", "DUPLICATE", "is %q, as another case's is: choose another", c.name)
		}
		s.cases = append(s.cases, c)
	})
	return s
}

// path returns what reads the name of a file, which is beside the test file unless it says where.
func (r *suiteReader) path(into *string) func(*yaml.Node, string) {
	return func(node *yaml.Node, path string) {
		var name string
		r.text(&name)(node, path)
		switch {
		case name == "":
		case filepath.IsAbs(name):
			*into = name
		default:
			*into = filepath.Join(filepath.Dir(r.file), filepath.FromSlash(name))
		}
	}
}

func (r *suiteReader) testCase(node *yaml.Node, path string, all supplies) testCase {
	var c testCase
	var own supplies
	known := r.supplies(&own)
	known["name"], known["flow"] = r.text(&c.name), r.text(&c.flow)
	known["payload"] = func(node *yaml.Node, path string) {
		c.payload = &headracev1.TestPayload{}
		r.message(node, path, c.payload)
	}
	known["expect"] = func(node *yaml.Node, path string) { c.expect = r.expectation(node, path) }
	r.object(node, path, known)
	c.line = node.Line
	for _, field := range []struct{ name, value string }{{"name", c.name}, {"flow", c.flow}} {
		at := join(path, field.name)
		said := slices.ContainsFunc(r.violations, func(v client.Violation) bool { return v.Field == at })
		if field.value == "" && node.Kind == yaml.MappingNode && !said {
			r.refuse(node, at, "REQUIRED", "is not there: give one")
		}
	}
	c.config = map[string]*headracev1.ConfigValue{}
	for name, value := range all.config {
		c.config[name] = value
	}
	for name, value := range own.config {
		c.config[name] = value
	}
	c.shared, c.exchanges, c.defaultResult = all.results, all.exchanges, all.defaultResult
	if own.results != nil {
		c.results, c.shared = own.results, nil
	}
	if own.exchanges != nil {
		c.exchanges = own.exchanges
	}
	if own.defaultResult != nil {
		c.defaultResult = own.defaultResult
	}
	return c
}

func (r *suiteReader) config(node *yaml.Node, path string) map[string]*headracev1.ConfigValue {
	out := map[string]*headracev1.ConfigValue{}
	r.each(node, path, func(name string, node *yaml.Node, path string) {
		if text, ok := r.anything(node, path); ok {
			out[name] = exactly(text)
		}
	})
	return out
}

// results reads canned results, whose JSON is kept exactly.
func (r *suiteReader) results(node *yaml.Node, path string) []*headracev1.CannedResult {
	out := []*headracev1.CannedResult{}
	r.list(node, path, 1000, func(node *yaml.Node, path string) {
		one := &headracev1.CannedResult{}
		r.message(node, path, one)
		if one.GetResult() != nil {
			pairs, _ := pairsOf(node, 0) // it was read before
			for _, pair := range pairs {
				if pair.key.Value == "result" {
					if text, ok := r.anything(pair.value, path); ok {
						one.Result, one.ResultJson = nil, text
					}
				}
			}
		}
		out = append(out, one)
	})
	return out
}

// exchanges reads exchanges, which stand there or in a file of their own.
func (r *suiteReader) exchanges(node *yaml.Node, path string) []*headracev1.Exchange {
	if node.Kind != yaml.ScalarNode || node.ShortTag() != "!!str" {
		out := []*headracev1.Exchange{}
		r.list(node, path, 1000, func(node *yaml.Node, path string) {
			one := &headracev1.Exchange{}
			r.message(exactBodies(resolved(node)), path, one)
			out = append(out, one)
		})
		return out
	}
	var name string
	r.path(&name)(node, path)
	out, err := readExchanges(r.a, name)
	if err != nil {
		r.refuse(node, path, "MALFORMED", "%v%s", err, told(err))
	}
	return out
}

// told is what else a mistake in another file is about.
func told(err error) string {
	wrong, ok := err.(*usageError) //nolint:errorlint // it is made here, and not wrapped
	if !ok || len(wrong.violations) == 0 {
		return ""
	}
	first := wrong.violations[0]
	return fmt.Sprintf(": %s %s", first.Field, first.Description)
}

// readExchanges reads a file with a list of exchanges, as flow test --record writes it.
func readExchanges(a *app, file string) ([]*headracev1.Exchange, error) {
	text, err := a.readFile(file)
	if err != nil {
		return nil, err
	}
	root, err := parseYAML(text)
	if err != nil {
		return nil, usage("%s is not YAML: %v", file, err)
	}
	if root == nil || root.Kind != yaml.SequenceNode {
		return nil, usage("%s is no list of exchanges: write one with headrace flow test --record", file)
	}
	r := &suiteReader{checker: checker{lines: true}, a: a, file: file}
	out := r.exchanges(root, "exchanges")
	if len(r.violations) > 0 {
		return nil, &usageError{message: file + " is not well formed", violations: r.violations}
	}
	return out, nil
}

// readResults reads a file with a list of canned results.
func readResults(a *app, file string) ([]*headracev1.CannedResult, error) {
	text, err := a.readFile(file)
	if err != nil {
		return nil, err
	}
	root, err := parseYAML(text)
	if err != nil {
		return nil, usage("%s is not YAML: %v", file, err)
	}
	if root == nil {
		return nil, nil
	}
	r := &suiteReader{checker: checker{lines: true}, a: a, file: file}
	out := r.results(root, "stepResults")
	if len(r.violations) > 0 {
		return nil, &usageError{message: file + " is not well formed", violations: r.violations}
	}
	return out, nil
}

// writeExchanges writes recorded exchanges as they can be read again.
func writeExchanges(file string, exchanges []*headracev1.Exchange) error {
	items := []json.RawMessage{}
	for _, e := range exchanges {
		e = proto.CloneOf(e)
		steady(e)
		text, err := protojson.Marshal(e)
		if err != nil {
			return err
		}
		items = append(items, text)
	}
	text, err := json.Marshal(items)
	if err != nil {
		return err
	}
	out, err := exchangesToYAML(text)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, out, 0o600); err != nil {
		return usage("the exchanges could not be written: %v", err)
	}
	return nil
}

// canWrite refuses the name of a file that could not be written, before anything is done for it. What is there stays.
func canWrite(flag, name string) error {
	_, err := os.Stat(name)
	file, opening := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o600)
	if opening != nil {
		return usage("%s: %v", flag, opening)
	}
	closing := file.Close()
	if err != nil { // it was not there
		return errors.Join(closing, os.Remove(name))
	}
	return closing
}

// definitionFile is a file with a definition, ours or another product's, and the components that stand beside it.
type definitionFile struct {
	name       string
	definition string
	named      bool // it says its id
	components []*headracev1.Component
}

// readDefinition reads the file of an integration. One without a kind is taken as a definition as a whole.
func readDefinition(a *app, name string) (*definitionFile, error) {
	text, err := a.readFile(name)
	if err != nil {
		return nil, err
	}
	out := &definitionFile{name: name}
	if !hasKind(string(text)) {
		out.definition = string(text)
		return out, nil
	}
	docs, err := documentsOf(name, string(text))
	if err != nil {
		return nil, err
	}
	for _, doc := range docs {
		if doc.kind == kindComponent {
			c := &headracev1.Component{}
			if err := decode(doc.where, doc.root, c); err != nil {
				return nil, err
			}
			out.components = append(out.components, c)
			continue
		}
		if out.definition != "" {
			return nil, usage("%s holds several integrations: leave one in it", name)
		}
		out.definition, out.named = doc.text, has(doc.root, "id")
	}
	return out, nil
}

// has reports whether an object has a field.
func has(node *yaml.Node, key string) bool {
	for i := 0; i+1 < len(node.Content) && node.Kind == yaml.MappingNode; i += 2 {
		if node.Content[i].Value == key {
			return true
		}
	}
	return false
}

// hasKind reports whether the first document of a file says what it is.
func hasKind(text string) bool {
	for _, part := range split(text) {
		root, err := parseYAML([]byte(part.text))
		if err == nil && root != nil {
			return has(root, "kind")
		}
	}
	return false
}

// onlyDefinition returns the one file of a folder that holds a definition.
func onlyDefinition(a *app, dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", usage("%v", err)
	}
	var found []string
	for _, entry := range entries {
		name := entry.Name()
		ext := strings.ToLower(filepath.Ext(name))
		if !entry.Type().IsRegular() || isTestFile(name) || ext != ".yaml" && ext != ".yml" {
			continue
		}
		text, err := a.readFile(filepath.Join(dir, name))
		if err == nil && holdsDefinition(string(text)) {
			found = append(found, filepath.Join(dir, name))
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", usage("there is no definition in %s: name the file of one with integration", dir)
	}
	return "", usage("there are several definitions in %s (%s): name one with integration", dir, strings.Join(found, ", "))
}

func holdsDefinition(text string) bool {
	for _, part := range split(text) {
		root, err := parseYAML([]byte(part.text))
		if err != nil || root == nil || root.Kind != yaml.MappingNode {
			continue
		}
		for i := 0; i+1 < len(root.Content); i += 2 {
			if root.Content[i].Value == "kind" && resolved(root.Content[i+1]).Value == kindIntegration {
				return true
			}
		}
		if !has(root, "kind") && (has(root, "flows") || has(root, "definitionVersion") || has(root, "name") && has(root, "steps")) {
			return true
		}
	}
	return false
}
