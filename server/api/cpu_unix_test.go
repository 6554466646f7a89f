//go:build unix

package api

import (
	"syscall"
	"testing"
	"time"
)

// cpuTime returns how long this process has computed: on a machine that has other things to do that is less than the time that passes.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
