//go:build !faults

package main

import (
	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/storage"
)

// tampered returns the store as it is: only a build for fault tests tampers with it.
func tampered(s storage.Store) storage.Store { return s }

// tamperedScripts returns what runs code as it is.
func tamperedScripts(s component.Scripts) component.Scripts { return s }

// tamperedComponents returns the components as they are.
func tamperedComponents(c []*component.Component) []*component.Component { return c }
