//go:build unix

package main

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestInterruptedWhileItReads interrupts a command that waits for its input, which nothing but the end of the program ends.
func TestInterruptedWhileItReads(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0], "as the program", "validate", "-")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is in its state
		close(ended)
	}()
	late := time.NewTimer(30 * time.Second)
	defer late.Stop()
	for again := time.NewTicker(500 * time.Millisecond); ; { // it may not have begun to listen to signals
		select {
		case <-ended:
			again.Stop()
			if cmd.ProcessState.Success() {
				t.Error("it ended as if all was well")
			}
			return
		case <-again.C:
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				continue // it has just ended
			}
		case <-late.C:
			_ = cmd.Process.Kill() // the test fails anyway
			<-ended
			t.Fatal("it did not end in 30 s, however often it was interrupted")
		}
	}
}
