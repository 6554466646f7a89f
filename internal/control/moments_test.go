package control_test

import "os"

// strideOfMoments is how far it is from one moment that a test of all moments tries to the next. A soak tries every one; else most are
// left out, and under the race detector, with which the store is many times slower, more of them.
func strideOfMoments() int {
	switch {
	case os.Getenv("HEADRACE_SOAK") != "":
		return 1
	case underRace:
		return 9
	default:
		return 3
	}
}
