package builtin

import (
	"errors"
	"slices"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/format"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

func xmlComponent() *component.Component {
	return &component.Component{
		ID: "xml", DisplayName: "XML", Description: "Read, write, query and check XML.",
		Actions: []component.Action{
			dataAction("parse", "Parse", "Reads XML. An element with only text becomes that text, any other an object: its attributes as @name, its elements by name, those that "+
				"repeat as a list, and its own text as #text. Comments, and the order among elements that alternate, are lost. A document type is refused, and entities with it.",
				"An object with the name of the root as its only key.", append([]ipaas.InputField{xmlField()}, xmlOptions()...), parseXML),
			dataAction("build", "Build", "Writes data as XML: keys of objects are elements, those that begin with @ attributes, #text is text, and a list repeats its element.",
				"The XML as a text.", slices.Concat([]ipaas.InputField{
					dataField("data", "Data", "What to write. A text is read as JSON, if it is JSON. A key that is no name in XML fails the step."+bounds),
				}, documentOutputs(), []ipaas.InputField{{
					Key: "includeDeclaration", DisplayName: "Include Declaration", Type: ipaas.FieldBoolean, Default: "true",
					Description: "Whether the text begins with an XML declaration.",
				}}), buildXML),
			dataAction("query", "Query", "Finds what an XPath 1.0 expression names.", "A list of what was found: elements as `parse` gives them, attributes and texts as texts. "+
				"An expression such as count(//item) gives a number, a text or a boolean instead.", slices.Concat([]ipaas.InputField{
				xmlField(),
				{
					Key: "expression", DisplayName: "Expression", Required: true, Example: "//order[total > 100]/@id",
					Description: "The XPath 1.0 expression, at most 4096 bytes. One that walks through the document over and over is cut.",
				},
				{
					Key: "namespaces", DisplayName: "Namespaces", Collection: ipaas.CollectionKeyValueList,
					Description: "Prefixes for use in the expression, and the addresses of their namespaces. None: the prefixes are those of the document.",
				},
			}, xmlOptions()), queryXML),
			dataAction("validate", "Validate", "Checks that a text is well-formed XML whose prefixes are declared.",
				"An object: `valid`; for XML `root`, the name of its root; for what is none `error`, and `line` and `column` where they are known.", []ipaas.InputField{xmlField()}, validateXML),
		},
	}
}

// documentOutputs say how a document is written, which has one root.
func documentOutputs() []ipaas.InputField {
	fields := slices.Clone(xmlOutputs)
	fields[0].Description = rootNote + "None: the only key of the data is the root; data with several keys, or a list, gets the root `root`."
	return fields
}

func xmlField() ipaas.InputField {
	return dataField("xml", "XML", "The XML, as a text or bytes. Bytes may be in any encoding that they declare."+bounds)
}

func xmlOptions() []ipaas.InputField {
	return append(slices.Clone(xmlFields), ipaas.InputField{
		Key: "dropPrefixes", DisplayName: "Drop Namespace Prefixes", Type: ipaas.FieldBoolean, Default: "false",
		Description: "Whether soap:Body becomes Body, and declarations of namespaces are left out.",
	}, ipaas.InputField{
		Key: "alwaysLists", DisplayName: "Always Lists", Collection: ipaas.CollectionList, Example: "item",
		Description: "Names of elements that are lists even where only one of them stands.",
	})
}

func xmlDocument(in component.Inputs) (*format.Element, error) {
	v := contentInput(in, "xml")
	data, isText, ok := encodedData(v)
	if !ok {
		return nil, wrongKind("xml", v, "XML as a text or bytes")
	}
	doc, err := format.ParseXML(data, isText)
	if err != nil {
		return nil, inInput("xml", err)
	}
	return doc, nil
}

func xmlValue(in component.Inputs) format.XMLValue {
	x := format.XMLValue{NumbersAsStrings: in.Bool("numbersAsStrings"), DropPrefixes: in.Bool("dropPrefixes"), AlwaysLists: map[string]bool{}}
	for _, name := range in.List("alwaysLists") {
		x.AlwaysLists[value.Text(name)] = true
	}
	return x
}

func parseXML(in component.Inputs) (any, error) {
	doc, err := xmlDocument(in)
	if err != nil {
		return nil, err
	}
	v, err := xmlValue(in).Of(doc)
	if err != nil {
		return nil, inInput("xml", err)
	}
	return v, nil
}

func buildXML(in component.Inputs) (any, error) {
	text, err := format.WriteXML{
		Root: in.Text("rootElement"), Pretty: in.Bool("prettyPrint"), Declaration: in.Bool("includeDeclaration"),
	}.Of(looseJSON(in, "data"))
	if err != nil {
		return nil, inInput("data", err)
	}
	return text, nil
}

func queryXML(in component.Inputs) (any, error) {
	doc, err := xmlDocument(in)
	if err != nil {
		return nil, err
	}
	var namespaces map[string]string
	for _, p := range in.Pairs("namespaces") {
		if namespaces == nil {
			namespaces = map[string]string{}
		}
		namespaces[p.Key] = value.Text(p.Value)
	}
	found, err := xmlValue(in).Query(doc, in.Text("expression"), namespaces)
	if err != nil {
		return nil, inInput("expression", err)
	}
	return found, nil
}

func validateXML(in component.Inputs) (any, error) {
	v := contentInput(in, "xml")
	data, isText, ok := encodedData(v)
	if !ok {
		return nil, wrongKind("xml", v, "XML as a text or bytes")
	}
	doc, err := format.ParseXML(data, isText)
	if err == nil {
		err = doc.Root().CheckNamespaces()
	}
	if err == nil {
		return value.Obj(value.Field{Key: "valid", Value: true}, value.Field{Key: "root", Value: doc.Root().Name}), nil
	}
	o := value.Obj(value.Field{Key: "valid", Value: false}, value.Field{Key: "error", Value: err.Error()})
	var wrong *format.Error
	if errors.As(err, &wrong) {
		o.Set("error", wrong.Message)
		if wrong.Line > 0 {
			o.Set("line", value.FromInt(int64(wrong.Line)))
			o.Set("column", value.FromInt(int64(wrong.Column)))
		}
	}
	return o, nil
}
