// Package fault lets tests break the server where it hurts most. In the code stand points, lines such as
//
//	fault.Point("accept-committed")
//
// which are nothing at all in a normal build. Built with the tag faults, the environment variable HEADRACE_FAULTS says what happens
// at which point, and HEADRACE_BROKEN turns off, one by one, what keeps the server's promises: a proof that cannot fail proves nothing.
// It must know nothing of the server: it is a leaf.
package fault

// Variables of the environment that a binary with faults reads, and any other leaves alone.
const (
	// PlanVariable holds what happens at points, apart by ";": name=what, or name=what@n for the n-th time only. What is kill, panic,
	// or pause:DURATION. Example: "accept-committed=kill@3;writer-commit=pause:20ms".
	PlanVariable = "HEADRACE_FAULTS"
	// BrokenVariable holds the names of promises that are broken, apart by commas.
	BrokenVariable = "HEADRACE_BROKEN"
	// AheadVariable holds how far the server's clock is ahead, as a duration: schedules take minutes, and tests have seconds.
	AheadVariable = "HEADRACE_AHEAD"
)

// Points are the places at which a fault can strike, each with what has happened when it is reached. A test compares the list
// with the code.
var Points = map[string]string{
	"writer-commit":    "a group of steps is done, and its transaction is about to be committed",
	"writer-committed": "the transaction is on disk, and nobody knows it yet",

	"accept-begin":     "an event has come in and is about to be put on disk",
	"accept-committed": "an event is on disk, and its sender has no answer yet",
	"accept-answer":    "the answer to an event is about to be written",

	"execution-claimed":  "an execution is taken, and its first step has not begun",
	"execution-finish":   "the last step has ended, and the end of the execution is not recorded",
	"execution-finished": "the end of the execution is recorded",
	"step-begun":         "a step is recorded as begun, unless it only computes, and nothing was called yet",
	"step-called":        "the step's action has done what it does, and nothing of it is recorded",
	"step-completed":     "the step's result is recorded, unless the step only computes",

	"schedule-due":   "the time of a flow has come, and nothing of that is on disk",
	"schedule-fired": "the time is taken and its execution on disk, and nobody knows it yet",

	"deploy-begun":     "a deployment is recorded as running, and none of its flows has begun",
	"intent-recorded":  "it is recorded that an object will be created in another system, and no call was made yet",
	"update-recorded":  "it is recorded what an object was before an update, and no call was made yet",
	"deploy-commit":    "the deploy flows have succeeded, and the switch to the new generation is about to be committed",
	"deploy-committed": "the new generation serves, and what it supersedes is still there",
	"rollback-begun":   "it is recorded that a deployment is rolled back, and nothing is undone yet",
	"rollback-finish":  "everything is undone, and the deployment is not recorded as failed",
	"undo-begin":       "an object in another system is about to be removed",
	"undo-called":      "the other system has removed an object, and that is not recorded",
	"undo-settled":     "it is recorded that an object was removed",
	"removal-begun":    "an instance is out of service, and nothing of it is removed in other systems",
	"removal-finish":   "everything of an instance is removed in other systems, and the end of that is not recorded",
}

// The promises that a binary with faults can break.
const (
	// AckBeforeCommit answers a webhook before its event is on disk.
	AckBeforeCommit = "ack-before-commit"
	// SyncNormal lets SQLite commit without syncing its log.
	SyncNormal = "sync-normal"
	// IgnoreFull answers a webhook as taken though there is no room on the disk for its event.
	IgnoreFull = "ignore-full"
	// NoLedger keeps no record of what deployments create in other systems.
	NoLedger = "no-ledger"
	// NoKeys gives every attempt of a step an idempotency key of its own.
	NoKeys = "no-keys"
	// FireApart starts a flow by the clock in one step, and takes its time in another one.
	FireApart = "fire-apart"
	// ForgetComputed does not record, before a step that reads or writes, what was computed for it.
	ForgetComputed = "forget-computed"
	// KeepAtOnce keeps at once what is to wait for a deployment.
	KeepAtOnce = "keep-at-once"
	// Unbound gives code a process that does not end with the server.
	Unbound = "unbound"
)
