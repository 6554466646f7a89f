//go:build !faults

package sqldb

// tampered returns the settings as they are: only a build for fault tests tampers with them.
func tampered(s settings) settings { return s }
