package sandbox

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// What goes over the pipes of a process is frames: a kind, a length, so many bytes.
type frameKind byte

const (
	// To the process.
	frameRun    frameKind = 'R' // a request
	frameAnswer frameKind = 'A' // what it asked for, in the storage form of values

	// From it.
	frameReady frameKind = 'H' // a ready: it has locked itself in
	frameLog   frameKind = 'L' // the first letter of a level, and the line
	frameAsk   frameKind = 'Q' // the name of what the script looks at
	frameDone  frameKind = 'D' // a reply: the run is over
)

const frameHead = 5

// writeFrame writes a frame at once, so that the other side is woken once.
func writeFrame(w io.Writer, kind frameKind, payload []byte) error {
	frame := make([]byte, frameHead, frameHead+len(payload))
	frame[0] = byte(kind)
	binary.BigEndian.PutUint32(frame[1:], uint32(len(payload)))
	_, err := w.Write(append(frame, payload...))
	return err
}

// readFrame reads a frame whose payload is no longer than most says for its kind; an unknown kind has no length at all. Memory is
// taken for what has come, not for what a head promises.
func readFrame(r *bufio.Reader, most func(frameKind) int) (frameKind, []byte, error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	kind, size := frameKind(head[0]), int64(binary.BigEndian.Uint32(head[1:]))
	if limit := int64(most(kind)); size > limit {
		return kind, nil, &oversizeError{kind: kind, size: size, limit: limit}
	}
	var payload bytes.Buffer
	if _, err := io.CopyN(&payload, r, size); err != nil {
		if err == io.EOF { //nolint:errorlint // CopyN returns it bare
			err = io.ErrUnexpectedEOF
		}
		return kind, nil, err
	}
	return kind, payload.Bytes(), nil
}

// oversizeError says that a frame is longer than it may be, or of no kind that is known.
type oversizeError struct {
	kind        frameKind
	size, limit int64
}

func (e *oversizeError) Error() string {
	return fmt.Sprintf("a frame %q of %d bytes, of which at most %d are taken", byte(e.kind), e.size, e.limit)
}

// request is what a process is told to run.
type request struct {
	Form      Form        `json:"form"`
	Code      string      `json:"code,omitempty"`
	Functions []Function  `json:"functions,omitempty"`
	Values    []valueText `json:"values,omitempty"`
	Steps     []string    `json:"steps,omitempty"`
	Trigger   string      `json:"trigger,omitempty"`
	States    []string    `json:"states,omitempty"`
	Timeout   int64       `json:"timeout"` // nanoseconds
}

// valueText is a value in the storage form.
type valueText struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// ready is what a process says of itself before it takes a request.
type ready struct {
	Bounds []string `json:"bounds"` // what holds it, in the words of docs/sandbox.md
	Err    string   `json:"err,omitempty"`
}

// reply is how a run ended.
type reply struct {
	Result string      `json:"result,omitempty"` // an object with data, branch, failed, error and states, in the storage form
	Kind   Kind        `json:"kind,omitempty"`   // of the failure; "": it ended well
	Name   string      `json:"name,omitempty"`   // of what was thrown
	Text   string      `json:"text,omitempty"`
	In     string      `json:"in,omitempty"`     // the function it failed in; "": the code
	Frames []codeFrame `json:"frames,omitempty"` // where in the code, the innermost first
	Spent  bool        `json:"spent,omitempty"`  // the process ends now
}
