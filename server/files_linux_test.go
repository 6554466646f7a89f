package main

import (
	"os"
	"testing"
)

// TestAStoppedServerHasNoFileOpen counts files and connections over whole lives of a server. It runs alone.
func TestAStoppedServerHasNoFileOpen(t *testing.T) {
	var counts []int
	for range 3 {
		s := serveOn(t, t.TempDir())
		s.stop()
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		counts = append(counts, len(entries))
	}
	if counts[2] > counts[0] { // the first may open what stays open for the life of the process
		t.Errorf("open after each stop: %v", counts)
	}
}
