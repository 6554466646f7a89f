package builtin

import (
	"context"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
)

func recursiveFlow() *component.Component {
	return &component.Component{
		ID: "recursive-flow", DisplayName: "Recursive Flow",
		Description: "Go through much, one execution after another: each goes on at the cursor that the one before has set.",
		Triggers: []component.Trigger{{
			TriggerType: ipaas.TriggerType{
				Key: "recursiveTrigger", DisplayName: "Recursive Flow", Inputs: []ipaas.InputField{
					{
						Key: ipaas.InputRunOnDeploy, DisplayName: "Run on Deploy", Type: ipaas.FieldBoolean, Default: "false",
						Description: "Whether every deployment of the instance starts the flow, once it has succeeded.",
					},
					{
						Key: ipaas.InputDefaultCursor, DisplayName: "Default Cursor", Type: ipaas.FieldData, Example: "0",
						Description: "The cursor of an execution that was not started by the one before.",
					},
				},
				Description: "Runs the flow when it invokes itself, when a deployment starts it, and for every request at its URL.",
				Output:      "What every trigger gives; `body.data.cursor` is the cursor that the execution before has left.",
			},
			Receive: runs,
		}},
		Actions: []component.Action{
			{
				Action: ipaas.Action{
					Key: "getCursor", DisplayName: "Get Cursor", Effect: ipaas.EffectPure,
					Description: "Returns the cursor: the one this execution has set, or else the one it was started with, or else the trigger's default.",
					Output:      "The cursor.",
				},
				Perform: func(_ context.Context, call component.Call) (component.Result, error) {
					return component.Result{Data: call.Cursor}, nil
				},
			},
			{
				Action: ipaas.Action{
					Key: "setCursor", DisplayName: "Set Cursor", Effect: ipaas.EffectPure,
					Description: "Sets the cursor that the next execution begins with.",
					Inputs: []ipaas.InputField{{
						Key: "cursor", DisplayName: "Cursor", Type: ipaas.FieldData, Example: "100",
						Description: "Where the next execution goes on: a number, a date, a token of the other system, or anything else.",
					}},
					Output: "The cursor.",
				},
				SetsCursor: true,
				Perform: func(_ context.Context, call component.Call) (component.Result, error) {
					return component.Result{Data: call.Inputs.Value("cursor")}, nil
				},
			},
			{
				Action: ipaas.Action{
					Key: "invokeRecursive", DisplayName: "Invoke Recursive Flow", Effect: ipaas.EffectWrite,
					Description: "Starts this flow once more, with the cursor as it is now. The result is `{executionId}`, the id of the next execution, which is queued together with " +
						"the end of this step. An execution starts one next, and so do all that try it again together: asked once more, it gives the id of the one there is. " +
						"From the thousandth of a line on, the next begins a second later. " +
						"A test of the flow starts no other execution, and the id is empty.",
					Output: executionOutput,
				},
				Perform: func(_ context.Context, call component.Call) (component.Result, error) {
					return component.Result{Invocations: []component.Invocation{{Cursor: call.Cursor, Recursive: true, AsResult: true}}}, nil
				},
			},
		},
	}
}
