package builtin

import (
	"context"
	"errors"
	"strings"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
)

func crossFlow() *component.Component {
	flowName := ipaas.InputField{
		Key: "flowName", DisplayName: "Flow Name", Required: true, Example: "Process Records",
		Description: "The display name, or the id, of the flow to start.",
	}
	started := "The result is `{executionId}`, the id of the new execution, which knows what has started it (`invokedBy`). This step does not wait for its end. " +
		"It is queued together with the end of this step: exactly once, whatever happens to the server. It keeps the order, the deduplication key and the retries of its flow, as " +
		"a request at the flow's URL would. A test of a flow starts no other one: it shows what would be started, and the id is empty."
	return &component.Component{
		ID: "cross-flow", DisplayName: "Cross Flow", Description: "Start a flow of the same instance from another one.",
		Triggers: []component.Trigger{{
			TriggerType: ipaas.TriggerType{
				Key: "crossFlow", DisplayName: "Cross Flow",
				Description: "Runs the flow when another flow of the same instance starts it, and for every request at its URL.",
				Output:      "What every trigger gives; `body.data` is what the other flow gives.",
			},
			Receive: runs,
		}},
		Actions: []component.Action{
			{
				Action: ipaas.Action{
					Key: "invokeFlow", DisplayName: "Invoke Flow", Effect: ipaas.EffectWrite,
					Description: "Starts a flow of the same instance with some data. " + started,
					Inputs: []ipaas.InputField{flowName, {
						Key: "data", DisplayName: "Data", Type: ipaas.FieldData,
						Description: "What the flow gets: the `body.data` of its trigger's results. At most 6 MiB.",
					}},
					Output: executionOutput,
				},
				StartsFlow: "flowName", Perform: invokeFlow,
			},
			{
				Action: ipaas.Action{
					Key: "triggerFlow", DisplayName: "Trigger Flow", Effect: ipaas.EffectWrite,
					Description: "Starts a flow of the same instance without data. " + started,
					Inputs:      []ipaas.InputField{flowName},
					Output:      executionOutput,
				},
				StartsFlow: "flowName", Perform: invokeFlow,
			},
		},
	}
}

const executionOutput = "`{executionId}`: the id of the new execution."

func invokeFlow(_ context.Context, call component.Call) (component.Result, error) {
	name := strings.TrimSpace(call.Inputs.Text("flowName"))
	if name == "" {
		return component.Result{}, errors.New(`input "flowName" is empty: give the display name or the id of a flow`)
	}
	return component.Result{Invocations: []component.Invocation{{Flow: name, Data: call.Inputs.Value("data"), AsResult: true}}}, nil
}
