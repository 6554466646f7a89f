//go:build faults

package sqldb

import (
	"slices"

	"github.com/headrace/headrace/internal/fault"
)

// tampered returns the settings with what a fault test wants broken.
func tampered(s settings) settings {
	s = slices.Clone(s)
	if i := slices.Index(s, "synchronous(FULL)"); i >= 0 && fault.Broken(fault.SyncNormal) {
		s[i] = "synchronous(NORMAL)"
	}
	return s
}
