package control

import (
	"fmt"
	"time"

	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// Reply is what the caller of a webhook is answered.
type Reply struct {
	Response    ipaas.Response
	ExecutionID string // empty: nothing was run
}

// ExecutionIDHeader names the execution in every answer that began one.
const ExecutionIDHeader = "Headrace-Execution-Id"

// answerOf is what the caller of a flow's webhook is answered: a synchronous one the result of the flow, as the flow made it. What is
// stored of it is without secrets.
func answerOf(ex ipaas.Execution, outcome engine.Outcome, synchronous bool, reception component.Reception) ipaas.Response {
	if !synchronous {
		return acknowledgement(ex.ID, reception)
	}
	id := ipaas.NamedText{Name: ExecutionIDHeader, Text: ex.ID}
	switch {
	case ex.State != ipaas.ExecutionSucceeded:
		message, reason := "the execution was canceled", string(ex.State) // by somebody, or else it says why
		if ex.Error != nil {
			message, reason = ex.Error.Message, string(ex.Error.Reason)
		}
		return jsonResponse(400, ex.ID, value.ObjOf("error", message, "reason", reason, "executionId", ex.ID))
	case outcome.Response != nil:
		r := *outcome.Response
		r.Headers = append([]ipaas.NamedText{id}, r.Headers...)
		return r
	default:
		return resultResponse(ex.ID, outcome.Result)
	}
}

// answerAgain is what the caller of a synchronous flow is answered whose request came before: what was stored of the answer, which is
// without secrets.
func (p *Plane) answerAgain(first ipaas.Execution, urls map[string]string, reception component.Reception) (Reply, error) {
	if !first.State.Ended() {
		return Reply{}, &ipaas.Error{
			Kind: ipaas.Conflict, Reason: ipaas.ReasonExecutionRunning, RetryAfter: time.Second,
			Message: fmt.Sprintf("this request came before, and execution %s, which it began, has not ended: send it again in a moment", first.ID),
			Meta:    map[string]string{"execution_id": first.ID},
		}
	}
	shown := revealedExecution(first, access.Mask(urls))
	outcome := engine.Outcome{Response: shown.Response}
	if shown.Result != "" {
		result, err := value.Decode([]byte(shown.Result))
		if err != nil {
			return Reply{}, fmt.Errorf("read the result of execution %s: %w", first.ID, err)
		}
		outcome.Result = result
	}
	return Reply{Response: answerOf(shown, outcome, true, reception), ExecutionID: first.ID}, nil
}

// acknowledgement is what an asynchronous caller is answered.
func acknowledgement(executionID string, reception component.Reception) ipaas.Response {
	if reception.Acknowledge != nil {
		r := *reception.Acknowledge
		r.Headers = append([]ipaas.NamedText{{Name: ExecutionIDHeader, Text: executionID}}, r.Headers...)
		return r
	}
	return jsonResponse(200, executionID, value.ObjOf("executionId", executionID))
}

func waitedInVain(executionID string, wait time.Duration) Reply {
	return Reply{ExecutionID: executionID, Response: jsonResponse(504, executionID, value.ObjOf(
		"error", fmt.Sprintf("the flow did not end within %s; it goes on", wait), "reason", string(ipaas.ReasonExecutionRunning), "executionId", executionID))}
}

// resultResponse answers with the flow's result: text as text, bytes as they are, anything else as JSON.
func resultResponse(executionID string, result any) ipaas.Response {
	contentType, body := "application/json", value.JSON(result)
	switch v := result.(type) {
	case string:
		contentType, body = "text/plain; charset=utf-8", []byte(v)
	case value.Bytes:
		contentType, body = v.ContentType, v.Data
	}
	return ipaas.Response{Status: 200, Body: body, Headers: []ipaas.NamedText{
		{Name: "Content-Type", Text: contentType}, {Name: ExecutionIDHeader, Text: executionID},
	}}
}

func jsonResponse(status int, executionID string, body any) ipaas.Response {
	r := ipaas.Response{
		Status:  status,
		Headers: []ipaas.NamedText{{Name: "Content-Type", Text: "application/json"}},
		Body:    value.JSON(body),
	}
	if executionID != "" {
		r.Headers = append(r.Headers, ipaas.NamedText{Name: ExecutionIDHeader, Text: executionID})
	}
	return r
}
