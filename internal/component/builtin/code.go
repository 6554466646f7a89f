package builtin

import (
	"context"
	"fmt"
	"strings"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/sandbox"
	"github.com/headrace/headrace/internal/value"
)

func code() *component.Component {
	return &component.Component{
		ID: "code", DisplayName: "Code", Description: "Run JavaScript of your own between other steps.",
		ConnectionTypes: codeConnections(),
		Actions: []component.Action{{
			Action: ipaas.Action{
				Key: "runCode", DisplayName: "Code Block", Effect: ipaas.EffectPure,
				Description: "Runs modern JavaScript. The code sees the config variables, the results of earlier steps and what flows keep. " +
					"It has no network and no files: other systems are called by steps of their own. An error that it throws fails the step.",
				Output: "What the code returns as `data`; of code without module.exports what it returns.",
				Inputs: []ipaas.InputField{
					{
						Key: "code", DisplayName: "Code", Type: ipaas.FieldCode, Default: noCode,
						Description: "A module that exports a function of `context` and `stepResults`, async or not, which returns an object with `data`; or the body of such a function. " +
							"What context has and what is global besides the language is in docs/sandbox.md.",
						Example: "module.exports = async ({ logger, configVars }, stepResults) => {\n  return { data: stepResults.trigger.results.body.data };\n};",
					},
					{
						Key: "data", DisplayName: "Data", Type: ipaas.FieldData,
						Description: "A value that the code finds under the name `data`.",
					},
				},
			},
			LooksAround: true,
			Lasts:       true,
			Perform:     runCode,
		}},
	}
}

func codeConnections() []ipaas.ConnectionType {
	username := ipaas.InputField{Key: "username", DisplayName: "User Name", Description: "The user name."}
	secretField := func(key, name, description string) ipaas.InputField {
		return ipaas.InputField{Key: key, DisplayName: name, Description: description, Required: true, Secret: true}
	}
	return []ipaas.ConnectionType{
		{
			Key: "apiKey", DisplayName: "API Key", Description: "A key, for code that signs or identifies something with it.",
			Inputs: []ipaas.InputField{secretField("apiKey", "API Key", "The key.")},
		},
		{
			Key: "apiKeySecret", DisplayName: "API Key and Secret", Description: "A key with its secret.",
			Inputs: []ipaas.InputField{
				{Key: "apiKey", DisplayName: "API Key", Description: "The key.", Required: true},
				secretField("apiSecret", "API Secret", "The secret."),
			},
		},
		{
			Key: "basic", DisplayName: "User Name and Password", Description: "A user name with its password.",
			Inputs: []ipaas.InputField{username, {Key: "password", DisplayName: "Password", Description: "The password.", Secret: true}},
		},
		{
			Key: "privateKey", DisplayName: "Private Key", Description: "A private key, and whose it is.",
			Inputs: []ipaas.InputField{username, secretField("privateKey", "Private Key", "The key as text, with the lines that begin and end it.")},
		},
	}
}

// stateScopes are what code finds in its context of what flows keep.
var stateScopes = map[string]ipaas.StateScope{
	"executionState": ipaas.StateExecution, "instanceState": ipaas.StateFlow,
	"crossFlowState": ipaas.StateInstance, "integrationState": ipaas.StateIntegration,
}

// noCode is what a step runs that says nothing, as definitions have it of steps that nobody has written yet.
const noCode = `"module.exports = async (context, stepResults) => ({ data: null });"`

func runCode(ctx context.Context, call component.Call) (component.Result, error) {
	if strings.TrimSpace(call.Inputs.Text("code")) == "" {
		return component.Result{}, fmt.Errorf("input %q is empty: give it a module, or the body of a function", "code")
	}
	script := sandbox.Script{
		Form: sandbox.Step, Code: call.Inputs.Text("code"), States: sortedStates(),
		Values: []sandbox.Named{{Name: "context", Value: codeContext(call)}, {Name: "data", Value: call.Inputs.Value("data")}},
		Fetch:  func(ctx context.Context, name string) (any, error) { return lookAt(ctx, call, name) },
	}
	if s := call.Surroundings; s != nil {
		script.Steps = s.Results().Keys()
		if len(script.Steps) > 0 {
			script.Trigger = script.Steps[0]
		}
		script.Values = append(script.Values, sandbox.Named{Name: "configVars", Value: s.Config()})
	}
	result, err := runScript(ctx, call, script)
	if err != nil {
		return component.Result{}, err
	}
	changes, err := stateChanges(result.State)
	if err != nil {
		return component.Result{}, err
	}
	if len(changes) > 0 && call.State == nil {
		return component.Result{}, component.Failf("the code changes what flows keep, and nothing is kept where it runs")
	}
	return component.Result{Data: result.Data, Branch: result.Branch, State: changes}, nil
}

// runScript runs a script with the log of the step.
func runScript(ctx context.Context, call component.Call, script sandbox.Script) (sandbox.Result, error) {
	if call.Scripts == nil {
		return sandbox.Result{}, component.Failf("this server runs no code: start one that does, or take the step out")
	}
	script.Log = func(level sandbox.Level, message string) {
		if call.Log != nil {
			call.Log(severities[string(level)], message)
		}
	}
	return call.Scripts.Run(ctx, script)
}

func sortedStates() []string {
	return []string{"crossFlowState", "executionState", "instanceState", "integrationState"}
}

// codeContext is what stands in the context beside the config variables and what flows keep.
func codeContext(call component.Call) *value.Object {
	o := value.Obj(value.Field{Key: "stepId", Value: call.StepID})
	if call.Surroundings == nil {
		return o
	}
	trigger := call.Surroundings.Trigger()
	for _, key := range []string{
		"executionId", "webhookUrls", "webhookApiKeys", "invokeUrl", "customer", "instance", "user", "integration", "flow", "startedAt", "globalDebug",
	} {
		if v, ok := trigger.Get(key); ok {
			o.Set(key, v)
		}
	}
	return o
}

// lookAt fetches what the code looks at.
func lookAt(ctx context.Context, call component.Call, name string) (any, error) {
	kind, key, _ := strings.Cut(name, "/")
	if kind == "step" {
		v, _ := call.Surroundings.Results().Get(key)
		return v, nil
	}
	if call.State == nil {
		return value.Obj(), nil
	}
	return call.State.All(ctx, stateScopes[key])
}

// stateChanges makes of the keys that the code has changed what is done to them.
func stateChanges(changes []sandbox.Change) ([]component.StateChange, error) {
	var all []component.StateChange
	for _, c := range changes {
		if c.Key == "" || len(c.Key) > ipaas.MaxStateKey {
			return nil, component.Failf("the code sets a key of context.%s that has %d bytes: use keys of 1 to %d", c.State, len(c.Key), ipaas.MaxStateKey)
		}
		change := component.StateChange{Scope: stateScopes[c.State], Operation: ipaas.StateSet, Key: c.Key, Value: c.Value}
		if c.Removed {
			change.Operation, change.Value = ipaas.StateRemove, nil
		}
		all = append(all, change)
	}
	return all, nil
}
