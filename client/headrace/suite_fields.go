package main

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// fields are what an object may have, and what reads each.
type fields map[string]func(node *yaml.Node, path string)

// object reads an object.
func (r *suiteReader) object(node *yaml.Node, path string, known fields) {
	r.pairs(resolved(node), path, "give an object with "+known.names(), func(key, node *yaml.Node, path string) {
		read := known[key.Value]
		if read == nil {
			r.refuse(key, path, "UNKNOWN_FIELD", "is no field here: there are %s", known.names())
			return
		}
		read(node, path)
	})
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
	r.pairs(node, path, "give an object", func(key, node *yaml.Node, path string) { read(key.Value, node, path) })
}

// pairs goes through the keys of an object, each with its value. Cure says what to give in place of something else.
func (r *suiteReader) pairs(node *yaml.Node, path, cure string, read func(key, node *yaml.Node, path string)) {
	if node.Kind != yaml.MappingNode {
		r.refuse(node, path, "WRONG_TYPE", "is %s: %s", kindOf(node), cure)
		return
	}
	pairs, err := pairsOf(node, 0)
	if err != nil {
		r.refuse(node, path, "MALFORMED", "%v", err)
		return
	}
	for _, pair := range pairs {
		read(pair.key, resolved(pair.value), join(path, pair.key.Value))
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
