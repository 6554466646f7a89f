package builtin

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/format"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

func csvComponent() *component.Component {
	return &component.Component{
		ID: "csv", DisplayName: "CSV", Description: "Read and write tables of text.",
		Actions: []component.Action{
			dataAction("parse", "Parse", "Reads a table.", "An object. `data`: the rows, as objects by column, or without a header as lists; all cells are texts. `errors`: an empty list, as a table that cannot be read fails the step. "+
				"`meta`: `delimiter`, `linebreak` (what ends its first line), `fields` (the names of the columns, with a header), `cursor` (how many characters were read), `truncated` and `aborted` (false).", []ipaas.InputField{
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
				dataField("rowData", "Data", "The rows: lists of cells, or JSON texts of them."),
				delimiterField(),
			},
				func(in component.Inputs) (any, error) { return generateCSV(in, "rowData", true) }),
		},
	}
}

func parseCSV(in component.Inputs) (any, error) {
	v := contentInput(in, "csv")
	data, _, ok := encodedData(v)
	if !ok {
		return nil, wrongKind("csv", v, "a table as a text or bytes")
	}
	table := format.CSV{Delimiter: in.Text("delimiter"), Header: in.Bool("header")}
	rows, err := table.Parse(data)
	if err != nil {
		return nil, inInput("csv", err)
	}
	return value.Obj(
		value.Field{Key: "data", Value: rows},
		value.Field{Key: "errors", Value: []any{}},
		value.Field{Key: "meta", Value: tableMeta(table, string(data))},
	), nil
}

// tableMeta says of a table what readers of CSV say.
func tableMeta(table format.CSV, text string) *value.Object {
	delimiter, linebreak := table.Delimiter, "\n"
	switch delimiter {
	case "":
		delimiter = ","
	case `\t`, "tab":
		delimiter = "\t"
	}
	if first, _, _ := strings.Cut(text, "\n"); strings.HasSuffix(first, "\r") {
		linebreak = "\r\n"
	}
	meta := value.Obj(
		value.Field{Key: "delimiter", Value: delimiter}, value.Field{Key: "linebreak", Value: linebreak},
		value.Field{Key: "aborted", Value: false}, value.Field{Key: "truncated", Value: false},
		value.Field{Key: "cursor", Value: value.FromInt(int64(utf8.RuneCountInString(text)))},
	)
	if table.Header {
		names := []any{}
		for _, name := range table.Names([]byte(text)) {
			names = append(names, name)
		}
		meta.Set("fields", names)
	}
	return meta
}

func generateCSV(in component.Inputs, key string, header bool) (any, error) {
	rows, err := listContent(in, key)
	if err != nil {
		return nil, err
	}
	rows = slices.Clone(rows)
	for i, row := range rows {
		if _, isText := row.(string); isText { // forms give each item as a text
			rows[i] = looseJSON(component.Inputs{key: row}, key)
		}
	}
	text, err := format.CSV{Delimiter: in.Text("delimiter"), Header: header}.Write(rows)
	if err != nil {
		return nil, inInput(key, err)
	}
	return text, nil
}
