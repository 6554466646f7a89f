package api

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/headrace/headrace/internal/ipaas"
)

// wellKnown checks protobuf's own messages, which have a JSON of their own.
func (s *shape) wellKnown(path string, md protoreflect.MessageDescriptor, depth int) error {
	switch md.Name() {
	case "Value":
		return s.any(path, depth)
	case "Struct":
		begin := s.dec.InputOffset()
		if err := s.any(path, depth); err != nil {
			return err
		}
		if rest := bytes.TrimLeft(s.text[begin:], " \t\r\n,:"); len(rest) > 0 && rest[0] != '{' && !bytes.HasPrefix(rest, []byte("null")) {
			s.refuse(path, ipaas.ReasonWrongType, "must be an object")
		}
		return nil
	}
	token, err := s.dec.Token()
	if err != nil || token == nil {
		return err
	}
	text, ok := token.(string)
	switch {
	case md.Name() == "Timestamp":
		if _, err := time.Parse(time.RFC3339Nano, text); !ok || err != nil {
			s.refuse(path, ipaas.ReasonWrongType, `must be a moment, e.g. "2026-01-31T12:00:00Z", not %s`, tokenName(token))
		}
	case md.Name() == "Duration":
		number, seconds := strings.CutSuffix(text, "s")
		if f, err := strconv.ParseFloat(number, 64); !ok || !seconds || err != nil || math.Abs(f) > 315_576_000_000 ||
			strings.Trim(number, "-.0123456789") != "" {
			s.refuse(path, ipaas.ReasonWrongType, `must be seconds with an s, e.g. "90s", not %s`, tokenName(token))
		}
	case !ok:
		s.wrongType(path, "text", token)
	}
	return s.skipRest(token, depth)
}

// maxShapePath bounds the paths of what stands in a value: there may be very many below long keys.
const maxShapePath = 1 << 10

// any passes over any value and refuses what no google.protobuf.Value can hold.
func (s *shape) any(path string, depth int) error {
	if depth > maxJSONDepth {
		return errTooDeep
	}
	token, err := s.dec.Token()
	if err != nil {
		return err
	}
	if number, ok := token.(json.Number); ok {
		if f, err := number.Float64(); err != nil || math.IsInf(f, 0) {
			s.refuse(path, ipaas.ReasonWrongType, "%s is beyond every 64-bit float: send it as JSON text in the field for that", shorten(number.String()))
		}
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	seen := map[string]bool{}
	for i := 0; s.dec.More(); i++ {
		at := path // that of what is around it where it would grow without end
		if delim == '[' && len(path) < maxShapePath {
			at = indexPath(path, i)
		}
		if delim == '{' {
			key, err := s.key()
			if err != nil {
				return err
			}
			if len(path)+len(key) < maxShapePath {
				at = keyPath(path, key)
			}
			if seen[key] {
				s.refuse(at, ipaas.ReasonDuplicate, "stands twice: keep one")
			}
			seen[key] = true
		}
		if err := s.any(at, depth+1); err != nil {
			return err
		}
	}
	_, err = s.dec.Token()
	return err
}
