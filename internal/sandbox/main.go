package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"
	_ "time/tzdata" // time zones of scripts: once it is locked in, a process finds no files
)

// childArgument is what a process is started with that is to run scripts. Nobody types it by accident.
const childArgument = "headrace-sandbox-process"

// mainCalled tells that this program calls Main. One that does not would, started as a process for scripts, do all its work again.
var mainCalled atomic.Bool

// Main serves scripts and never returns, if this process was started for that; else it returns at once. Programs with a Pool call it
// before anything else.
func Main() {
	mainCalled.Store(true)
	if len(os.Args) == 2 && os.Args[1] == childArgument {
		os.Exit(serve(os.Stdin, os.Stdout))
	}
}

// The bounds of a process's life. After so much it is replaced, so that what the engine may have leaked goes with it.
const (
	maxRuns = 1000
	maxCPU  = time.Minute
	hardCPU = 3 * time.Minute // the system ends it
)

// serve is the life of a process for scripts: it locks itself in, and runs what it is told until its input ends. It returns the exit code.
func serve(in io.Reader, out io.Writer) int {
	time.Local = time.UTC
	// Who stops the server with Ctrl-C stops every process of the terminal; the server drains first, and ends these then.
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
	debug.SetTraceback("none")
	requests := make(chan incoming)
	go receive(bufio.NewReader(in), requests)

	memory, err := limits(requests)
	if err != nil {
		return 1
	}
	bounds, err := lockIn(memory)
	hello := ready{Bounds: bounds}
	if err != nil {
		hello.Err = err.Error()
	}
	c := &child{out: out, requests: requests, memory: memory}
	if c.next, err = newMachine(memory, &c.code); err != nil {
		hello.Err = err.Error()
	}
	if err := c.send(frameReady, hello); err != nil || hello.Err != "" {
		return 1
	}
	c.size = dataSize()
	for runs := 1; ; runs++ {
		frame, ok := <-requests
		if !ok {
			return 0
		}
		if frame.kind != frameRun {
			return 1
		}
		if again, err := c.serve(frame.payload, runs); err != nil || !again {
			return 0
		}
	}
}

// incoming is a frame from the program.
type incoming struct {
	kind    frameKind
	payload []byte
}

// receive reads frames. When there are no more the program has ended, and so does this process, whatever a script may be at.
func receive(in *bufio.Reader, frames chan<- incoming) {
	for {
		kind, payload, err := readFrame(in, func(frameKind) int { return maxFrameIn })
		if err != nil {
			os.Exit(0)
		}
		frames <- incoming{kind: kind, payload: payload}
	}
}

// maxFrameIn is the longest frame that a process is sent: all values and all code, and their names around them.
const maxFrameIn = 2*MaxInput + 2*MaxCode

// limits takes the first frame, which says how much memory scripts may use.
func limits(requests <-chan incoming) (int64, error) {
	frame, ok := <-requests
	if !ok || frame.kind != frameReady {
		return 0, errors.New("no limits")
	}
	var memory int64
	err := json.Unmarshal(frame.payload, &memory)
	return memory, err
}

// child is a process for scripts, seen from inside.
type child struct {
	out      io.Writer
	requests <-chan incoming
	memory   int64
	code     bytecode
	next     *machine // made ahead, while nobody waits
	size     int64    // bytes it had taken before its first run
	logs     int      // lines of this run
}

// serve runs one script, and tells whether the process can take another.
func (c *child) serve(payload []byte, runs int) (again bool, err error) {
	var r request
	if err := json.Unmarshal(payload, &r); err != nil {
		return false, err
	}
	m := c.next
	c.next, c.logs = nil, 0
	answer, err := m.run(r, world{log: c.log, ask: c.ask})
	if err != nil {
		return false, err
	}
	answer.Spent = answer.Spent || runs >= maxRuns || cpuTime() > maxCPU
	if !answer.Spent && c.size > 0 && dataSize() > c.size+c.memory {
		answer.Spent = true
	}
	if err := c.send(frameDone, answer); err != nil || answer.Spent {
		return false, err
	}
	m.close()
	c.next, err = newMachine(c.memory, &c.code)
	return true, err
}

func (c *child) send(kind frameKind, content any) error {
	payload, err := json.Marshal(content)
	if err != nil {
		return err
	}
	return writeFrame(c.out, kind, payload)
}

func (c *child) log(level Level, message string) error {
	if c.logs++; c.logs > MaxLogs {
		return nil
	}
	return writeFrame(c.out, frameLog, append([]byte(level[:1]), cutLine(message)...))
}

func (c *child) ask(name string) (string, error) {
	if err := writeFrame(c.out, frameAsk, []byte(name)); err != nil {
		return "", err
	}
	frame, ok := <-c.requests
	if !ok || frame.kind != frameAnswer {
		return "", errors.New("no answer")
	}
	return string(frame.payload), nil
}

// cutLine cuts a line of a log to what is kept of it.
func cutLine(message string) string {
	if len(message) <= MaxLogLine {
		return message
	}
	if runes := []rune(message); len(runes) > MaxLogLine {
		return string(runes[:MaxLogLine])
	}
	return message
}
