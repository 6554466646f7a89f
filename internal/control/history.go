package control

import (
	"fmt"

	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
)

// history counts what an execution writes of its steps, those of earlier attempts included: a loop whose rounds give much would fill the
// disk. How it ends is always written, and so are the objects that it has created.
type history struct {
	most    int64
	written int64
}

// begun counts what is there of a step that begins: its inputs, and what an earlier attempt left.
func (s *history) begun(row ipaas.StepResult) {
	s.written += int64(len(row.Inputs)) + sizeOf(row, nil)
}

// done counts what is written of a step that has come to something.
func (s *history) done(row ipaas.StepResult, logs []ipaas.Log) { s.written += sizeOf(row, logs) }

func sizeOf(row ipaas.StepResult, logs []ipaas.Log) int64 {
	n := len(row.Result) + len(row.Exact) + len(row.Error)
	for i := range logs {
		n += len(logs[i].Message)
	}
	return int64(n)
}

// takes reports whether what a step came to may still be written. That the history is full always is.
func (s *history) takes(row ipaas.StepResult, done engine.Done, logs []ipaas.Log) bool {
	return done.Cause != nil && done.Cause.Reason == ipaas.ExecutionTooLarge || s.written+sizeOf(row, logs) <= s.most
}

// full is how a step ends for which there is no room. Nothing goes on after it, also where the flow ignores failures.
func (s *history) full(done engine.Done) engine.Done {
	return engine.Done{
		Error: fmt.Sprintf("with it the inputs, results and logs of the execution's steps would be larger than %d MiB: "+
			"let steps give and log less, or split the work over several executions", s.most>>20),
		Cause: &ipaas.ExecutionError{Reason: ipaas.ExecutionTooLarge}, Tries: done.Tries, Creation: done.Creation, Start: done.Start, End: done.End,
	}
}
