package main

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/headrace/headrace/client"
)

// decode reads a document into a message as the REST API would: strictly. All mistakes are found at once, each with its path.
func decode(where string, root *yaml.Node, into proto.Message) error {
	c := checker{lines: true}
	c.message(into.ProtoReflect().Descriptor(), root, "", 0)
	if len(c.violations) > 0 {
		return &usageError{message: where + " is not well formed", violations: c.violations}
	}
	text, err := yamlToJSON(root)
	if err != nil {
		return usage("%s: %v", where, err)
	}
	if err := protojson.Unmarshal(text, into); err != nil {
		return usage("%s is not well formed: %v", where, err)
	}
	return nil
}

// checker holds a tree against the description of a message.
type checker struct {
	violations []client.Violation
	lines      bool // tell the line of each mistake
}

func (c *checker) refuse(node *yaml.Node, path, reason, format string, args ...any) {
	said := fmt.Sprintf(format, args...)
	if c.lines && !strings.HasPrefix(said, "line ") { // an error of what is within tells its own
		said = fmt.Sprintf("line %d: %s", node.Line, said)
	}
	c.violations = append(c.violations, client.Violation{Field: path, Reason: reason, Description: said})
}

func (c *checker) message(md protoreflect.MessageDescriptor, node *yaml.Node, path string, depth int) {
	node = resolved(node)
	if md.FullName().Parent() == "google.protobuf" {
		return // any value, or a text that the decoder reads
	}
	if node.Kind != yaml.MappingNode {
		c.refuse(node, path, "WRONG_TYPE", "is %s: give an object with %s", kindOf(node), names(md))
		return
	}
	pairs, err := pairsOf(node, 0)
	if err == nil && depth > maxDepth {
		err = fmt.Errorf("is nested more than %d deep", maxDepth)
	}
	if err != nil {
		c.refuse(node, path, "MALFORMED", "%v", err)
		return
	}
	for _, pair := range pairs {
		below := join(path, pair.key.Value)
		fd := md.Fields().ByJSONName(pair.key.Value)
		if fd == nil {
			fd = md.Fields().ByTextName(pair.key.Value)
		}
		if fd == nil {
			c.refuse(pair.key, below, "UNKNOWN_FIELD", "is no field here: there are %s", names(md))
			continue
		}
		c.field(fd, pair.value, below, depth)
	}
}

func (c *checker) field(fd protoreflect.FieldDescriptor, node *yaml.Node, path string, depth int) {
	node = resolved(node)
	switch {
	case node.ShortTag() == "!!null" && node.Kind == yaml.ScalarNode:
		return // not set
	case fd.IsList():
		if node.Kind != yaml.SequenceNode {
			c.refuse(node, path, "WRONG_TYPE", "is %s: give a list", kindOf(node))
			return
		}
		for i, item := range node.Content {
			c.value(fd, item, fmt.Sprintf("%s[%d]", path, i), depth)
		}
	case fd.IsMap():
		pairs, err := pairsOf(node, 0)
		if err != nil || node.Kind != yaml.MappingNode {
			c.refuse(node, path, "WRONG_TYPE", "is %s: give an object", kindOf(node))
			return
		}
		for _, pair := range pairs {
			c.value(fd.MapValue(), pair.value, join(path, pair.key.Value), depth)
		}
	default:
		c.value(fd, node, path, depth)
	}
}

func (c *checker) value(fd protoreflect.FieldDescriptor, node *yaml.Node, path string, depth int) {
	node = resolved(node)
	tag := ""
	if node.Kind == yaml.ScalarNode {
		tag = node.ShortTag()
	}
	switch fd.Kind() {
	case protoreflect.MessageKind:
		c.message(fd.Message(), node, path, depth+1)
	case protoreflect.StringKind:
		switch tag {
		case "!!str", "!!timestamp", "!!binary":
		case "":
			c.refuse(node, path, "WRONG_TYPE", "is %s: give a text", kindOf(node))
		default:
			c.refuse(node, path, "WRONG_TYPE", "is %s: put it in quotes to make it a text", kindOf(node))
		}
	case protoreflect.BoolKind:
		if tag != "!!bool" {
			c.refuse(node, path, "WRONG_TYPE", "is %s: give true or false", kindOf(node))
		}
	case protoreflect.Int32Kind:
		var n int32
		if tag != "!!int" || node.Decode(&n) != nil {
			c.refuse(node, path, "WRONG_TYPE", "is %s: give a whole number of at most 31 bits", kindOf(node))
		}
	case protoreflect.EnumKind:
		values := enumNames(fd.Enum())
		if !slices.Contains(values, node.Value) {
			c.refuse(node, path, "NOT_A_CHOICE", "is %s: give one of %s", kindOf(node), strings.Join(values, ", "))
		}
	default: // the decoder reads the others
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func names(md protoreflect.MessageDescriptor) string {
	var out []string
	for i := range md.Fields().Len() {
		out = append(out, md.Fields().Get(i).JSONName())
	}
	return strings.Join(out, ", ")
}

func enumNames(ed protoreflect.EnumDescriptor) []string {
	var out []string
	for i := range ed.Values().Len() {
		out = append(out, string(ed.Values().Get(i).Name()))
	}
	return out
}

// kindOf says what a node is, for people.
func kindOf(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "an object"
	case yaml.SequenceNode:
		return "a list"
	default:
	}
	if node.ShortTag() == "!!null" {
		return "null"
	}
	return node.Value
}
