package builtin

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/format"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// dataFormat is one of the formats that can be turned into each other.
type dataFormat struct {
	key, name string // as in csvToJson, and as people write it
	inputs    []ipaas.InputField
	read      func(in component.Inputs) (any, error) // nil: it is only written
	outputs   []ipaas.InputField                     // inputs that say how it is written
	write     func(v any, in component.Inputs) (any, error)
}

// The inputs that more than one direction has. What is written with `data` is read from its content, whatever step it comes from.
var (
	csvFields = []ipaas.InputField{
		{
			Key: "isHeader", DisplayName: "CSV Header", Type: ipaas.FieldBoolean, Default: "true",
			Description: "Whether the first line holds the names of the columns. Without it each row is a list.",
		},
		{
			Key: "unFlattenCsvKeys", DisplayName: "Un-Flatten CSV Keys", Type: ipaas.FieldBoolean, Default: "false",
			Description: "Whether a column such as person__first makes an object in an object.",
		},
		delimiterField(),
	}
	xmlFields = []ipaas.InputField{
		{
			Key: "numbersAsStrings", DisplayName: "Parse numbers as strings?", Type: ipaas.FieldBoolean, Default: "false",
			Description: "Whether texts that are numbers stay texts. If not, what JSON would take for a number becomes one, digit for digit; 007 stays a text.",
		},
	}
	xmlOutputs = []ipaas.InputField{
		{
			Key: "rootElement", DisplayName: "Root Element", Example: "order",
			Description: rootNote + "None: each key of the data is an element, with nothing around them if there are several; a list gets the root `root`, with its items as `item`.",
		},
		{
			Key: "prettyPrint", DisplayName: "Pretty Print", Type: ipaas.FieldBoolean, Default: "false",
			Description: "Whether to put every element on a line of its own.",
		},
	}
	prettyOutput = []ipaas.InputField{{
		Key: "prettyPrint", DisplayName: "Pretty Print", Type: ipaas.FieldBoolean, Default: "false", Description: "Whether to indent the JSON by two spaces.",
	}}
)

func delimiterField() ipaas.InputField {
	return ipaas.InputField{
		Key: "delimiter", DisplayName: "Delimiter", Default: `","`, Example: ";",
		Description: "The character between cells. \\t stands for a tab.",
	}
}

const rootNote = "The name of the root element, which is put around the data. "

const bounds = " At most 16 MiB and a million parts, 64 levels deep."

var dataFormats = []dataFormat{
	{key: "csv", name: "CSV", inputs: csvFields, read: readCSV, write: writeCSV},
	{key: "json", name: "JSON", read: readJSON, outputs: prettyOutput, write: writeJSON},
	{key: "xml", name: "XML", inputs: xmlFields, read: readXML, outputs: xmlOutputs, write: writeXML},
	{key: "yaml", name: "YAML", read: readYAML, write: writeYAML},
	{key: "binary", name: "JavaScript Object", read: readObject},
}

func changeDataFormat() *component.Component {
	c := &component.Component{ID: "change-data-format", DisplayName: "Change Data Format", Description: "Turn data from one format into another."}
	for _, from := range dataFormats {
		for _, to := range dataFormats {
			if from.key != to.key && to.write != nil {
				c.Actions = append(c.Actions, converts(from, to))
			}
		}
	}
	c.Actions = append(c.Actions, deserializers()...)
	c.Actions = append(c.Actions, serializers()...)
	c.Actions = append(c.Actions, converters()...)
	return c
}

// dataAction is an action that makes something of its inputs and touches nothing else.
func dataAction(key, name, description, output string, inputs []ipaas.InputField, do func(in component.Inputs) (any, error)) component.Action {
	return component.Action{
		Action: ipaas.Action{Key: key, DisplayName: name, Description: description, Output: output, Effect: ipaas.EffectPure, Inputs: inputs},
		Perform: func(_ context.Context, call component.Call) (component.Result, error) {
			data, err := do(call.Inputs)
			return component.Result{Data: data}, err
		},
	}
}

func converts(from, to dataFormat) component.Action {
	inputs := append([]ipaas.InputField{dataField("data", "Data", from.name+" to turn into "+to.name+". Data that was parsed before is taken as it is."+bounds)}, from.inputs...)
	return dataAction(from.key+"To"+strings.ToUpper(to.key[:1])+to.key[1:], from.name+" to "+to.name, "Turns "+from.name+" into "+to.name+".",
		"The "+to.name+" as a text.", append(slices.Clip(inputs), to.outputs...),
		func(in component.Inputs) (any, error) {
			v, err := from.read(in)
			if err != nil {
				return nil, err
			}
			text, err := to.write(v, in)
			if err != nil {
				return nil, inInput("data", err)
			}
			return text, nil
		})
}

func readJSON(in component.Inputs) (any, error) { return parsedJSON(in, "data") }

func readObject(in component.Inputs) (any, error) { return looseJSON(in, "data"), nil }

func readCSV(in component.Inputs) (any, error) {
	v := contentInput(in, "data")
	data, _, ok := encodedData(v)
	if !ok {
		return v, nil
	}
	table := format.CSV{Delimiter: in.Text("delimiter"), Header: in.Bool("isHeader"), Unflatten: in.Bool("unFlattenCsvKeys")}
	rows, err := table.Parse(data)
	if err != nil {
		return nil, inInput("data", err)
	}
	return rows, nil
}

func readXML(in component.Inputs) (any, error) {
	v := contentInput(in, "data")
	data, isText, ok := encodedData(v)
	if !ok {
		return v, nil
	}
	doc, err := format.ParseFragment(data, isText)
	if err != nil {
		return nil, inInput("data", err)
	}
	parsed, err := format.XMLValue{NumbersAsStrings: in.Bool("numbersAsStrings")}.Of(doc)
	if err != nil {
		return nil, inInput("data", err)
	}
	return parsed, nil
}

func readYAML(in component.Inputs) (any, error) {
	v := contentInput(in, "data")
	data, _, ok := encodedData(v)
	if !ok {
		return v, nil
	}
	parsed, err := format.ParseYAML(data)
	if err != nil {
		return nil, inInput("data", err)
	}
	return parsed, nil
}

func writeJSON(v any, in component.Inputs) (any, error) {
	if in.Bool("prettyPrint") {
		return format.PrettyJSON(v)
	}
	return string(value.JSON(v)), nil
}

func writeXML(v any, in component.Inputs) (any, error) {
	return format.WriteXML{Root: in.Text("rootElement"), Pretty: in.Bool("prettyPrint"), Fragment: true}.Of(v)
}

func writeYAML(v any, _ component.Inputs) (any, error) { return format.YAML(v) }

// writeCSV takes a list of rows, one object as one row, and the only list in an object, as it is found in XML, as its rows.
func writeCSV(v any, _ component.Inputs) (any, error) {
	rows, err := rowsIn(v)
	if err != nil {
		return nil, err
	}
	return format.CSV{Header: true, Unflatten: true}.Write(rows)
}

func rowsIn(v any) ([]any, error) {
	switch v := v.(type) {
	case []any:
		return v, nil
	case *value.Object:
		if v.Len() == 1 {
			for _, inner := range v.All() {
				if rows, err := rowsIn(inner); err == nil {
					return rows, nil
				}
			}
		}
		return []any{v}, nil
	default:
		return nil, fmt.Errorf("it is %s: a table is made of a list of objects", value.Kind(v))
	}
}

func deserializers() []component.Action {
	return []component.Action{
		dataAction("deserializeFromJson", "Deserialize JSON", "Reads JSON, so that later steps can refer to what is in it.", "What the JSON holds. Numbers keep their digits, objects their order.",
			[]ipaas.InputField{dataField("data", "Data", "The JSON, as a text or bytes. Data that was parsed before is returned as it is."+bounds)}, readJSON),
		dataAction("deserializeFromXml", "Deserialize XML", "Reads XML. An element with only text becomes that text, any other an object: its attributes as @name, its elements by name, "+
			"those that repeat as a list, and its own text as #text. A document type is refused.", "An object with the name of the root as its only key; of XML with several roots one after the other, with a key for each.",
			append([]ipaas.InputField{dataField("data", "Data", "The XML, as a text or bytes. Data that was parsed before is returned as it is."+bounds)}, xmlFields...), readXML),
		dataAction("deserializeFromYaml", "Deserialize YAML", "Reads one document of YAML. Aliases are followed.", "What the YAML holds.",
			[]ipaas.InputField{dataField("data", "Data", "The YAML, as a text or bytes, at most 4 MiB. Data that was parsed before is returned as it is.")}, readYAML),
		dataAction("deserializeFromCsv", "Deserialize CSV", "Reads a table.", "A list of objects by column, or of lists without a header. All cells are texts.",
			append([]ipaas.InputField{dataField("data", "Data", "The table, as a text or bytes. Data that was parsed before is returned as it is."+bounds)}, csvFields...), readCSV),
		dataAction("deserializeFormData", "Deserialize URL-encoded Form Data", "Reads a form as browsers send it, such as a=1&b=2.", "An object by name. All values are texts; those of a name that repeats are a list.",
			[]ipaas.InputField{dataField("data", "Data", "The form, as a text or bytes, or a whole body with `data` and `contentType`. A form that was parsed before is returned as it is."+bounds)}, deserializeForm),
		dataAction("deserializeJsonl", "Deserialize JSON Lines (.jsonl)", "Reads a text with a JSON value on every line. Empty lines count for nothing.", "A list of the values.",
			[]ipaas.InputField{dataField("jsonl", "JSONL Data", "The lines, as a text or bytes. A list is returned as it is."+bounds)}, deserializeJSONLines),
		dataAction("deserializeFromBinary", "Deserialize BINARY", "Reads bytes: JSON if they are JSON, else text if they are UTF-8. Text that is base64 of bytes is decoded by text-manipulation.",
			"What the bytes hold; bytes that are no text stay bytes.", []ipaas.InputField{dataField("data", "Data", "The bytes. Anything else is returned as it is.")},
			func(in component.Inputs) (any, error) {
				if b, ok := contentInput(in, "data").(value.Bytes); ok {
					return looseJSON(component.Inputs{"data": b}, "data"), nil
				}
				return contentInput(in, "data"), nil
			}),
	}
}

func deserializeForm(in component.Inputs) (any, error) {
	v := contentInput(in, "data")
	data, _, ok := encodedData(v)
	if !ok {
		if _, isObject := v.(*value.Object); !isObject && v != nil {
			return nil, wrongKind("data", v, "a form as text, such as a=1&b=2")
		}
		return v, nil
	}
	o, err := format.ParseForm(data)
	if err != nil {
		return nil, inInput("data", err)
	}
	return o, nil
}

func deserializeJSONLines(in component.Inputs) (any, error) {
	v := contentInput(in, "jsonl")
	data, _, ok := encodedData(v)
	if !ok {
		if _, isList := v.([]any); !isList {
			return nil, wrongKind("jsonl", v, "lines of JSON as text")
		}
		return v, nil
	}
	list, err := format.ParseJSONLines(data)
	if err != nil {
		return nil, inInput("jsonl", err)
	}
	return list, nil
}

func serializers() []component.Action {
	return []component.Action{
		dataAction("serializeToJson", "Serialize JSON", "Writes data as JSON.", "The JSON as a text.",
			append([]ipaas.InputField{dataField("data", "Data", "What to write. A text is written as a text, in quotes."+bounds)}, prettyOutput...),
			func(in component.Inputs) (any, error) {
				text, err := writeJSON(in.Value("data"), in)
				if err != nil {
					return nil, inInput("data", err)
				}
				return text, nil
			}),
		dataAction("serializeFormData", "Serialize URL-encoded Form Data", "Writes an object as a form, such as a=1&b=2.", "The form as a text.",
			[]ipaas.InputField{dataField("data", "Data", "The object. A list repeats its name, an object in it is written as JSON.")},
			func(in component.Inputs) (any, error) {
				o, ok := looseJSON(in, "data").(*value.Object)
				if !ok {
					return nil, wrongKind("data", in.Value("data"), "an object")
				}
				text, err := format.Form(o)
				if err != nil {
					return nil, inInput("data", err)
				}
				return text, nil
			}),
		dataAction("serializeJsonl", "Serialize JSON Lines (.jsonl)", "Writes each item of a list as a line of JSON.", "The lines as a text.",
			[]ipaas.InputField{dataField("array", "Array of JavaScript Objects to serialize", "The list.")},
			func(in component.Inputs) (any, error) {
				list, err := listContent(in, "array")
				if err != nil {
					return nil, err
				}
				text, err := format.JSONLines(list)
				if err != nil {
					return nil, inInput("array", err)
				}
				return text, nil
			}),
		dataAction("prettyPrint", "Pretty Print", "Writes data so that people can read it: JSON, indented by two spaces.", "The text. What is no JSON is the text it was.",
			[]ipaas.InputField{dataField("data", "Data", "What to write. A text of JSON is read before."+bounds)},
			func(in component.Inputs) (any, error) {
				v := looseJSON(in, "data")
				if text, ok := v.(string); ok {
					return text, nil
				}
				text, err := format.PrettyJSON(v)
				if err != nil {
					return nil, inInput("data", err)
				}
				return text, nil
			}),
	}
}
