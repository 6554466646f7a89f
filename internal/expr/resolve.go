package expr

import (
	"slices"

	"github.com/headrace/headrace/internal/value"
)

// maxLookups bounds what following one path may try. Data would have to be made for it to come near.
const maxLookups = 100_000

// resolver follows a path through a value.
type resolver struct {
	source string
	left   int // look-ups
}

func (p path) resolve(root any) (any, bool) {
	if p.spaces != "" {
		if v, ok := p.spaced().resolve(root); ok {
			return v, true
		}
	}
	r := resolver{source: p.source, left: maxLookups}
	return r.find(root, p.segments)
}

// spaced is the path with the spaces behind it as part of its last segment.
func (p path) spaced() path {
	segments := slices.Clone(p.segments)
	last := &segments[len(segments)-1]
	last.text, last.end = last.text+p.spaces, last.end+len(p.spaces)
	return path{source: p.source + p.spaces, segments: segments}
}

// find follows a path. At an object the longest text that is a key wins, so that the name `a.b` is found before `b` in `a`; if that
// leads nowhere, shorter ones are tried.
func (r *resolver) find(v any, path []segment) (any, bool) {
	if len(path) == 0 {
		return v, true
	}
	switch v := v.(type) {
	case *value.Object:
		return r.findKey(v, path)
	case []any:
		i, ok := path[0].index(len(v))
		if !ok {
			return nil, false
		}
		return r.find(v[i], path[1:])
	case value.Bytes:
		return findInBytes(v, path)
	default:
		return nil, false
	}
}

func (r *resolver) findKey(o *value.Object, path []segment) (any, bool) {
	for n := joinable(path); n > 0; n-- {
		if r.left--; r.left < 0 {
			return nil, false
		}
		key := path[0].text
		if n > 1 {
			key = r.source[path[0].start:path[n-1].end]
		}
		v, ok := o.Find(key)
		if !ok {
			continue
		}
		if found, ok := r.find(v, path[n:]); ok {
			return found, true
		}
	}
	return nil, false
}

// joinable returns how many segments from the first on may together be one key: those before the next in quotes.
func joinable(path []segment) int {
	for i, s := range path {
		if s.quoted {
			return max(i, 1)
		}
	}
	return len(path)
}

// findInBytes lets bytes be read as the body they came as: an object with data and a content type.
func findInBytes(b value.Bytes, path []segment) (any, bool) {
	if len(path) > 1 {
		return nil, false
	}
	switch path[0].text {
	case "data":
		return b, true
	case "contentType":
		return b.ContentType, true
	default:
		return nil, false
	}
}
