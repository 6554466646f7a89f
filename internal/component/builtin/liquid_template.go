package builtin

import (
	"context"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/liquid"
	"github.com/headrace/headrace/internal/value"
)

func liquidTemplate() *component.Component {
	return &component.Component{
		ID: "liquid-template", DisplayName: "Liquid Template", Description: "Make texts out of data with templates.",
		Actions: []component.Action{{
			Action: ipaas.Action{
				Key: "transform", DisplayName: "Render Template", Effect: ipaas.EffectPure, Output: "The rendered text.",
				Description: "Renders a Liquid template. It sees the data and nothing else. Rendering has a budget of work, so a template that loops without end fails the step.",
				Inputs: []ipaas.InputField{
					dataField("data", "Data", "An object, whose keys are the variables of the template. A text is read as JSON."),
					{
						Key: "liquidTemplate", DisplayName: "Liquid Template", Type: ipaas.FieldCode, Required: true, Example: "Hello {{ customer.name | default: 'you' }}",
						Description: "The template, at most 256 KiB. It may use assign, capture, if, unless, case, for, cycle, increment, decrement, comment, raw and echo, and the filters of " +
							"Shopify's Liquid with json, where, reject, find, has, base64_encode and base64_decode; it cannot include other templates. What is rendered is at most 4 MiB.",
					},
				},
			},
			Perform: renderTemplate,
		}},
	}
}

func renderTemplate(ctx context.Context, call component.Call) (component.Result, error) {
	data := looseJSON(call.Inputs, "data")
	o, ok := data.(*value.Object)
	if !ok {
		return component.Result{}, wrongKind("data", data, "an object, whose keys the template can name")
	}
	template, err := liquid.Parse(call.Inputs.Text("liquidTemplate"))
	if err != nil {
		return component.Result{}, inInput("liquidTemplate", err)
	}
	text, err := template.Render(ctx, o)
	if err != nil {
		return component.Result{}, inInput("liquidTemplate", err)
	}
	return component.Result{Data: text}, nil
}
