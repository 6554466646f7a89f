package builtin

import (
	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/format"
	"github.com/headrace/headrace/internal/ipaas"
)

func csvComponent() *component.Component {
	return &component.Component{
		ID: "csv", DisplayName: "CSV", Description: "Read and write tables of text.",
		Actions: []component.Action{
			dataAction("parse", "Parse", "Reads a table.", "A list of objects by column, or of lists without a header. All cells are texts.", []ipaas.InputField{
				dataField("csv", "CSV Data", "The table, as a text or bytes. A line that is shorter than the header leaves its last columns out."+bounds),
				delimiterField(),
				{
					Key: "header", DisplayName: "Header", Type: ipaas.FieldBoolean, Default: "true",
					Description: "Whether the first line holds the names of the columns. Without it each row is a list.",
				},
			}, parseCSV),
			dataAction("generateFromObject", "Generate CSV From Array", "Writes a list of objects as a table. The columns are the keys of all of them, in the order in which they first appear.",
				"The table as a text. Lines end in \\n.", []ipaas.InputField{
					dataField("inputArray", "Input Array", "The objects. A list or an object in one of them is written as JSON."),
					delimiterField(),
					{Key: "includeHeader", DisplayName: "Include Header?", Type: ipaas.FieldBoolean, Default: "true", Description: "Whether the first line holds the names of the columns."},
				},
				func(in component.Inputs) (any, error) {
					return generateCSV(in, "inputArray", in.Bool("includeHeader"))
				}),
			dataAction("generate", "Generate", "Writes a list of lists as a table.", "The table as a text. Lines end in \\n.", []ipaas.InputField{
				dataField("data", "Data", "The rows: lists of cells."),
				delimiterField(),
			},
				func(in component.Inputs) (any, error) { return generateCSV(in, "data", true) }),
		},
	}
}

func parseCSV(in component.Inputs) (any, error) {
	v := contentInput(in, "csv")
	data, _, ok := encodedData(v)
	if !ok {
		return nil, wrongKind("csv", v, "a table as a text or bytes")
	}
	rows, err := format.CSV{Delimiter: in.Text("delimiter"), Header: in.Bool("header")}.Parse(data)
	if err != nil {
		return nil, inInput("csv", err)
	}
	return rows, nil
}

func generateCSV(in component.Inputs, key string, header bool) (any, error) {
	rows, err := listContent(in, key)
	if err != nil {
		return nil, err
	}
	text, err := format.CSV{Delimiter: in.Text("delimiter"), Header: header}.Write(rows)
	if err != nil {
		return nil, inInput(key, err)
	}
	return text, nil
}
