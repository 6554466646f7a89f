package api

import (
	"strconv"
	"strings"
)

// mapFields are the fields whose next path segment is a key that people chose: it keeps its spelling.
var mapFields = map[string]bool{
	"labels": true, "headers": true, "query": true, "inputs": true, "config_values": true, "configValues": true,
	"values": true, "component_versions": true, "componentVersions": true,
}

// restPath spells a field path as REST callers write it: display_name becomes displayName. Keys of maps keep their spelling.
func restPath(path string) string {
	if !strings.Contains(path, "_") {
		return path
	}
	segments := splitPath(path)
	for i, segment := range segments {
		if i > 0 && mapFields[segments[i-1]] {
			continue
		}
		name, subscript, _ := strings.Cut(segment, "[")
		if len(name) < len(segment) {
			subscript = "[" + subscript
		}
		segments[i] = camel(name) + subscript
	}
	return strings.Join(segments, ".")
}

// splitPath splits a path at the dots that stand outside brackets and backticks.
func splitPath(path string) []string {
	var segments []string
	depth, quoted, begin := 0, false, 0
	for i := range len(path) {
		switch c := path[i]; {
		case c == '`':
			quoted = !quoted
		case quoted:
		case c == '[':
			depth++
		case c == ']':
			depth--
		case c == '.' && depth <= 0:
			segments = append(segments, path[begin:i])
			begin = i + 1
		}
	}
	return append(segments, path[begin:])
}

// camel spells a name in lower camel case.
func camel(name string) string {
	var b strings.Builder
	up := false
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '_' && i > 0:
			up = true
		case up && 'a' <= c && c <= 'z':
			b.WriteByte(c - 'a' + 'A')
			up = false
		default:
			b.WriteByte(c)
			up = false
		}
	}
	return b.String()
}

// snake spells a name with underscores.
func snake(name string) string {
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			if i > 0 {
				b.WriteByte('_')
			}
			c += 'a' - 'A'
		}
		b.WriteByte(c)
	}
	return b.String()
}

// joinPath puts a dot between two parts of a path where one is needed.
func joinPath(prefix, path string) string {
	switch {
	case prefix == "":
		return path
	case path == "":
		return prefix
	case path[0] == '[':
		return prefix + path
	}
	return prefix + "." + path
}

// indexPath is the path of an element of a list.
func indexPath(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// keyPath is the path of a value in a map.
func keyPath(path, key string) string {
	if plainKey(key) {
		return joinPath(path, key)
	}
	return path + "[" + strconv.Quote(key) + "]"
}

func plainKey(key string) bool {
	return key != "" && strings.Trim(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}
