package sandbox

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"modernc.org/quickjs"
)

// prelude is what a script finds around it beside the language.
//
//go:embed prelude.js
var prelude string

// library is the part of it that most scripts never look at.
//
//go:embed library.js
var library string

// preludeLine is the line that the prelude is said to begin on, far below where scripts end: so a place in a stack is known to be
// ours or the script's.
const preludeLine = 1 << 16

// machine is a fresh global scope. It serves one run.
type machine struct {
	vm    *quickjs.VM
	enter quickjs.Value // the function the prelude gave back
	code  *bytecode
	world world

	memory int64 // what the script may use
	size   int64 // what the process had taken before

	ended  bool // the script came to an end, and the reply says which
	reply  reply
	broken error // the pipe is
}

// world is what a run has of it.
type world struct {
	log func(level Level, message string) error
	ask func(name string) (string, error)
}

// gcThreshold is how much is in use when garbage is first looked for. With the engine's own bound it is while the prelude is evaluated.
const gcThreshold = 4 << 20

// bytecode is what every machine is given, compiled once in the life of a process.
type bytecode struct{ prelude, library []byte }

func (c *bytecode) compile(vm *quickjs.VM) (err error) {
	below := strings.Repeat("\n", preludeLine)
	if c.prelude, err = vm.Compile(below+prelude, quickjs.EvalGlobal); err == nil {
		c.library, err = vm.Compile(below+library, quickjs.EvalGlobal)
	}
	return err
}

// newMachine makes a machine. code is kept from one machine for the next; the first one compiles it.
func newMachine(memory int64, code *bytecode) (*machine, error) {
	vm, err := quickjs.NewVM()
	if err != nil {
		return nil, fmt.Errorf("start the JavaScript engine: %w", err)
	}
	vm.SetMemoryLimit(uintptr(memory))
	vm.SetGCThreshold(gcThreshold)
	m := &machine{vm: vm, code: code, memory: memory, size: dataSize()}
	if err := vm.RegisterHostFunc("host", m.host); err != nil {
		return nil, fmt.Errorf("give the prelude its process: %w", err)
	}
	if code.prelude == nil {
		if err := code.compile(vm); err != nil {
			return nil, fmt.Errorf("compile the prelude: %w", err)
		}
	}
	if m.enter, err = vm.EvalBytecodeValue(code.prelude); err != nil {
		return nil, fmt.Errorf("run the prelude: %w", err)
	}
	return m, nil
}

func (m *machine) close() {
	m.enter.Free()
	_ = m.vm.Close() // the reply is under way, and the next run has another machine
}

// run runs a script to its end. The error says that the pipe is broken.
func (m *machine) run(r request, w world) (reply, error) {
	m.world = w
	until := time.Now().Add(time.Duration(r.Timeout))
	arguments := []any{"run", ""}
	var free []quickjs.Value
	defer func() {
		for _, v := range free {
			v.Free()
		}
	}()
	var names []string
	for _, f := range functions(r) {
		made, failed := m.compile(f, until)
		if failed != nil {
			return *failed, m.broken
		}
		free = append(free, made)
		names, arguments = append(names, f.Name), append(arguments, made)
	}
	text, err := json.Marshal(struct {
		request
		Code      string   `json:"code,omitempty"`
		Functions []string `json:"functions,omitempty"`
		Names     []string `json:"names"`
	}{request: r, Names: names})
	if err != nil {
		return reply{}, err
	}
	arguments[1] = string(text)
	if failed := m.drive(until, arguments...); failed != nil {
		return *failed, m.broken
	}
	for !m.ended && m.broken == nil {
		wait, failed := m.tick(until)
		if failed != nil {
			return *failed, m.broken
		}
		if wait < 0 {
			failed := reply{Kind: Thrown, Text: "it waits for a promise that nothing will ever settle: resolve it, or return without it"}
			if m.size != 0 {
				m.outOfMemory(&failed) // what was to settle it had none
			}
			return failed, m.broken
		}
		if !m.ended && wait > 0 {
			time.Sleep(min(wait, time.Until(until)+time.Millisecond))
		}
	}
	return m.reply, m.broken
}

// codeHead and codeTail make of the code of a step a function of what is in its scope that gives the code as a function, so that the
// code may use the names for variables of its own.
const (
	codeHead = "(function (context, stepResults, data, configVars, logger) { return (async function (module, exports, require) { "
	codeTail = "\n}); })"
	exprHead = "( "
	exprTail = "\n)"
)

type source struct {
	Function
	head, tail string
}

func functions(r request) []source {
	if r.Form == Step {
		return []source{{Function: Function{Name: "code", Code: r.Code}, head: codeHead, tail: codeTail}}
	}
	all := make([]source, len(r.Functions))
	for i, f := range r.Functions {
		f.Code = strings.TrimRight(f.Code, "; \t\r\n")
		all[i] = source{Function: f, head: exprHead, tail: exprTail}
	}
	return all
}

// compile makes a function of code.
func (m *machine) compile(s source, until time.Time) (quickjs.Value, *reply) {
	if failed := m.limit(until); failed != nil {
		return quickjs.UndefinedValue, failed
	}
	made, err := m.vm.EvalValue(s.head+s.Code+s.tail, quickjs.EvalGlobal)
	if err == nil {
		return made, nil
	}
	failed := m.failure(err, until)
	if s.Name != "code" {
		failed.In = s.Name
	}
	var e *quickjs.Error
	if errors.As(err, &e) && e.LineNumber > 0 {
		failed.Kind, failed.Frames = Syntax, []codeFrame{{Line: e.LineNumber, Column: e.ColumnNumber}}
	}
	correct(failed, len(s.head))
	unmatched(failed, s.Code)
	return quickjs.UndefinedValue, failed
}

// drive enters the prelude and lets promises come to their ends.
func (m *machine) drive(until time.Time, arguments ...any) *reply {
	_, failed := m.call(until, arguments...)
	return failed
}

// tick runs the next timer, if it is due, and returns how long it is to the one after it; less than 0: there is none.
func (m *machine) tick(until time.Time) (time.Duration, *reply) {
	next, failed := m.call(until, "tick")
	if failed != nil {
		return 0, failed
	}
	switch n := next.(type) {
	case int:
		return time.Duration(n) * time.Millisecond, nil
	case float64:
		return time.Duration(n * float64(time.Millisecond)), nil
	default:
		return -1, nil
	}
}

func (m *machine) call(until time.Time, arguments ...any) (any, *reply) {
	if failed := m.limit(until); failed != nil {
		return nil, failed
	}
	given, err := m.enter.Call(quickjs.UndefinedValue, arguments...)
	if err != nil {
		return nil, m.failure(err, until)
	}
	for !m.ended && m.broken == nil {
		if failed := m.limit(until); failed != nil {
			return nil, failed
		}
		n, err := m.vm.ExecutePendingJobs()
		if err != nil {
			return nil, m.failure(err, until)
		}
		if n == 0 {
			break
		}
	}
	return given, nil
}

// limit gives the engine the time that is left.
func (m *machine) limit(until time.Time) *reply {
	left := time.Until(until)
	if left <= 0 {
		return &reply{Kind: TooLong, Spent: true}
	}
	if err := m.vm.SetEvalTimeout(left); err != nil {
		return &reply{Kind: Broken, Text: err.Error(), Spent: true}
	}
	return nil
}

// failure says what an error of the engine is.
func (m *machine) failure(err error, until time.Time) *reply {
	if m.ended {
		return &m.reply
	}
	if !time.Now().Before(until) {
		return &reply{Kind: TooLong, Spent: true}
	}
	var e *quickjs.Error
	if !errors.As(err, &e) {
		return &reply{Kind: Broken, Text: err.Error(), Spent: true}
	}
	failed := thrown(e.Name, e.Message, e.Stack)
	if e.Error() == "null" {
		m.outOfMemory(&failed)
	}
	return &failed
}

// host is what the prelude calls. What it returns goes to the prelude, what it fails with is thrown there.
func (m *machine) host(arguments []any) (any, error) {
	text := func(i int) string {
		if i < len(arguments) {
			if s, ok := arguments[i].(string); ok {
				return s
			}
		}
		return ""
	}
	if m.ended || m.broken != nil {
		return nil, errors.New("the run is over")
	}
	switch text(0) {
	case "ask":
		answer, err := m.world.ask(text(1))
		if err != nil {
			m.broken = err
			return nil, err
		}
		return answer, nil
	case "log":
		m.broken = m.world.log(Level(text(1)), text(2))
		return "", m.broken
	case "done":
		m.done(text(1))
		return "", nil
	case "failed":
		m.failed(text(1))
		return "", nil
	case "intl":
		return "", m.addIntl()
	case "library":
		return "", m.addLibrary()
	default:
		return assist(text, arguments)
	}
}

// addLibrary gives the prelude the rest of what a script may look at.
func (m *machine) addLibrary() error {
	made, err := m.vm.EvalBytecodeValue(m.code.library)
	if err != nil {
		return err
	}
	defer made.Free()
	_, err = m.enter.Call(quickjs.UndefinedValue, "library", made)
	return err
}

func (m *machine) done(text string) {
	m.ended = true
	if len(text) > MaxOutput {
		m.reply = reply{Kind: TooMuch, Text: fmt.Sprintf("its result is %d bytes: return at most %d", len(text), MaxOutput)}
		return
	}
	m.reply = reply{Result: text}
}
