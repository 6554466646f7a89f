//go:build !faults

package fault

// Point does nothing.
func Point(string) {}

// Broken is false: what is promised is kept.
func Broken(string) bool { return false }
