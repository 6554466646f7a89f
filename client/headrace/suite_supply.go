package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"go.yaml.in/yaml/v4"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

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
	var out []*headracev1.Exchange
	err := readSupply(a, file, func(r *suiteReader, root *yaml.Node) error {
		if root == nil || root.Kind != yaml.SequenceNode {
			return usage("%s is no list of exchanges: write one with headrace flow test --record", file)
		}
		out = r.exchanges(root, "exchanges")
		return nil
	})
	return out, err
}

// readResults reads a file with a list of canned results.
func readResults(a *app, file string) ([]*headracev1.CannedResult, error) {
	var out []*headracev1.CannedResult
	err := readSupply(a, file, func(r *suiteReader, root *yaml.Node) error {
		if root != nil {
			out = r.results(root, "stepResults")
		}
		return nil
	})
	return out, err
}

// readSupply reads a file of its own with something that a test is given; root is nil for an empty one.
func readSupply(a *app, file string, read func(r *suiteReader, root *yaml.Node) error) error {
	text, err := a.readFile(file)
	if err != nil {
		return err
	}
	root, err := parseYAML(text)
	if err != nil {
		return usage("%s is not YAML: %v", file, err)
	}
	r := &suiteReader{checker: checker{lines: true}, a: a, file: file}
	if err := read(r, root); err != nil {
		return err
	}
	if len(r.violations) > 0 {
		return &usageError{message: file + " is not well formed", violations: r.violations}
	}
	return nil
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
