package main

import (
	"fmt"
	"strings"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
)

const written = "<!-- Written by `make generate` out of what internal/component/builtin declares: change it there. -->\n\n"

const componentsIntro = written + `# Components

The components that the server ships: their actions, which steps run, their triggers, which start flows, and their ways to sign in. A step
names its action, and a flow its trigger, as ` + "`component.key`" + `. A component of your own is described as data and sent to the API, as
[examples/acme-erp/component.yaml](../examples/acme-erp/component.yaml) is. [actions.md](actions.md) says where each action comes from, and
which test runs it.

Inputs are read generously:

- An input that is not given has its default; so has an empty text where the input cannot be empty.
- A number may be given as a text, such as 007, .5 or +7; a boolean as true, t, yes, y, 1, or false, f, no, n, 0; a choice in upper or lower
  case. Where a text is wanted, anything else is made one, lists and objects as JSON.
- A list, or named values, may be given as JSON text or as a file of JSON; named values also as a list of objects with a key and a value.

The effect of an action says what it does to other systems: *pure* does nothing, *read* asks them, *write* may change them.

`

func renderComponents(components []*component.Component) string {
	var b strings.Builder
	b.WriteString(componentsIntro)
	for _, c := range components {
		fmt.Fprintf(&b, "- [%s](#%s): %s\n", c.DisplayName, c.ID, prose(c.Description))
	}
	for _, c := range components {
		renderComponent(&b, c)
	}
	return b.String()
}

func renderComponent(b *strings.Builder, c *component.Component) {
	fmt.Fprintf(b, "\n<a id=\"%s\"></a>\n\n## %s\n\n%s\n", c.ID, c.DisplayName, prose(c.Description))
	for i := range c.Triggers {
		t := &c.Triggers[i]
		fmt.Fprintf(b, "\n### Trigger `%s.%s`: %s\n\n%s\n", c.ID, t.Key, t.DisplayName, prose(t.Description))
		renderInputs(b, t.Inputs)
		fmt.Fprintf(b, "\n**Result**: %s\n", prose(t.Output))
	}
	for i := range c.Actions {
		a := &c.Actions[i]
		fmt.Fprintf(b, "\n### `%s.%s`: %s\n\n%s Effect: %s.\n", c.ID, a.Key, a.DisplayName, prose(a.Description), strings.ToLower(string(a.Effect)))
		renderInputs(b, a.Inputs)
		fmt.Fprintf(b, "\n**Result**: %s\n", prose(a.Output))
	}
	for i := range c.ConnectionTypes {
		t := &c.ConnectionTypes[i]
		fmt.Fprintf(b, "\n### Connection `%s.%s`: %s\n\n%s\n", c.ID, t.Key, t.DisplayName, prose(t.Description))
		renderInputs(b, t.Inputs)
	}
}

func renderInputs(b *strings.Builder, fields []ipaas.InputField) {
	if len(fields) == 0 {
		b.WriteString("\nIt has no inputs.\n")
		return
	}
	b.WriteString("\n| input | type | default | meaning |\n|---|---|---|---|\n")
	for i := range fields {
		f := &fields[i]
		otherwise := ""
		switch {
		case f.Required:
			otherwise = "*required*"
		case f.Default != "":
			otherwise = code(f.Default)
		}
		meaning := prose(f.Description)
		if f.Example != "" {
			meaning += " Example: " + code(f.Example)
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", f.Key, cell(typeOf(f)), cell(otherwise), cell(meaning))
	}
}

// typeWords say what an input takes.
var typeWords = map[ipaas.FieldType]string{
	"": "text", ipaas.FieldString: "text", ipaas.FieldText: "text", ipaas.FieldNumber: "number", ipaas.FieldBoolean: "boolean", ipaas.FieldCode: "code",
	ipaas.FieldData: "any value", ipaas.FieldConnection: "connection", ipaas.FieldConditions: "conditions", ipaas.FieldDate: "date", ipaas.FieldTimestamp: "timestamp",
}

func typeOf(f *ipaas.InputField) string {
	word := typeWords[f.Type]
	if len(f.Choices) > 0 {
		word = "one of " + strings.Join(f.Choices, ", ")
	}
	if len(f.ConnectionTypes) > 0 {
		word += " of type " + strings.Join(f.ConnectionTypes, ", ")
	}
	switch f.Collection {
	case ipaas.CollectionList:
		word = "list: " + word
	case ipaas.CollectionKeyValueList:
		word = "named values: " + word
	}
	if f.Secret {
		word += ", secret"
	}
	return word
}

// prose keeps what declarations say from being read as marks of Markdown, but for what stands in backticks.
func prose(text string) string {
	parts := strings.Split(text, "`")
	if len(parts)%2 == 0 {
		return escape(text) // a backtick that is left open is none
	}
	for i := 0; i < len(parts); i += 2 {
		parts[i] = escape(parts[i])
	}
	return strings.Join(parts, "`")
}

var escape = strings.NewReplacer("<", "&lt;", "*", `\*`, "_", `\_`, "`", "\\`", "\n", " ").Replace

// code shows a text as it is.
func code(text string) string {
	if strings.Contains(text, "`") {
		return "`` " + text + " ``"
	}
	return "`" + strings.ReplaceAll(text, "\n", " ") + "`"
}

// cell keeps a text from ending its cell.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
