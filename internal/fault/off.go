//go:build !faults

package fault

import "time"

// Now is what the clock says.
func Now() time.Time { return time.Now() }

// Point does nothing.
func Point(string) {}

// Broken is false: what is promised is kept.
func Broken(string) bool { return false }
