//go:build faults

package sqldb

import (
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/fault"
)

// tampered returns the settings with what a fault test wants broken.
func tampered(s settings) settings {
	s = slices.Clone(s)
	for promise, replaced := range map[string]string{
		fault.SyncNormal:   "synchronous(NORMAL)",
		fault.NoCheckpoint: "wal_autocheckpoint(0)",
	} {
		if !fault.Broken(promise) {
			continue
		}
		pragma, _, _ := strings.Cut(replaced, "(")
		for i := range s {
			if strings.HasPrefix(s[i], pragma+"(") {
				s[i] = replaced
			}
		}
	}
	return s
}
