package builtin

import (
	"context"
	"fmt"
	"net/http"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
)

func webhookTriggers() *component.Component {
	return &component.Component{
		ID: "webhook-triggers", DisplayName: "Webhook Triggers", Description: "Start a flow when another system calls its URL.",
		Triggers: []component.Trigger{{
			TriggerType: ipaas.TriggerType{
				Key: "webhook", DisplayName: "Universal Webhook", Inputs: append(acknowledgement(), handshake()...), Output: webhookOutput,
				Description: "Runs the flow for every request at its URL, whatever its method. An asynchronous caller is answered 200 and the execution's id, or what the inputs say. " +
					"Systems that first ask whether the URL is genuine are answered by `handshake`, and no flow runs for that.",
			},
			Receive: receive,
		}},
	}
}

// webhookOutput is what a webhook's trigger gives.
const webhookOutput = "The request: `body.data` is its body, parsed by its content type, `rawBody.data` the body as it came, `headers` its headers, whose names are found in any case, " +
	"`queryParameters` those of its URL, and `pathFragment` what follows the flow's own URL."

func acknowledgement() []ipaas.InputField {
	return []ipaas.InputField{
		{
			Key: "statusCode", DisplayName: "Status Code", Type: ipaas.FieldNumber, Example: "202",
			Description: "The HTTP status that an asynchronous caller is answered, 200 to 599. Default: 200. If this, `contentType`, `headers` or `body` is given, " +
				"the answer is only what they say; the execution's id is then found in the header Headrace-Execution-Id.",
		},
		{
			Key: "contentType", DisplayName: "Content Type", Example: "application/json",
			Description: "The content type of that answer. Default: what `body` looks like.",
		},
		{
			Key: "headers", DisplayName: "Headers", Collection: ipaas.CollectionKeyValueList,
			Description: "More headers of that answer, by name.",
		},
		{
			Key: "body", DisplayName: "Body", Type: ipaas.FieldData, Example: `{"received": true}`,
			Description: "The body of that answer. Text is sent as it is, anything else as JSON.",
		},
	}
}

func handshake() []ipaas.InputField {
	return []ipaas.InputField{
		{
			Key: "handshake", DisplayName: "Handshake", Choices: handshakeKinds, Default: `"none"`,
			Description: "How the other system asks whether the URL is genuine, and is answered by an echo. `query`: a query parameter, echoed as text, if the request has no body. " +
				"`json`: a text in a JSON body, echoed as a JSON object with the same key. `header`: a header, echoed as the same header of an empty answer. " +
				"Presets: `slack` (url_verification), `microsoft-graph` (validationToken), `meta` (hub.challenge, with `verifyToken`), `asana` (X-Hook-Secret).",
		},
		{
			Key: "handshakeKey", DisplayName: "Handshake Key", Default: `"challenge"`,
			Description: "For the handshakes `query`, `json` and `header`: the name of the query parameter, the path of the text in the body, with dots, or the name of the header.",
		},
		{
			Key: "verifyToken", DisplayName: "Verify Token", Secret: true,
			Description: "For the handshake `meta`: the token that was entered there. Requests with another one are refused, and without one here all are.",
		},
	}
}

func receive(_ context.Context, request component.Request) (component.Reception, error) {
	answer, err := answerHandshake(request)
	if answer != nil || err != nil {
		return component.Reception{Answer: answer}, err
	}
	acknowledge, err := acknowledge(request.Inputs)
	return component.Reception{Acknowledge: acknowledge}, err
}

// acknowledge returns the answer for an asynchronous caller, or nil where the inputs say nothing of it.
func acknowledge(in component.Inputs) (*ipaas.Response, error) {
	contentType, data, pairs := in.Text("contentType"), in.Value("body"), in.Pairs("headers")
	if in.Value("statusCode") == nil && contentType == "" && len(pairs) == 0 && (data == nil || data == "") {
		return nil, nil
	}
	status, err := statusInput(in, "statusCode", http.StatusOK)
	if err != nil {
		return nil, fmt.Errorf("answer of the trigger: %w", err)
	}
	headers, err := headersInput(in, "headers")
	if err != nil {
		return nil, fmt.Errorf("answer of the trigger: %w", err)
	}
	body, natural := encodeBody(data)
	if contentType == "" {
		contentType = natural
	}
	if headers, err = contentTypeHeader(headers, contentType); err != nil {
		return nil, fmt.Errorf("answer of the trigger: %w", err)
	}
	return &ipaas.Response{Status: status, Headers: headers, Body: body}, nil
}
