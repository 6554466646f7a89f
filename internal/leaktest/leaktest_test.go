package leaktest

import (
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { Main(m) }

// TestWhatIsJustEndingIsWaitedFor has a goroutine end when goleak has given up long since.
func TestWhatIsJustEndingIsWaitedFor(t *testing.T) {
	end := make(chan struct{})
	go func() { <-end }()
	if goleak.Find() == nil {
		t.Fatal("what does not end is not seen")
	}
	time.AfterFunc(time.Second, func() { close(end) })
	if err := Await(); err != nil {
		t.Error(err)
	}
}
