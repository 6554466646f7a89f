package api

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// writeDefinition writes a definition as YAML that imports again: in the order of the protos, without what is not set.
func writeDefinition(id string, def ipaas.Definition) (string, error) {
	root, err := messageNode(definitionToProto(id, def).ProtoReflect())
	if err != nil {
		return "", err
	}
	text, err := writeYAML(root)
	if err != nil {
		return "", fmt.Errorf("export integration %s: %w", id, err)
	}
	return text, nil
}

func writeYAML(root *yaml.Node) (string, error) {
	var out bytes.Buffer
	dumper, err := yaml.NewDumper(&out, yaml.WithIndent(2), yaml.WithCompactSeqIndent(false), yaml.WithLineWidth(-1), yaml.WithUnicode(true))
	if err != nil {
		return "", err
	}
	if err := dumper.Dump(root); err != nil {
		return "", err
	}
	if err := dumper.Close(); err != nil {
		return "", err
	}
	return out.String(), nil
}

func messageNode(m protoreflect.Message) (*yaml.Node, error) {
	if literal, ok := m.Interface().(*structpb.Value); ok {
		exact, err := valueFromProto(literal, 0)
		if err != nil {
			return nil, errors.New(err.message)
		}
		return valueNode(exact), nil
	}
	if isWellKnown(m.Descriptor()) {
		// Durations and the like have a text of their own.
		text, err := protojson.Marshal(m.Interface())
		if err != nil {
			return nil, err
		}
		return scalarNode("!!str", strings.Trim(string(text), `"`)), nil
	}
	out := &yaml.Node{Kind: yaml.MappingNode}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		fd := fields.Get(i)
		if !m.Has(fd) || serverOnly(fd) {
			continue
		}
		node, err := fieldNode(fd, m.Get(fd))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", fd.JSONName(), err)
		}
		out.Content = append(out.Content, scalarNode("!!str", fd.JSONName()), node)
	}
	return out, nil
}

func fieldNode(fd protoreflect.FieldDescriptor, v protoreflect.Value) (*yaml.Node, error) {
	switch {
	case fd.IsList():
		out := &yaml.Node{Kind: yaml.SequenceNode}
		for i := range v.List().Len() {
			item, err := singleNode(fd, v.List().Get(i))
			if err != nil {
				return nil, err
			}
			out.Content = append(out.Content, item)
		}
		return out, nil
	case fd.IsMap():
		return mapNode(fd, v.Map())
	}
	return singleNode(fd, v)
}

func mapNode(fd protoreflect.FieldDescriptor, m protoreflect.Map) (*yaml.Node, error) {
	var keys []string
	m.Range(func(key protoreflect.MapKey, _ protoreflect.Value) bool {
		keys = append(keys, key.String())
		return true
	})
	slices.Sort(keys)
	out := &yaml.Node{Kind: yaml.MappingNode}
	for _, key := range keys {
		node, err := singleNode(fd.MapValue(), m.Get(protoreflect.ValueOfString(key).MapKey()))
		if err != nil {
			return nil, err
		}
		out.Content = append(out.Content, scalarNode("!!str", key), node)
	}
	return out, nil
}

func singleNode(fd protoreflect.FieldDescriptor, v protoreflect.Value) (*yaml.Node, error) {
	switch fd.Kind() {
	case protoreflect.MessageKind:
		return messageNode(v.Message())
	case protoreflect.BoolKind:
		return scalarNode("!!bool", strconv.FormatBool(v.Bool())), nil
	case protoreflect.EnumKind:
		if name := fd.Enum().Values().ByNumber(v.Enum()); name != nil {
			return scalarNode("!!str", string(name.Name())), nil
		}
		return scalarNode("!!int", strconv.Itoa(int(v.Enum()))), nil
	case protoreflect.BytesKind:
		return scalarNode("!!str", base64.StdEncoding.EncodeToString(v.Bytes())), nil
	case protoreflect.StringKind:
		return scalarNode("!!str", v.String()), nil
	}
	return scalarNode("!!int", v.String()), nil
}

// valueNode writes a literal in YAML's own words.
func valueNode(v any) *yaml.Node {
	switch v := v.(type) {
	case nil:
		return scalarNode("!!null", "null")
	case bool:
		return scalarNode("!!bool", strconv.FormatBool(v))
	case value.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return scalarNode("!!float", v.String())
		}
		return scalarNode("!!int", v.String())
	case []any:
		out := &yaml.Node{Kind: yaml.SequenceNode}
		for _, item := range v {
			out.Content = append(out.Content, valueNode(item))
		}
		return out
	case *value.Object:
		out := &yaml.Node{Kind: yaml.MappingNode}
		for key, item := range v.All() {
			out.Content = append(out.Content, scalarNode("!!str", key), valueNode(item))
		}
		return out
	}
	return scalarNode("!!str", value.Text(v))
}

func scalarNode(tag, text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: text}
}
