package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

// process is a process for scripts, seen from the program.
type process struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	tail   *tail
	bounds []string

	tenant string // whom it has served; "": nobody yet
	broken bool   // it can serve no more

	kill    func()        // ends it; any number of times
	overdue atomic.Bool   // it was ended since a script took too long
	ended   chan struct{} // closed when it has

	reading sync.Mutex // held while something is read from it
	pipe    *os.File   // that is read from
}

// How long a process may take to be ready, and beyond a script's own time to say that this is over.
const (
	startTimeout = 20 * time.Second // machines are loaded
	grace        = 250 * time.Millisecond
)

// maxFrameOut is how long a frame of a process may be: its reply holds the result once more, as a text in JSON.
func maxFrameOut(kind frameKind) int {
	switch kind {
	case frameReady:
		return 16 << 10
	case frameLog:
		return 4*MaxLogLine + 1
	case frameAsk:
		return 16 << 10
	case frameDone:
		return 2*MaxOutput + 64<<10
	default:
		return -1
	}
}

// start starts a process. It is not ready yet: whoever wants it awaits that.
func start(name string, memory int64) (*process, error) {
	p := &process{tail: &tail{}, ended: make(chan struct{})}
	p.cmd = exec.Command(name, childArgument) //nolint:noctx // it outlives who asked for it, and the pool ends it
	p.cmd.Args[0] = "headrace-sandbox"
	p.cmd.Env = []string{"TZ=UTC"}
	p.cmd.Dir = "/"
	p.cmd.SysProcAttr = bind()
	p.cmd.Stderr = p.tail
	p.cmd.WaitDelay = time.Second // whoever else holds its standard error then holds a closed pipe
	// Not exec's own pipe: that is closed as soon as the process has ended, with the reply still in it.
	pipe, theirs, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	p.pipe, p.out, p.cmd.Stdout = pipe, bufio.NewReaderSize(pipe, 16<<10), theirs
	if p.in, err = p.cmd.StdinPipe(); err == nil {
		err = launch(p.cmd)
	}
	if err != nil {
		return nil, errors.Join(err, pipe.Close())
	}
	p.kill = sync.OnceFunc(func() {
		_ = p.cmd.Process.Kill() // that it has ended already is as well
		_ = p.in.Close()
	})
	if err := p.send(frameReady, memory); err != nil {
		p.kill()
	}
	return p, nil
}

// wait takes leave of a process that has ended or was killed. It is called once.
func (p *process) wait() {
	_ = p.cmd.Wait() // how it ended is in its state
	close(p.ended)
	p.reading.Lock()
	defer p.reading.Unlock()
	_ = p.pipe.Close() // all was read that anyone wanted
}

// ready waits until a process has locked itself in.
func (p *process) ready() error {
	p.reading.Lock()
	defer p.reading.Unlock()
	late := time.AfterFunc(startTimeout, p.kill)
	defer late.Stop()
	kind, payload, err := readFrame(p.out, maxFrameOut)
	if err != nil {
		return fmt.Errorf("a process for scripts did not start: %w: %s", err, p.tail)
	}
	var hello ready
	if err := json.Unmarshal(payload, &hello); err != nil || kind != frameReady {
		return fmt.Errorf("a process for scripts started with a frame %q that says nothing", byte(kind))
	}
	if hello.Err != "" {
		return fmt.Errorf("a process for scripts did not start: %s", hello.Err)
	}
	p.bounds = hello.Bounds
	return nil
}

func (p *process) send(kind frameKind, content any) error {
	payload, err := json.Marshal(content)
	if err != nil {
		return err
	}
	return writeFrame(p.in, kind, payload)
}

// run has the process run a script. A process that is broken afterwards is of no more use.
func (p *process) run(ctx context.Context, r request, timeout time.Duration, s *session) (reply, error) {
	p.reading.Lock()
	defer p.reading.Unlock()
	r.Timeout = int64(timeout)
	late := time.AfterFunc(timeout+grace, func() {
		p.overdue.Store(true)
		p.kill()
	})
	stop := context.AfterFunc(ctx, p.kill)
	answer, err := p.exchange(ctx, r, s)
	// Where the end came together with the reply, nothing more is to be had of it.
	inTime, stillWanted := late.Stop(), stop()
	p.broken = err != nil || answer.Spent || !inTime || !stillWanted
	if err != nil {
		p.kill()
	}
	return answer, err
}

// errGone says that a process ended before it said a word: it was idle, most probably, and something had just ended it. Within so short a
// time the run is given to another one, so often.
var errGone = errors.New("the process had ended")

const (
	graceGone = time.Second
	maxTries  = 3
)

// exchange sends a request and does what the process asks for until it has replied.
func (p *process) exchange(ctx context.Context, r request, s *session) (reply, error) {
	if err := p.send(frameRun, r); err != nil {
		return reply{}, fmt.Errorf("%w: %w", errGone, err)
	}
	for silent := true; ; silent = false {
		kind, payload, err := readFrame(p.out, maxFrameOut)
		if silent && errors.Is(err, io.EOF) {
			return reply{}, fmt.Errorf("%w: %w", errGone, err)
		}
		if err != nil {
			return reply{}, err
		}
		switch kind {
		case frameLog:
			if len(payload) == 0 {
				return reply{}, errors.New("a line of a log without a level")
			}
			s.log(payload[0], string(payload[1:]))
		case frameAsk:
			answer, err := s.answer(ctx, string(payload))
			if err != nil {
				return reply{}, err
			}
			if err := writeFrame(p.in, frameAnswer, answer); err != nil {
				return reply{}, err
			}
		case frameDone:
			var answer reply
			if err := json.Unmarshal(payload, &answer); err != nil {
				return reply{}, fmt.Errorf("a reply that is none: %w", err)
			}
			return answer, nil
		default:
			return reply{}, fmt.Errorf("a frame %q where none is due", byte(kind))
		}
	}
}

// tail keeps the end of what a process writes to its standard error: what Go says of itself when it gives up. No script can write there.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const maxTail = 2048

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := maxTail - len(t.text); room > 0 {
		t.text = append(t.text, b[:min(room, len(b))]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	first, _, _ := bytes.Cut(bytes.TrimSpace(t.text), []byte("\n"))
	return string(first)
}

func (t *tail) outOfMemory() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Contains(t.text, []byte("out of memory")) || bytes.Contains(t.text, []byte("cannot allocate memory"))
}
