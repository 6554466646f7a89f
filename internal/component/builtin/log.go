package builtin

import (
	"context"
	"strings"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
)

func logComponent() *component.Component {
	return &component.Component{
		ID: "log", DisplayName: "Log", Description: "Write to the log of the execution.",
		Actions: []component.Action{{
			Action: ipaas.Action{
				Key: "writeLog", DisplayName: "Write Log Message", Effect: ipaas.EffectPure,
				Description: "Writes a line to the log of the execution. Secrets in it are replaced. It has no result.",
				Inputs: []ipaas.InputField{
					{
						Key: "level", DisplayName: "Level", Description: "How much the line matters.",
						Choices: []string{"debug", "info", "warn", "error"}, Default: `"info"`,
					},
					{
						Key: "message", DisplayName: "Message", Type: ipaas.FieldData, Example: "customer 42 was updated",
						Description: "The line. Anything that is no text is written as JSON; what is longer than 4096 characters is cut.",
					},
				},
			},
			Perform: writeLog,
		}},
	}
}

var severities = map[string]ipaas.Severity{
	"debug": ipaas.SeverityDebug, "info": ipaas.SeverityInfo, "warn": ipaas.SeverityWarn, "error": ipaas.SeverityError,
}

func writeLog(_ context.Context, call component.Call) (component.Result, error) {
	severity, ok := severities[strings.ToLower(call.Inputs.Text("level"))]
	if !ok {
		severity = ipaas.SeverityInfo
	}
	call.Log(severity, call.Inputs.Text("message"))
	return component.Result{}, nil
}
