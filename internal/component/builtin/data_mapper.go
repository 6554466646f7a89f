package builtin

import (
	"errors"
	"fmt"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

func dataMapper() *component.Component {
	valueMap := ipaas.InputField{
		Key: "valueMap", DisplayName: "Value Map", Type: ipaas.FieldData, Collection: ipaas.CollectionKeyValueList, Required: true,
		Description: "What each input becomes, by the input's text. Of a key given twice the last value counts.",
	}
	otherwise := ipaas.InputField{
		Key: "defaultValue", DisplayName: "Default Value", Type: ipaas.FieldData,
		Description: "What an input becomes that the map does not have. None: nothing.",
	}
	strict := ipaas.InputField{
		Key: "failOnMissing", DisplayName: "Fail on Missing", Type: ipaas.FieldBoolean, Default: "false",
		Description: "Whether an input that the map does not have fails the step, where there is no default value.",
	}
	return &component.Component{
		ID: "data-mapper", DisplayName: "Data Mapper", Description: "Replace values by others according to a map.",
		Actions: []component.Action{
			dataAction("valueMapper", "Value Mapper", "Replaces a value by what a map has for it.", "What the map has for the value.", []ipaas.InputField{
				{Key: "inputValue", DisplayName: "Input Value", Type: ipaas.FieldData, Description: "The value to look up. Numbers and booleans are looked up by how they read."},
				valueMap, otherwise, strict,
			}, func(in component.Inputs) (any, error) {
				v, err := mapped(in, valueMapOf(in), in.Value("inputValue"))
				if err != nil {
					return nil, inInput("inputValue", err)
				}
				return v, nil
			}),
			dataAction("valueListMapper", "Value List Mapper", "Replaces each value of a list by what a map has for it.", "The list of what the map has.", []ipaas.InputField{
				dataField("inputValueList", "Input Value List", "The values to look up."),
				valueMap, otherwise, strict,
			}, mapValues),
		},
	}
}

// valueMapOf returns the map of a mapper. Of a key given twice the last value counts.
func valueMapOf(in component.Inputs) map[string]any {
	pairs := in.Pairs("valueMap")
	m := make(map[string]any, len(pairs))
	for _, p := range pairs {
		m[p.Key] = p.Value
	}
	return m
}

func mapped(in component.Inputs, m map[string]any, v any) (any, error) {
	if to, ok := m[value.Text(v)]; ok {
		return to, nil
	}
	if otherwise := in.Value("defaultValue"); otherwise != nil || !in.Bool("failOnMissing") {
		return otherwise, nil
	}
	return nil, errors.New("the value is not in the map: add it, or give a default value")
}

func mapValues(in component.Inputs) (any, error) {
	list, ok := looseJSON(in, "inputValueList").([]any)
	if !ok {
		return nil, wrongKind("inputValueList", in.Value("inputValueList"), "a list")
	}
	m, out := valueMapOf(in), make([]any, len(list))
	for i, item := range list {
		v, err := mapped(in, m, item)
		if err != nil {
			return nil, inInput("inputValueList", fmt.Errorf("item %d: %w", i, err))
		}
		out[i] = v
	}
	return out, nil
}
