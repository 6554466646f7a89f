package main

import (
	"bytes"
	"encoding/json"
	"mime"
	"strings"

	"go.yaml.in/yaml/v4"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// changing are headers that are other ones each time, and by which nothing is told.
var changing = []string{
	"Age", "Cf-Ray", "Date", "Idempotency-Key", "X-Amzn-Requestid", "X-Amzn-Trace-Id", "X-Correlation-Id", "X-Request-Id", "X-Runtime",
}

// steady takes out of an exchange what would differ in another recording of the same.
func steady(e *headracev1.Exchange) {
	for _, name := range changing {
		delete(e.GetRequest().GetHeaders(), name)
		delete(e.GetResponse().GetHeaders(), name)
	}
}

// exchangesToYAML writes a list of exchanges. Bodies that are JSON are written as YAML where that says the same, numbers to the digit and
// keys in their order, so that people can read and change them.
func exchangesToYAML(list []byte) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(list))
	dec.UseNumber()
	node, err := nodeOf(dec)
	if err != nil {
		return nil, err
	}
	for _, exchange := range node.Content {
		for _, side := range []string{"request", "response"} {
			if message := under(exchange, side); message != nil {
				bodyAsYAML(message)
			}
		}
	}
	return yaml.Dump(node, yaml.WithLineWidth(-1))
}

// under returns what a mapping has under a key, nil if that is nothing.
func under(mapping *yaml.Node, key string) *yaml.Node {
	if mapping.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return resolved(mapping.Content[i+1])
		}
	}
	return nil
}

// bodyAsYAML puts `json` in the place of `text` in one side of an exchange that is said to be JSON.
func bodyAsYAML(message *yaml.Node) {
	if headers := under(message, "headers"); headers == nil || !saysJSON(headers) {
		return
	}
	for i := 0; i+1 < len(message.Content); i += 2 {
		if key := message.Content[i]; key.Value == "text" {
			if body := exactNode(message.Content[i+1].Value); body != nil {
				key.Value, message.Content[i+1] = "json", body
			}
			return
		}
	}
}

func saysJSON(headers *yaml.Node) bool {
	for i := 0; i+1 < len(headers.Content); i += 2 {
		if strings.EqualFold(headers.Content[i].Value, "Content-Type") {
			kind, _, _ := mime.ParseMediaType(headers.Content[i+1].Value)
			return kind == "application/json" || strings.HasSuffix(kind, "+json")
		}
	}
	return false
}

// exactNode returns JSON as YAML, nil if that would not come back as it is.
func exactNode(text string) *yaml.Node {
	if !json.Valid([]byte(text)) {
		return nil
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	node, err := nodeOf(dec)
	if err != nil {
		return nil
	}
	before, err := yamlToJSON(node)
	if err != nil {
		return nil // a key stands there twice
	}
	written, err := yaml.Dump(node, yaml.WithLineWidth(-1))
	if err != nil {
		return nil
	}
	read, err := parseYAML(written)
	if err != nil || read == nil {
		return nil
	}
	if after, err := yamlToJSON(read); err != nil || !bytes.Equal(before, after) {
		return nil
	}
	return node
}

// exactBodies returns an exchange with the JSON of its bodies as text: on its way to the server a JSON value would lose the order of its
// keys and digits of its numbers.
func exactBodies(exchange *yaml.Node) *yaml.Node {
	if exchange.Kind != yaml.MappingNode {
		return exchange
	}
	out := *exchange
	out.Content = append([]*yaml.Node{}, exchange.Content...)
	for i := 0; i+1 < len(out.Content); i += 2 {
		side := resolved(out.Content[i+1])
		if name := out.Content[i].Value; side.Kind == yaml.MappingNode && (name == "request" || name == "response") {
			out.Content[i+1] = bodyAsText(side, name == "response")
		}
	}
	return &out
}

func bodyAsText(message *yaml.Node, answer bool) *yaml.Node {
	body := under(message, "json")
	if body == nil || under(message, "text") != nil || under(message, "binary") != nil {
		return message
	}
	text, err := yamlToJSON(body)
	if err != nil {
		return message // it is told where the message is read
	}
	out := *message
	out.Content = nil
	headers := under(message, "headers")
	for i := 0; i+1 < len(message.Content); i += 2 {
		switch key, is := message.Content[i], message.Content[i+1]; key.Value {
		case "json":
			out.Content = append(out.Content, textNode(key, "text"), textNode(is, string(text)))
		case "headers":
			out.Content = append(out.Content, key, typed(headers, answer))
		default:
			out.Content = append(out.Content, key, is)
		}
	}
	if headers == nil && answer {
		empty := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: body.Line, Column: body.Column}
		out.Content = append(out.Content, textNode(body, "headers"), typed(empty, true))
	}
	return &out
}

// typed returns headers with the content type that an answer has by its body alone.
func typed(headers *yaml.Node, answer bool) *yaml.Node {
	if !answer || headers.Kind != yaml.MappingNode {
		return headers
	}
	for i := 0; i+1 < len(headers.Content); i += 2 {
		if strings.EqualFold(headers.Content[i].Value, "Content-Type") {
			return headers
		}
	}
	out := *headers
	out.Content = append(append([]*yaml.Node{}, headers.Content...), textNode(headers, "Content-Type"), textNode(headers, "application/json"))
	return &out
}

// textNode is a text that stands where another node does.
func textNode(at *yaml.Node, text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text, Line: at.Line, Column: at.Column}
}
