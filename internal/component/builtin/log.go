package builtin

import (
	"context"
	"fmt"
	"strings"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

func logComponent() *component.Component {
	return &component.Component{
		ID: "log", DisplayName: "Log", Description: "Write to the log of the execution.",
		Actions: []component.Action{{
			Action: ipaas.Action{
				Key: "writeLog", DisplayName: "Write Log Message", Effect: ipaas.EffectPure,
				Description: "Writes a line to the log of the execution. Secrets in it are replaced.",
				Output:      "Nothing.",
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
		}, {
			Action: ipaas.Action{
				Key: "writeMetric", DisplayName: "Write Metrics", Effect: ipaas.EffectPure,
				Description: "Writes figures to the log of the execution, in one line of JSON that a collector of logs can read: `{\"metrics\": {…}}`.",
				Output:      "Nothing.",
				Inputs: []ipaas.InputField{{
					Key: "metrics", DisplayName: "Metrics", Type: ipaas.FieldNumber, Collection: ipaas.CollectionKeyValueList, Example: `{"orders": 12}`,
					Description: "The figures by name, at most 100.",
				}},
			},
			Perform: writeMetric,
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

// What one line may hold: one that is cut is no JSON.
const (
	maxMetrics = 100
	maxLine    = 4096
)

func writeMetric(_ context.Context, call component.Call) (component.Result, error) {
	metrics := value.Obj()
	for i, p := range call.Inputs.Pairs("metrics") {
		switch {
		case p.Key == "" && p.Value == nil:
			continue // a row of a form that was left empty
		case p.Key == "":
			return component.Result{}, fmt.Errorf("input %q: item %d has no name: give it one", "metrics", i)
		case p.Value == nil:
			return component.Result{}, fmt.Errorf("input %q: %q has no value: give it a number", "metrics", p.Key)
		}
		metrics.Set(p.Key, p.Value)
	}
	if metrics.Len() > maxMetrics {
		return component.Result{}, fmt.Errorf("input %q has %d names: give %d at most", "metrics", metrics.Len(), maxMetrics)
	}
	line := string(value.JSON(value.Obj(value.Field{Key: "metrics", Value: metrics})))
	if len(line) > maxLine {
		return component.Result{}, fmt.Errorf("input %q fills more than a line of %d bytes: give fewer figures or shorter names", "metrics", maxLine)
	}
	call.Log(ipaas.SeverityInfo, line)
	return component.Result{}, nil
}
