package main

import (
	"encoding/json"
	"runtime"
	"runtime/debug"
)

type versionCmd struct{}

// Run carries out the command.
func (c *versionCmd) Run(a *app) error {
	version := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		version = info.Main.Version
	}
	if a.format == "table" {
		a.line("headrace %s, %s %s/%s", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return nil
	}
	text, err := json.Marshal(map[string]string{"version": version, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH})
	if err != nil {
		return err
	}
	return a.document(text)
}
