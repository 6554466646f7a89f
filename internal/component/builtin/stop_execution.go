package builtin

import (
	"context"
	"net/http"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
)

func stopExecution() *component.Component {
	return &component.Component{
		ID: "stop-execution", DisplayName: "Stop Execution", Description: "End the execution here.",
		Actions: []component.Action{{
			Action: ipaas.Action{
				Key: "stopExecution", DisplayName: "Stop Execution", Effect: ipaas.EffectPure,
				Description: "Ends the execution as succeeded; no later step runs. The caller of a synchronous flow is answered with what is given here.",
				Output:      "The input `jsonBody`.",
				Inputs: []ipaas.InputField{
					{
						Key: "statusCode", DisplayName: "Status Code", Type: ipaas.FieldNumber, Default: "200",
						Description: "The HTTP status of the answer, 200 to 599.",
					},
					{
						Key: "contentType", DisplayName: "Content Type", Default: `"application/json"`,
						Description: "The content type of the answer.",
					},
					{
						Key: "headers", DisplayName: "Headers", Collection: ipaas.CollectionKeyValueList,
						Description: "More headers of the answer, by name. A Content-Type here counts before the input `contentType`.",
					},
					{
						Key: "jsonBody", DisplayName: "Body", Type: ipaas.FieldData, Example: `{"status": "done"}`,
						Description: "The body of the answer. Text is sent as it is, anything else as JSON.",
					},
				},
			},
			Perform: stop, Stops: true,
		}},
	}
}

func stop(_ context.Context, call component.Call) (component.Result, error) {
	status, err := statusInput(call.Inputs, "statusCode", http.StatusOK)
	if err != nil {
		return component.Result{}, err
	}
	headers, err := headersInput(call.Inputs, "headers")
	if err != nil {
		return component.Result{}, err
	}
	data := call.Inputs.Value("jsonBody")
	body, _ := encodeBody(data)
	if status == http.StatusNoContent || status == http.StatusNotModified {
		body = nil // HTTP allows them none
	}
	if len(body) > 0 {
		if headers, err = contentTypeHeader(headers, call.Inputs.Text("contentType")); err != nil {
			return component.Result{}, err
		}
	}
	return component.Result{Data: data, Stop: &ipaas.Response{Status: status, Headers: headers, Body: body}}, nil
}
