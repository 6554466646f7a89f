package storage

import "github.com/headrace/headrace/internal/ipaas"

// Invocation is an execution that a step starts.
type Invocation struct {
	Execution ipaas.Execution
	Admission Admission
}

// AlreadyStarted is the error of a step whose invocation is there already.
type AlreadyStarted struct {
	ID    string // of the execution that was to be added
	First string // the one that is there
}

func (a *AlreadyStarted) Error() string {
	return "execution " + a.First + " was started for this before"
}
