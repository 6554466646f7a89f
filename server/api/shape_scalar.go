package api

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

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
