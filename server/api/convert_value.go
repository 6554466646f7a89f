package api

import (
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// valueError says why a protobuf value is none of ours.
type valueError struct {
	reason  ipaas.Reason
	message string
}

// valueFromProto turns a protobuf value into an exact one. Keys are sorted: a Struct has no order.
func valueFromProto(v *structpb.Value, depth int) (any, *valueError) {
	if depth > value.MaxDepth {
		return nil, &valueError{ipaas.ReasonTooDeep, fmt.Sprintf("nests deeper than %d levels: flatten it", value.MaxDepth)}
	}
	switch kind := v.GetKind().(type) {
	case *structpb.Value_NullValue:
		return nil, nil
	case *structpb.Value_BoolValue:
		return kind.BoolValue, nil
	case *structpb.Value_StringValue:
		return kind.StringValue, nil
	case *structpb.Value_NumberValue:
		if math.IsNaN(kind.NumberValue) || math.IsInf(kind.NumberValue, 0) {
			return nil, &valueError{ipaas.ReasonMalformed, "is no number JSON has: send a finite one"}
		}
		return value.FromFloat(kind.NumberValue), nil
	case *structpb.Value_ListValue:
		list := make([]any, 0, len(kind.ListValue.GetValues()))
		for _, item := range kind.ListValue.GetValues() {
			exact, err := valueFromProto(item, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, exact)
		}
		return list, nil
	case *structpb.Value_StructValue:
		return objectFromProto(kind.StructValue, depth)
	}
	return nil, &valueError{ipaas.ReasonMalformed, "is an empty google.protobuf.Value: set one of its kinds, null_value for null"}
}

func objectFromProto(s *structpb.Struct, depth int) (any, *valueError) {
	keys := make([]string, 0, len(s.GetFields()))
	for key := range s.GetFields() {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	object := value.Obj()
	for _, key := range keys {
		exact, err := valueFromProto(s.GetFields()[key], depth+1)
		if err != nil {
			return nil, err
		}
		object.Set(key, exact)
	}
	return object, nil
}

// valueToProto turns an exact value into a protobuf one, as near as that can come: numbers become floats, those beyond every float
// the text of their digits, bytes base64 text.
func valueToProto(v any) *structpb.Value {
	switch v := v.(type) {
	case nil:
		return structpb.NewNullValue()
	case bool:
		return structpb.NewBoolValue(v)
	case string:
		return structpb.NewStringValue(strings.ToValidUTF8(v, "\uFFFD"))
	case value.Number:
		if f, ok := v.Float64(); ok && !math.IsInf(f, 0) && !math.IsNaN(f) {
			return structpb.NewNumberValue(f)
		}
		return structpb.NewStringValue(v.String())
	case []any:
		list := make([]*structpb.Value, len(v))
		for i, item := range v {
			list[i] = valueToProto(item)
		}
		return structpb.NewListValue(&structpb.ListValue{Values: list})
	case *value.Object:
		return structpb.NewStructValue(structToProto(v))
	case value.Bytes:
		return structpb.NewStringValue(base64.StdEncoding.EncodeToString(v.Data))
	}
	panic(fmt.Sprintf("api: %T is outside the closed set of values", v))
}

func structToProto(o *value.Object) *structpb.Struct {
	fields := make(map[string]*structpb.Value, o.Len())
	for key, v := range o.All() {
		fields[strings.ToValidUTF8(key, "\uFFFD")] = valueToProto(v)
	}
	return &structpb.Struct{Fields: fields}
}

// jsonToProto turns JSON text into a protobuf value, nil for "".
func jsonToProto(text string) *structpb.Value {
	if text == "" {
		return nil
	}
	v, err := value.Parse([]byte(text))
	if err != nil {
		// Only what parsed was ever stored.
		panic("api: a stored value is not JSON: " + err.Error())
	}
	return valueToProto(v)
}

// shown is a stored result as an answer shows it: near, exact, and, for bytes, what they are.
type shown struct {
	value       any
	near        *structpb.Value
	json        string
	contentType string
}

// maxNear is the most bytes of JSON that are shown as a protobuf value, too: there they take thirty times as much memory.
const maxNear = 256 << 10

// show reads a value in the storage form, "" for none.
func show(stored string) (shown, error) {
	if stored == "" {
		return shown{}, nil
	}
	v, err := value.Decode([]byte(stored))
	if err != nil {
		return shown{}, fmt.Errorf("read a stored value: %w", err)
	}
	out := shown{value: v, json: string(value.JSON(v))}
	if len(out.json) <= maxNear {
		out.near = valueToProto(v)
	}
	if bytes, ok := v.(value.Bytes); ok {
		out.contentType = bytes.ContentType
	}
	return out, nil
}

// timeToProto returns nil for the zero time.
func timeToProto(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// timeFromProto returns the zero time for nil.
func timeFromProto(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

// between returns how long something took, nil while it has not begun or not ended.
func between(start, end time.Time) *durationpb.Duration {
	if start.IsZero() || end.IsZero() {
		return nil
	}
	return durationpb.New(end.Sub(start))
}

// textOrBytes returns a body as text if it is text, else as bytes.
func textOrBytes(body []byte) (string, []byte) {
	if utf8.Valid(body) {
		return string(body), nil
	}
	return "", body
}

// count turns a count of ours into one of the wire. Counts never come near the bound.
func count(n int) int32 { return int32(min(max(n, math.MinInt32), math.MaxInt32)) }
