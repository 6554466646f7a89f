package api

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
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

// scalarTrouble says why a token is no value of a field, "" if it is one.
func scalarTrouble(fd protoreflect.FieldDescriptor, token json.Token) string {
	want := "must be " + kindName(fd) + ", not " + tokenName(token)
	switch fd.Kind() {
	case protoreflect.StringKind:
		if _, ok := token.(string); !ok {
			if _, number := token.(json.Number); number {
				return want + ": put it in quotes"
			}
			return want
		}
	case protoreflect.BoolKind:
		if _, ok := token.(bool); !ok {
			return want
		}
	case protoreflect.BytesKind:
		text, ok := token.(string)
		if !ok {
			return want
		}
		if !isBase64(text) {
			return "must be base64 text"
		}
	case protoreflect.EnumKind:
		return enumTrouble(fd, token)
	default:
		return integerTrouble(fd, token, want)
	}
	return ""
}

// enumTrouble lets names and the numbers of names pass, as protojson does.
func enumTrouble(fd protoreflect.FieldDescriptor, token json.Token) string {
	values := fd.Enum().Values()
	switch token := token.(type) {
	case string:
		if values.ByName(protoreflect.Name(token)) != nil {
			return ""
		}
	case json.Number:
		if n, err := strconv.ParseInt(token.String(), 10, 32); err == nil && values.ByNumber(protoreflect.EnumNumber(n)) != nil {
			return ""
		}
	}
	var names []string
	for i := range values.Len() {
		if v := values.Get(i); v.Number() != 0 {
			names = append(names, string(v.Name()))
		}
	}
	return "must be one of " + strings.Join(names, ", ") + ", not " + tokenName(token)
}

// integerTrouble lets whole numbers pass, also as text, as protojson does.
func integerTrouble(fd protoreflect.FieldDescriptor, token json.Token, want string) string {
	digits := ""
	switch token := token.(type) {
	case string:
		digits = token
	case json.Number:
		digits = token.String()
	default:
		return want
	}
	limit := math.Ldexp(1, 31)
	if fd.Kind() == protoreflect.Int64Kind {
		limit = math.Ldexp(1, 63)
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil || f != math.Trunc(f) || f < -limit || f >= limit || strings.ContainsAny(digits, "xX_pPiInN") {
		return want
	}
	return ""
}

func isBase64(text string) bool {
	encoding := base64.StdEncoding
	if strings.ContainsAny(text, "-_") {
		encoding = base64.URLEncoding
	}
	if len(text)%4 != 0 {
		encoding = encoding.WithPadding(base64.NoPadding)
	}
	_, err := encoding.DecodeString(text)
	return err == nil
}

// kindName names what a field holds, for messages.
func kindName(fd protoreflect.FieldDescriptor) string {
	switch fd.Kind() {
	case protoreflect.StringKind:
		return "text"
	case protoreflect.BoolKind:
		return "true or false"
	case protoreflect.BytesKind:
		return "base64 text"
	case protoreflect.EnumKind:
		return "a word of " + string(fd.Enum().Name())
	case protoreflect.MessageKind:
		return "an object with the fields of " + string(fd.Message().Name())
	}
	return "a whole number"
}

func tokenName(token json.Token) string {
	switch token := token.(type) {
	case nil:
		return "null"
	case string:
		if len(token) > 40 {
			return "a text of " + strconv.Itoa(len(token)) + " bytes"
		}
		return strconv.Quote(token)
	case json.Number:
		return shorten(token.String())
	case bool:
		return strconv.FormatBool(token)
	case json.Delim:
		if token == '[' {
			return "a list"
		}
	}
	return "an object"
}

func (s *shape) wrongType(path, want string, token json.Token) {
	if path == "" {
		path = s.root
	}
	s.refuse(path, ipaas.ReasonWrongType, "must be %s, not %s", want, tokenName(token))
}

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
		at := indexPath(path, i)
		if delim == '{' {
			key, err := s.key()
			if err != nil {
				return err
			}
			at = keyPath(path, key)
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

// suggest says which field may have been meant, or which there are.
func (s *shape) suggest(key string, md protoreflect.MessageDescriptor) string {
	var names []string
	best, distance := "", 3
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		if s.strict && serverOnly(fd) {
			continue
		}
		names = append(names, fd.JSONName())
		if n := editDistance(strings.ToLower(snake(key)), string(fd.Name())); n < distance {
			best, distance = fd.JSONName(), n
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	return "it has " + strings.Join(names, ", ")
}

// shorten cuts a key that is too long to be a mistyped one.
func shorten(key string) string {
	if len(key) <= maxShownKey {
		return key
	}
	return strings.ToValidUTF8(key[:maxShownKey], "") + "…"
}

// maxShownKey is how many bytes of an unknown key are shown.
const maxShownKey = 60

// editDistance counts how many letters make the difference between two words.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := slices.Clone(row)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(before[j+1]+1, row[j]+1, before[j]+cost)
		}
	}
	return row[len(b)]
}
