package api

import (
	"fmt"
	"strings"

	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// executionToProto shows an execution without what a BASIC view leaves out.
func executionToProto(ex ipaas.Execution) *pb.Execution {
	out := &pb.Execution{
		Id: ex.ID, InstanceId: ex.InstanceID, CustomerId: ex.CustomerID, IntegrationId: ex.IntegrationID,
		Version: count(ex.Version), FlowId: ex.FlowID, FlowDisplayName: ex.FlowDisplayName, DeploymentId: ex.DeploymentID,
		Generation: count(ex.Generation), State: enumToProto[pb.Execution_State](ex.State),
		InvokeType: enumToProto[pb.Execution_InvokeType](ex.Invoke), Test: ex.Test, Attempts: count(ex.Attempts),
		CreateTime: timeToProto(ex.CreateTime), StartTime: timeToProto(ex.StartTime), EndTime: timeToProto(ex.EndTime),
		Duration: between(ex.StartTime, ex.EndTime), Crashes: count(ex.Crashes), Canceling: ex.Canceling,
		OriginId: ex.OriginID, RetryOf: ex.RetryOf, ReplayOf: ex.ReplayOf, SupersededBy: ex.SupersededBy, Try: count(ex.Try),
		WakeTime: timeToProto(ex.WakeTime), Lane: ex.Lane, OrderingKey: utf8Text(ex.OrderingKey), Blocked: ex.Blocked, Blocking: ex.Blocking, PayloadExpired: ex.PayloadExpired,
		FlowKeyId: ex.FlowKeyID, Endpoint: ex.Endpoint, PreprocessedBy: ex.PreprocessedBy, RoutedTo: ex.RoutedTo,
		InvokedBy: ex.InvokedBy, RootId: ex.RootID, Depth: count(ex.Depth), ScheduleTime: timeToProto(ex.ScheduleTime),
	}
	if e := ex.Error; e != nil {
		out.Error = &pb.ExecutionError{Reason: string(e.Reason), Message: utf8Text(e.Message), StepId: e.StepID, StepPath: e.StepPath}
	}
	return out
}

// executionViewToProto shows an execution with all there is of it.
func executionViewToProto(view control.ExecutionView) (*pb.Execution, error) {
	out := executionToProto(view.Execution)
	result, err := show(view.Execution.Result)
	if err != nil {
		return nil, fmt.Errorf("execution %s: %w", view.Execution.ID, err)
	}
	out.Result, out.ResultJson = result.near, result.json
	out.Response = responseToProto(view.Execution.Response)
	for _, step := range view.Steps {
		shown, err := stepResultToProto(step)
		if err != nil {
			return nil, err
		}
		out.StepResults = append(out.StepResults, shown)
	}
	for _, line := range view.Logs {
		out.Logs = append(out.Logs, logToProto(line))
	}
	return out, nil
}

func stepResultToProto(s ipaas.StepResult) (*pb.StepResult, error) {
	inputs, err := show(s.Inputs)
	if err != nil {
		return nil, fmt.Errorf("inputs of step %s of execution %s: %w", s.Path, s.ExecutionID, err)
	}
	result, err := show(s.Result)
	if err != nil {
		return nil, fmt.Errorf("result of step %s of execution %s: %w", s.Path, s.ExecutionID, err)
	}
	out := &pb.StepResult{
		ExecutionId: s.ExecutionID, Path: s.Path, StepId: s.StepID, DisplayName: s.DisplayName, Action: s.Action,
		State: enumToProto[pb.StepResult_State](s.State), InputsJson: inputs.json,
		Result: result.near, ResultJson: result.json, ContentType: result.contentType, Redacted: s.Redacted,
		Error: utf8Text(s.Error), Branch: s.Branch, Ignored: s.Ignored, Tries: count(s.Tries), StandIn: s.StandIn,
		StartTime: timeToProto(s.StartTime), EndTime: timeToProto(s.EndTime), Duration: between(s.StartTime, s.EndTime),
	}
	if object, ok := inputs.value.(*value.Object); ok && inputs.near != nil {
		out.Inputs = structToProto(object)
	}
	return out, nil
}

func logToProto(l ipaas.Log) *pb.Log {
	return &pb.Log{
		ExecutionId: l.ExecutionID, Sequence: l.Sequence, Severity: enumToProto[pb.Log_Severity](l.Severity),
		Message: utf8Text(l.Message), StepPath: l.StepPath, CreateTime: timeToProto(l.CreateTime),
	}
}

// responseToProto joins the values of a header that stands more than once, as RFC 9110 allows.
func responseToProto(r *ipaas.Response) *pb.WebhookResponse {
	if r == nil {
		return nil
	}
	out := &pb.WebhookResponse{Status: count(r.Status)}
	out.Body, out.BodyBytes = textOrBytes(r.Body)
	for _, h := range r.Headers {
		if out.Headers == nil {
			out.Headers = make(map[string]string, len(r.Headers))
		}
		if before, ok := out.Headers[h.Name]; ok {
			out.Headers[h.Name] = before + ", " + utf8Text(h.Text)
			continue
		}
		out.Headers[h.Name] = utf8Text(h.Text)
	}
	return out
}

func tailEventToProto(e control.TailEvent) (*pb.TailExecutionResponse, error) {
	switch {
	case e.Step != nil:
		step, err := stepResultToProto(*e.Step)
		if err != nil {
			return nil, err
		}
		return &pb.TailExecutionResponse{Event: &pb.TailExecutionResponse_StepResult{StepResult: step}}, nil
	case e.Log != nil:
		return &pb.TailExecutionResponse{Event: &pb.TailExecutionResponse_Log{Log: logToProto(*e.Log)}}, nil
	case e.Execution != nil:
		ex, err := executionViewToProto(control.ExecutionView{Execution: *e.Execution})
		if err != nil {
			return nil, err
		}
		return &pb.TailExecutionResponse{Event: &pb.TailExecutionResponse_Execution{Execution: ex}}, nil
	}
	return nil, fmt.Errorf("a tail event of an execution is empty")
}

// utf8Text makes a text fit for a protobuf string: other systems send what they like.
func utf8Text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
