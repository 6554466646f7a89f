package main

import (
	"os"
	"testing"
	"time"
)

// TestAStoppedServerHasNoFileOpen counts files and connections over whole lives of a server. It runs alone.
func TestAStoppedServerHasNoFileOpen(t *testing.T) {
	live := func() int {
		s := serveOn(t, t.TempDir())
		s.stop()
		return openFiles(t)
	}
	first := live() // it may open what stays open for the life of the process
	live()
	third := live()
	for end := time.Now().Add(time.Minute); third > first && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		third = openFiles(t) // the system may still be closing connections of the client
	}
	if third > first {
		t.Errorf("open after the first life are %d, and after the third %d", first, third)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
