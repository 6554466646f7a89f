// Package sandbox runs JavaScript that people wrote, in processes of its own: the program's binary, started once more with nothing to
// hold on to. A process serves one customer in its life, and every run has a fresh global scope. What is promised and how it is
// proved is in docs/sandbox.md.
//
// A program that opens a Pool calls Main first thing in main, and a test in TestMain.
// It must not know components, flows or storage: a run gets values and gives one back.
package sandbox

import (
	"context"
	"fmt"
	"time"
)

// Script is what is to be run, and for whom.
type Script struct {
	// Tenant is the customer it is run for. No process serves two.
	Tenant string
	// Form says what Code is and what becomes of it.
	Form Form
	// Code is a module, or the body of a function, for Step; for the other forms there are only Functions.
	Code string
	// Functions are JavaScript expressions that are functions. Which ones there must be depends on the form.
	Functions []Function
	// Values are in the scope of Code by their names.
	Values []Named
	// Steps are the keys of stepResults. What one stands for is fetched as "step/" and its key when the script looks at it.
	Steps []string
	// Trigger is the one of Steps that is the trigger's: its headers are found in any case.
	Trigger string
	// States are the properties of the context that hold what flows keep. Each is fetched as "state/" and its name when the script
	// looks at it.
	States []string
	// Fetch returns what a script looks at; nil where there is nothing to fetch. It is called by the goroutine that called Run.
	Fetch func(ctx context.Context, name string) (any, error)
	// Log takes what the script logs, while it runs. Nil: nobody does.
	Log func(level Level, message string)
	// Timeout is how long it may run, if that is less than the pool allows.
	Timeout time.Duration
}

// Form is the kind of a script.
type Form string

// The forms of scripts.
const (
	// Step is the code of a step: a module that exports a function of context and stepResults, or the body of such a function.
	Step Form = "step"
	// Filter keeps those of the value items that the function filter likes.
	Filter Form = "filter"
	// Map makes of each of the value items what the function transform gives; the function filter, if there is one, chooses before.
	Map Form = "map"
	// Sort orders the value items by the function compare.
	Sort Form = "sort"
)

// Function is a JavaScript expression that is a function.
type Function struct {
	Name string // filter, transform or compare
	Code string
}

// Named is a value and what it is called.
type Named struct {
	Name  string
	Value any // a value (see package value)
}

// Level is how much a line of a log matters.
type Level string

// The levels.
const (
	Debug Level = "debug"
	Info  Level = "info"
	Warn  Level = "warn"
	Error Level = "error"
)

// Result is what a script came to.
type Result struct {
	Data   any      // a value
	Branch string   // the branch the script chose; "": none
	State  []Change // of what flows keep, in the order in which the script looked at them
}

// Change is a key of what flows keep that a script has set or removed.
type Change struct {
	State   string // one of the script's States
	Key     string
	Value   any // a value
	Removed bool
}

// Kind is what went wrong with a script.
type Kind string

// The kinds of failures.
const (
	Syntax   Kind = "SYNTAX"   // it is no JavaScript, or not in the right form
	Thrown   Kind = "THROWN"   // it threw something, or said that it failed
	TooLong  Kind = "TOO_LONG" // it did not end in time
	TooMuch  Kind = "TOO_MUCH" // it used more memory, or gave a larger result, than it may
	Broken   Kind = "BROKEN"   // its process ended, or wrote what no process of ours writes
	Unusable Kind = "UNUSABLE" // no process can be had
)

// Failure is an error that says how a script failed. Its message is for people.
type Failure struct {
	Kind    Kind
	Message string
	Line    int // where in the code, from 1; 0: nobody knows
	Column  int
}

func (f *Failure) Error() string { return f.Message }

func failf(kind Kind, format string, args ...any) *Failure {
	return &Failure{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// The bounds of what crosses between a script and the program.
const (
	MaxCode    = 1 << 20  // bytes of all code of a script
	MaxInput   = 32 << 20 // bytes of all values that a script is given
	MaxOutput  = 8 << 20  // bytes of what it gives back
	MaxValues  = 1 << 20  // texts, numbers, lists and so on in what it gives back
	MaxLogs    = 1000     // lines
	MaxLogLine = 8192     // characters of one: twice what is kept of it, so that no secret is cut in two before it is hidden
)

// Options says how much scripts may take. The zero value of each means its default.
type Options struct {
	Processes int           // that customers may have, besides one that stands ready; default 8
	PerTenant int           // of them, that one customer may hold at the same time; default half of Processes
	Timeout   time.Duration // of one run; default 10 s
	Memory    int64         // bytes that a script may use; default 128 MiB
}

// The defaults of Options.
const (
	DefaultProcesses = 8
	DefaultTimeout   = 10 * time.Second
	DefaultMemory    = 128 << 20
)

func (o Options) withDefaults() Options {
	if o.Processes <= 0 {
		o.Processes = DefaultProcesses
	}
	if o.PerTenant <= 0 {
		o.PerTenant = max(1, o.Processes/2)
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Memory <= 0 {
		o.Memory = DefaultMemory
	}
	return o
}
