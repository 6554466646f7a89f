package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/headrace/headrace/internal/ipaas"
)

// maxJSONDepth is how deep a body may nest.
const maxJSONDepth = 100

// A shape holds JSON text against a message and collects everything that does not fit, each with its path. protojson would stop at
// the first and name no path.
type shape struct {
	decoding
	dec    *json.Decoder
	text   []byte
	root   string // what the text is called where it has no path
	strict bool   // refuse fields that only the server sets instead of ignoring them
}

// checkShape returns what is wrong with JSON text that is to become a message. root is what the text is called where it has no path.
func checkShape(text []byte, md protoreflect.MessageDescriptor, root string, strict bool) []ipaas.Violation {
	if !utf8.Valid(text) {
		return []ipaas.Violation{violation(root, ipaas.ReasonMalformed, "is not UTF-8: send UTF-8")}
	}
	s := &shape{dec: json.NewDecoder(bytes.NewReader(text)), text: text, root: root, strict: strict}
	s.dec.UseNumber()
	err := s.message("", md, 0)
	if errors.Is(err, errEnough) {
		return s.violations
	}
	if err == nil {
		if _, err = s.dec.Token(); errors.Is(err, io.EOF) {
			return s.violations
		}
		if err == nil {
			err = errors.New("something follows after the end of the value")
		}
	}
	// What fits so far is told, too: the trouble with the syntax may be the last of several.
	return append(s.violations, violation(root, ipaas.ReasonMalformed, "is not JSON: %s", s.where(err)))
}

// where adds the place to a syntax error.
func (s *shape) where(err error) string {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "the text ends too early: close every brace, bracket and quote"
	}
	offset := s.dec.InputOffset()
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		offset = syntax.Offset
	}
	before := s.text[:min(max(offset, 0), int64(len(s.text)))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len(before) - bytes.LastIndexByte(before, '\n') - 1
	return fmt.Sprintf("%v (line %d, column %d)", err, line, max(column, 1))
}

// errEnough ends the check of a text in which more is wrong than anyone mends at a time.
var errEnough = errors.New("enough is wrong")

var errTooDeep = fmt.Errorf("it nests deeper than %d levels: flatten it", maxJSONDepth)

func (s *shape) message(path string, md protoreflect.MessageDescriptor, depth int) error {
	if depth > maxJSONDepth {
		return errTooDeep
	}
	if isWellKnown(md) {
		return s.wellKnown(path, md, depth)
	}
	token, err := s.dec.Token()
	if err != nil {
		return err
	}
	if token == nil && depth > 0 {
		return nil
	}
	if token != json.Delim('{') {
		s.wrongType(path, "an object with the fields of "+string(md.Name()), token)
		return s.skipRest(token, depth)
	}
	seen := map[protoreflect.Name]bool{}
	for s.dec.More() {
		key, err := s.key()
		if err != nil {
			return err
		}
		if err := s.field(path, key, md, seen, depth); err != nil {
			return err
		}
		if len(s.violations) >= maxCollected {
			return errEnough
		}
	}
	_, err = s.dec.Token()
	return err
}

func (s *shape) key() (string, error) {
	token, err := s.dec.Token()
	if err != nil {
		return "", err
	}
	key, _ := token.(string)
	return key, nil
}

// field checks one key of an object and its value.
func (s *shape) field(path, key string, md protoreflect.MessageDescriptor, seen map[protoreflect.Name]bool, depth int) error {
	fd := md.Fields().ByJSONName(key)
	if fd == nil {
		fd = md.Fields().ByTextName(key)
	}
	if fd == nil && s.strict && path == "" && key == definitionKindKey {
		return s.kind(md)
	}
	if fd == nil {
		key = shorten(key)
		s.refuse(keyPath(path, key), ipaas.ReasonUnknownField, "is no field of %s: %s", md.Name(), s.suggest(key, md))
		return s.skip(depth)
	}
	at := joinPath(path, fd.JSONName())
	if seen[fd.Name()] {
		s.refuse(at, ipaas.ReasonDuplicate, "stands twice: keep one")
	}
	seen[fd.Name()] = true
	if of := fd.ContainingOneof(); of != nil && !of.IsSynthetic() {
		for i := range of.Fields().Len() {
			if other := of.Fields().Get(i); other != fd && seen[other.Name()] {
				s.refuse(at, ipaas.ReasonMisplaced, "cannot stand beside %s: keep one of them", other.JSONName())
			}
		}
	}
	if s.strict && serverOnly(fd) {
		s.refuse(at, ipaas.ReasonReadOnly, "is set by the server alone: leave it out")
		return s.skip(depth)
	}
	switch {
	case fd.IsMap():
		return s.mapping(at, fd, depth+1)
	case fd.IsList():
		return s.list(at, fd, depth+1)
	}
	return s.single(at, fd, depth+1, true)
}

// kind checks by which name a file says what it describes.
func (s *shape) kind(md protoreflect.MessageDescriptor) error {
	token, err := s.dec.Token()
	if err != nil {
		return err
	}
	if token != string(md.Name()) {
		s.refuse(definitionKindKey, ipaas.ReasonNotAChoice, "must be %s, not %s: this is no place for anything else", md.Name(), tokenName(token))
	}
	return s.skipRest(token, 1)
}

// serverOnly reports whether a field does not belong into a definition that people write.
func serverOnly(fd protoreflect.FieldDescriptor) bool {
	return outputOnly(fd) || fd.Name() == "etag" || fd.Name() == "position"
}

func (s *shape) mapping(path string, fd protoreflect.FieldDescriptor, depth int) error {
	token, err := s.dec.Token()
	if err != nil || token == nil {
		return err
	}
	if token != json.Delim('{') {
		s.wrongType(path, "an object: keys and values", token)
		return s.skipRest(token, depth)
	}
	seen := map[string]bool{}
	for s.dec.More() {
		key, err := s.key()
		if err != nil {
			return err
		}
		at := keyPath(path, key)
		if seen[key] {
			s.refuse(at, ipaas.ReasonDuplicate, "stands twice: keep one")
		}
		seen[key] = true
		if err := s.single(at, fd.MapValue(), depth+1, false); err != nil {
			return err
		}
	}
	_, err = s.dec.Token()
	return err
}

func (s *shape) list(path string, fd protoreflect.FieldDescriptor, depth int) error {
	token, err := s.dec.Token()
	if err != nil || token == nil {
		return err
	}
	if token != json.Delim('[') {
		s.wrongType(path, "a list", token)
		return s.skipRest(token, depth)
	}
	for i := 0; s.dec.More(); i++ {
		if err := s.single(indexPath(path, i), fd, depth+1, false); err != nil {
			return err
		}
	}
	_, err = s.dec.Token()
	return err
}

// single checks one value. null stands for a field that is not set, but not for an element of a list or map.
func (s *shape) single(path string, fd protoreflect.FieldDescriptor, depth int, nullable bool) error {
	if fd.Message() != nil {
		if !nullable && fd.Message().FullName() != "google.protobuf.Value" && s.nextIsNull() {
			s.refuse(path, ipaas.ReasonWrongType, "must be %s, not null: leave it out", kindName(fd))
		}
		return s.message(path, fd.Message(), depth)
	}
	token, err := s.dec.Token()
	if err != nil {
		return err
	}
	if token == nil && nullable {
		return nil
	}
	if trouble := scalarTrouble(fd, token); trouble != "" {
		reason := ipaas.ReasonWrongType
		if _, ok := token.(string); ok && fd.Enum() != nil {
			reason = ipaas.ReasonNotAChoice
		}
		s.refuse(path, reason, "%s", trouble)
	}
	return s.skipRest(token, depth)
}

func (s *shape) nextIsNull() bool {
	rest := bytes.TrimLeft(s.text[s.dec.InputOffset():], " \t\r\n,:")
	return bytes.HasPrefix(rest, []byte("null"))
}

func (s *shape) wrongType(path, want string, token json.Token) {
	if path == "" {
		path = s.root
	}
	s.refuse(path, ipaas.ReasonWrongType, "must be %s, not %s", want, tokenName(token))
}

// skip passes over the next value.
func (s *shape) skip(depth int) error {
	token, err := s.dec.Token()
	if err != nil {
		return err
	}
	return s.skipRest(token, depth)
}

// skipRest passes over what belongs to a value whose first token was read.
func (s *shape) skipRest(token json.Token, depth int) error {
	if token != json.Delim('{') && token != json.Delim('[') {
		return nil
	}
	for open := 1; open > 0; {
		token, err := s.dec.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			if open++; open+depth > maxJSONDepth {
				return errTooDeep
			}
		case json.Delim('}'), json.Delim(']'):
			open--
		}
	}
	return nil
}
