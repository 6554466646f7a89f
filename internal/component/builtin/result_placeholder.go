package builtin

import (
	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

func resultPlaceholder() *component.Component {
	return &component.Component{
		ID: "result-placeholder", DisplayName: "Result Placeholder", Description: "Stand in for a step that is not there yet.",
		Actions: []component.Action{pure("actions", "Mock Result",
			"Gives the result that it is told to give.",
			"What the text says if it is JSON, else the text.",
			mockResult, ipaas.InputField{
				Key: "code", DisplayName: "Code", Type: ipaas.FieldData, Example: `{"id": "42"}`,
				Description: "The result: JSON, or any other text. What is no text is given as it is.",
			})},
	}
}

func mockResult(in component.Inputs) (any, error) {
	text, ok := in.Value("code").(string)
	if !ok {
		return in.Value("code"), nil
	}
	if parsed, err := value.Parse([]byte(text)); err == nil {
		return parsed, nil
	}
	return text, nil
}
