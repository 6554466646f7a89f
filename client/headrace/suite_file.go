package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
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
	text        []byte
	root        *yaml.Node // of the text
}

// testCase is one test of one flow.
type testCase struct {
	name, flow    string
	line          int
	node          *yaml.Node // of what is expected; nil: nothing
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
	s.text, s.root = text, root
	if len(r.violations) > 0 {
		return nil, &usageError{message: file + " is not well formed", file: file, violations: r.violations}
	}
	return s, nil
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
	known["expect"] = func(node *yaml.Node, path string) { c.node, c.expect = node, r.expectation(node, path) }
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
