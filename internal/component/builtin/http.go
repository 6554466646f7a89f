package builtin

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/outbound"
	"github.com/headrace/headrace/internal/value"
)

const (
	maxTimeout   = 15 * time.Minute       // bounds the input timeout
	firstBackoff = 100 * time.Millisecond // where delays double
)

func httpComponent() *component.Component {
	c := &component.Component{
		ID: "http", DisplayName: "HTTP", Description: "Call any system that speaks HTTP.",
		ConnectionTypes: httpConnections(),
	}
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead} {
		c.Actions = append(c.Actions, httpAction(method))
	}
	c.Actions = append(c.Actions, httpPostFormData(), httpRequestAction(), httpRawRequest())
	c.Triggers = []component.Trigger{{
		TriggerType: ipaas.TriggerType{
			Key: "webhook", DisplayName: "Webhook", Inputs: append(acknowledgement(), handshake()...), Output: webhookOutput,
			Description: "The old name of the Universal Webhook of Webhook Triggers, for definitions that were written with it.",
		},
		Receive: receive,
	}}
	return c
}

func httpConnections() []ipaas.ConnectionType {
	return []ipaas.ConnectionType{
		{
			Key: "basic", DisplayName: "Basic Authentication", Description: "A user name and a password, sent in the header Authorization.",
			Inputs: []ipaas.InputField{
				{Key: "username", DisplayName: "User Name", Description: "The user name.", Required: true},
				{Key: "password", DisplayName: "Password", Description: "The password. It may be empty.", Secret: true},
			},
		},
		{
			Key: "apiKey", DisplayName: "API Key", Description: "A key, sent in a header.",
			Inputs: []ipaas.InputField{
				{Key: "apiKey", DisplayName: "API Key", Description: "The key.", Required: true, Secret: true},
				{Key: "header", DisplayName: "Header", Description: "The header that carries the key.", Default: `"Authorization"`, Example: "X-Api-Key"},
				{
					Key: "authScheme", DisplayName: "Authentication Scheme", Example: "Bearer",
					Description: "A word put before the key, with a space between them. None: Basic in the header Authorization, and nothing in any other.",
				},
			},
		},
		{
			Key: "bearer", DisplayName: "Bearer Token", Description: "A token, sent in the header Authorization after the word Bearer. An access token of OAuth 2.0 is one, too; but it is neither fetched nor refreshed here.",
			Inputs: []ipaas.InputField{{Key: "token", DisplayName: "Token", Description: "The token.", Required: true, Secret: true}},
		},
	}
}

func httpAction(method string) component.Action {
	name := strings.ToUpper(method[:1]) + strings.ToLower(method[1:])
	effect, does := ipaas.EffectWrite, "Sends a "+method+" request. "+idempotent
	if !writes(method) {
		effect, does = ipaas.EffectRead, "Sends a "+method+" request. "
	}
	output := httpOutput
	if method == http.MethodHead {
		output = "Nothing, since the answer has no body; with `includeFullResponse` an object with `data`, `status` and `headers`."
	}
	return component.Action{
		Action: ipaas.Action{
			Key: "http" + name, DisplayName: method + " Request", Effect: effect, Inputs: httpInputs(method),
			Description: does + "An answer that is not 2xx fails the step.", Output: output,
		},
		Perform: func(ctx context.Context, call component.Call) (component.Result, error) {
			return httpCall(ctx, method, call, dataBody)
		},
	}
}

const (
	idempotent = "It carries a header Idempotency-Key that is the same for every attempt of the step. "
	httpOutput = "The body of the answer, read as `responseType` says; with `includeFullResponse` an object with `data`, `status` and `headers`."
)

// writes reports whether a method may change the other system.
func writes(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}

// methodInput returns the method that an input names, in any case.
func methodInput(in component.Inputs, key, otherwise string, methods []string) (string, error) {
	method := strings.ToUpper(strings.TrimSpace(in.Text(key)))
	if method == "" {
		method = otherwise
	}
	if !slices.Contains(methods, method) {
		return "", component.Failf("input %q is no method that can be sent: give one of %s", key, strings.Join(methods, ", "))
	}
	return method, nil
}

// anyMethod is what a step may send that names the method itself.
var anyMethod = []string{
	http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead, http.MethodOptions,
}

func methodField(key, otherwise, description string) ipaas.InputField {
	return ipaas.InputField{Key: key, DisplayName: "Method", Default: otherwise, Description: description}
}

func httpRequestAction() component.Action {
	method := methodField("method", `"GET"`, "The method: one of "+strings.Join(anyMethod, ", ")+", in capital or small letters. With GET, HEAD and OPTIONS no data is sent.")
	return component.Action{
		Action: ipaas.Action{
			Key: "httpRequest", DisplayName: "Request", Effect: ipaas.EffectWrite, Inputs: append([]ipaas.InputField{method}, httpInputs(http.MethodPost)...),
			Description: "Sends a request with a method that is only known when the step runs. " + idempotent + "An answer that is not 2xx fails the step.",
			Output:      httpOutput,
		},
		Perform: func(ctx context.Context, call component.Call) (component.Result, error) {
			method, err := methodInput(call.Inputs, "method", http.MethodGet, anyMethod)
			if err != nil {
				return component.Result{}, err
			}
			return httpCall(ctx, method, call, dataBody)
		},
	}
}

func httpInputs(method string) []ipaas.InputField {
	fields := []ipaas.InputField{
		{
			Key: "connection", DisplayName: "Connection", Type: ipaas.FieldConnection, ConnectionTypes: []string{"basic", "apiKey", "bearer"},
			Description: "How to sign in. None: no credentials are sent. They are sent to whatever host the URL names.",
		},
		{
			Key: "url", DisplayName: "URL", Required: true, Example: "https://api.example.com/customers",
			Description: "Where to send the request: an absolute URL that begins with https:// or http://.",
		},
		{
			Key: "data", DisplayName: "Data", Type: ipaas.FieldData, Example: `{"name": "Ada"}`,
			Description: "The body. Text is sent as it is, bytes too, anything else as JSON. The header Content-Type is set to match unless `headers` has one.",
		},
		{
			Key: "headers", DisplayName: "Headers", Collection: ipaas.CollectionKeyValueList,
			Description: "Headers by name. They count before those of the connection. One without a value is left out.",
		},
		{
			Key: "queryParams", DisplayName: "Query Parameters", Type: ipaas.FieldData, Collection: ipaas.CollectionKeyValueList,
			Description: "Parameters added to the URL's query; they are escaped. One without a value is left out.",
		},
	}
	fields = append(fields, httpOptions()...)
	if !writes(method) {
		fields = slices.DeleteFunc(fields, func(f ipaas.InputField) bool { return f.Key == "data" })
	}
	return fields
}

func httpOptions() []ipaas.InputField {
	flag := func(key, name, description string) ipaas.InputField {
		return ipaas.InputField{Key: key, DisplayName: name, Description: description, Type: ipaas.FieldBoolean, Default: "false"}
	}
	return []ipaas.InputField{
		{
			Key: "responseType", DisplayName: "Response Type", Choices: []string{"json", "text", "binary"}, Default: `"json"`,
			Description: "What the body of the answer is read as. `json`: parsed if it is JSON, else text, else bytes.",
		},
		{
			Key: "timeout", DisplayName: "Timeout", Type: ipaas.FieldNumber,
			Description: "How long to wait for the whole answer of one attempt, in milliseconds, at most 900000. None or 0: 30 seconds.",
		},
		{
			Key: "maxRetries", DisplayName: "Max Retries", Type: ipaas.FieldNumber, Default: "0",
			Description: "How often to repeat a request that failed, at most 10: after a failure of the network or the status 408, 429 or 5xx. A write is repeated with the same " +
				"Idempotency-Key; a system that does not know this header may do it twice.",
		},
		{
			Key: "retryDelayMS", DisplayName: "Retry Delay", Type: ipaas.FieldNumber, Default: "0",
			Description: "How long to wait before a repetition, in milliseconds, at most 60000, give or take a fifth. A Retry-After header that asks for more is heeded, up to a minute.",
		},
		flag("useExponentialBackoff", "Use Exponential Backoff", "Whether to wait 100 milliseconds before the first repetition, and twice as long before each further one; `retryDelayMS` does not count then."),
		flag("retryOnAllErrors", "Retry on All Errors", "Whether to repeat after any other status that is not 2xx, too."),
		flag("includeFullResponse", "Include Full Response", "Whether the result is an object with `data`, `status` and `headers` instead of the body alone."),
		flag("debugRequest", "Debug Request", "Whether to log each request and its answer: addresses, names of headers, sizes, time; no values, which may be secrets."),
		{
			Key: "maxRedirects", DisplayName: "Max Redirects", Type: ipaas.FieldNumber, Default: "3",
			Description: "How many redirects to follow. It is 3 at most, whatever is given; with 0 a redirect fails the step.",
		},
		flag("ignoreSslErrors", "Ignore SSL Errors", "Whether to accept any certificate. Whoever sits between can then read and change all, so use it for tests only."),
	}
}

func httpCall(ctx context.Context, method string, call component.Call, body bodyOf) (component.Result, error) {
	request, err := httpRequest(method, call.Inputs, body)
	if err != nil {
		return component.Result{}, component.Failf("%s: %w", method, err)
	}
	retry, err := httpRetry(call.Inputs)
	if err != nil {
		return component.Result{}, component.Failf("%s: %w", method, err)
	}
	resp, err := component.Send(ctx, call, component.Exchange{
		Request: request, Write: writes(method), Retry: retry, Secrets: call.Inputs.Secrets(nil),
	})
	if call.Inputs.Bool("debugRequest") {
		debug(call, request, resp)
	}
	if err != nil {
		return component.Result{}, err
	}
	data := httpData(resp, call.Inputs.Text("responseType"))
	if call.Inputs.Bool("includeFullResponse") {
		data = value.Obj(
			value.Field{Key: "data", Value: data},
			value.Field{Key: "status", Value: value.FromInt(int64(resp.Status))},
			value.Field{Key: "headers", Value: component.Headers(resp.Header)},
		)
	}
	return component.Result{Data: data}, nil
}

func httpRetry(in component.Inputs) (component.Retry, error) {
	most, err := in.Int("maxRetries")
	if err != nil {
		return component.Retry{}, err
	}
	if most < 0 || most > component.MaxRetries {
		return component.Retry{}, fmt.Errorf("input %q is %d: give 0 to %d", "maxRetries", most, component.MaxRetries)
	}
	delay, err := milliseconds(in, "retryDelayMS", component.MaxRetryDelay)
	if in.Bool("useExponentialBackoff") {
		delay = firstBackoff
	}
	return component.Retry{
		Most: most, Delay: delay, Exponential: in.Bool("useExponentialBackoff"), All: in.Bool("retryOnAllErrors"),
	}, err
}

func httpData(resp *outbound.Response, kind string) any {
	switch kind {
	case "text":
		return strings.ToValidUTF8(string(resp.Body), "\ufffd")
	case "binary":
		return value.Bytes{Data: resp.Body, ContentType: resp.ContentType}
	default:
		return component.ParseBody(resp)
	}
}

// debug logs what went over the wire, without a value that may be a secret. The bodies are among the step's inputs and its result.
func debug(call component.Call, r outbound.Request, resp *outbound.Response) {
	u, err := url.Parse(r.URL)
	if err != nil {
		return // refused before
	}
	plain := &url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	call.Log(ipaas.SeverityDebug, fmt.Sprintf("request %s %s, headers %s, %d bytes", r.Method, plain, headerNames(r.Header), len(r.Body)))
	if resp == nil {
		return
	}
	call.Log(ipaas.SeverityDebug, fmt.Sprintf("answer %d, %s, headers %s, %d bytes, after %s",
		resp.Status, resp.ContentType, headerNames(resp.Header), len(resp.Body), resp.Duration.Round(time.Millisecond)))
}

func headerNames(h http.Header) string { return strings.Join(slices.Sorted(maps.Keys(h)), " ") }
