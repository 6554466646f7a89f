package sandbox

import (
	"bufio"
	"bytes"
	"errors"
	"testing"

	"github.com/headrace/headrace/internal/value"
)

// FuzzFrames reads what a process might write: nothing is taken that is longer than it may be, and what is taken can be written again.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("H\x00\x00\x00\x02{}"))
	f.Add([]byte("D\xff\xff\xff\xffx"))
	f.Add([]byte("L\x00\x00\x00\x01"))
	f.Add([]byte("zzzzzzzz"))
	f.Fuzz(func(t *testing.T, data []byte) {
		kind, payload, err := readFrame(bufio.NewReader(bytes.NewReader(data)), maxFrameOut)
		if err != nil {
			return
		}
		if len(payload) > maxFrameOut(kind) {
			t.Fatalf("a frame %q of %d bytes was taken", byte(kind), len(payload))
		}
		var out bytes.Buffer
		if err := writeFrame(&out, kind, payload); err != nil || !bytes.HasPrefix(data, out.Bytes()) {
			t.Fatalf("%q is written as %q, %v", data, out.Bytes(), err)
		}
	})
}

// FuzzReplies makes results of what a process might reply: each is a value, or an error that is the script's.
func FuzzReplies(f *testing.F) {
	f.Add(`{"data":{"$bytes":"aGk=","contentType":"text/plain"},"failed":false,"states":[{"state":"s","key":"k","value":1}]}`)
	f.Add(`{"failed":true,"error":{"a":1}}`)
	f.Add(`{"data":12345678901234567000,"branch":3,"states":[1,null,{"state":"s","removed":true}]}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, text string) {
		pool := &Pool{options: Options{}.withDefaults()}
		s := &session{script: Script{Form: Step, States: []string{"s"}}}
		s.exact.note(value.Number("12345678901234567890"))
		result, err := pool.result(reply{Result: text}, s, 1)
		var failure *Failure
		if err != nil && !errors.As(err, &failure) {
			t.Fatalf("%q gives the error %v", text, err)
		}
		if err == nil {
			if _, err := value.FromGo(result.Data); err != nil {
				t.Fatalf("%q gives what is no value: %v", text, err)
			}
		}
	})
}
