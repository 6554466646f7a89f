package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// Event is one thing that happened in an execution. Exactly one of its fields is set.
type Event struct {
	// Execution tells that the execution began or ended.
	Execution *headracev1.Execution
	// StepResult tells that a step began or ended.
	StepResult *headracev1.StepResult
	// Log is a line the flow wrote.
	Log *headracev1.Log
}

// Tail follows an execution to its end: what has happened so far, then what happens, and at last the finished execution. It ends
// after an error. Leaving the loop ends the stream; walking over it again starts from the beginning.
func (c *Client) Tail(ctx context.Context, executionID string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		stream, err := c.Executions.TailExecution(ctx, &headracev1.TailExecutionRequest{ExecutionId: executionID})
		if err != nil {
			yield(Event{}, err)
			return
		}
		ended := false
		for {
			message, err := stream.Recv()
			switch {
			case errors.Is(err, io.EOF) && ended:
				return
			case errors.Is(err, io.EOF):
				yield(Event{}, fmt.Errorf("the stream of execution %s ended before the execution did: %w", executionID, io.ErrUnexpectedEOF))
				return
			case err != nil:
				yield(Event{}, err)
				return
			}
			event := Event{Execution: message.GetExecution(), StepResult: message.GetStepResult(), Log: message.GetLog()}
			if event == (Event{}) {
				continue // of a kind that came into the API after this client
			}
			ended = Finished(event.Execution)
			if !yield(event, nil) {
				return
			}
		}
	}
}

// Finished reports whether an execution has come to its end.
func Finished(execution *headracev1.Execution) bool {
	switch execution.GetState() {
	case headracev1.Execution_STATE_SUCCEEDED, headracev1.Execution_STATE_FAILED,
		headracev1.Execution_STATE_CANCELED, headracev1.Execution_STATE_DEAD_LETTER:
		return true
	default:
		return false
	}
}
