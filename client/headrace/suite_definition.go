package main

import (
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

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
