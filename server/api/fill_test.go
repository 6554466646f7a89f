package api

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/headrace/headrace/internal/config"
	"github.com/headrace/headrace/internal/ipaas"
)

// A filler sets every field of a message or a struct to something of its own, so that a converter that forgets a field is caught.
type filler struct {
	n       int
	variant int // which field of each oneof is set
}

func (f *filler) next() int { f.n++; return f.n }

// message fills a message. Messages that hold themselves are filled two levels deep.
func (f *filler) message(m protoreflect.Message, depth map[protoreflect.FullName]int) {
	name := m.Descriptor().FullName()
	if depth[name] >= 2 {
		return
	}
	depth[name]++
	defer func() { depth[name]-- }()
	for i := range m.Descriptor().Fields().Len() {
		fd := m.Descriptor().Fields().Get(i)
		if of := fd.ContainingOneof(); of != nil && !of.IsSynthetic() && of.Fields().Get(f.variant%of.Fields().Len()) != fd {
			continue
		}
		f.field(m, fd, depth)
	}
}

func (f *filler) field(m protoreflect.Message, fd protoreflect.FieldDescriptor, depth map[protoreflect.FullName]int) {
	switch {
	case fd.IsMap():
		out := m.Mutable(fd).Map()
		for range 2 {
			key := protoreflect.ValueOfString(fmt.Sprintf("key%d", f.next())).MapKey()
			if fd.MapValue().Message() != nil {
				f.message(out.Mutable(key).Message(), depth)
				continue
			}
			out.Set(key, f.scalar(fd.MapValue()))
		}
	case fd.IsList():
		out := m.Mutable(fd).List()
		for range 2 {
			if fd.Message() != nil {
				if depth[fd.Message().FullName()] < 2 {
					f.message(out.AppendMutable().Message(), depth)
				}
				continue
			}
			out.Append(f.scalar(fd))
		}
	case fd.Message() == nil:
		m.Set(fd, f.scalar(fd))
	case depth[fd.Message().FullName()] < 2:
		if !f.known(m.Mutable(fd).Message()) {
			f.message(m.Mutable(fd).Message(), depth)
		}
	}
}

// known fills the messages that are values.
func (f *filler) known(m protoreflect.Message) bool {
	switch value := m.Interface().(type) {
	case *structpb.Value:
		proto.Merge(value, structpb.NewStringValue(fmt.Sprintf("value %d", f.next())))
	case *timestamppb.Timestamp:
		value.Seconds = 1_700_000_000 + int64(f.next())
	case *durationpb.Duration:
		value.Seconds = int64(f.next())
	default:
		return false
	}
	return true
}

func (f *filler) scalar(fd protoreflect.FieldDescriptor) protoreflect.Value {
	switch fd.Kind() {
	case protoreflect.StringKind:
		if strings.Contains(string(fd.Name()), "json") {
			return protoreflect.ValueOfString(fmt.Sprintf(`{ "digits": 1.%d0 }`, f.next()))
		}
		return protoreflect.ValueOfString(fmt.Sprintf("text %d", f.next()))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte{byte(f.next()), 0xff})
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(1 + f.next()%(fd.Enum().Values().Len()-1)))
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(int64(f.next()))
	}
	return protoreflect.ValueOfInt32(int32(f.next()))
}

// words of ipaas that mean something, by type.
var sampleWords = map[reflect.Type]string{
	reflect.TypeFor[ipaas.ComponentKind](): "DECLARATIVE", reflect.TypeFor[ipaas.FieldType](): "NUMBER",
	reflect.TypeFor[ipaas.Collection](): "LIST", reflect.TypeFor[ipaas.Effect](): "READ",
	reflect.TypeFor[ipaas.ConfigType](): "CONNECTION", reflect.TypeFor[ipaas.InstanceKind](): "TEST",
	reflect.TypeFor[ipaas.InstanceState](): "ACTIVE", reflect.TypeFor[ipaas.PauseMode](): "REFUSE",
	reflect.TypeFor[ipaas.FailurePolicy](): "KEEP", reflect.TypeFor[ipaas.DeploymentState](): "FAILED",
	reflect.TypeFor[ipaas.RegistrationState](): "CREATED", reflect.TypeFor[ipaas.ChangeKind](): "KEPT",
	reflect.TypeFor[ipaas.ExecutionState](): "FAILED", reflect.TypeFor[ipaas.InvokeType](): "WEBHOOK",
	reflect.TypeFor[ipaas.StepState](): "FAILED", reflect.TypeFor[ipaas.Severity](): "WARN",
	reflect.TypeFor[ipaas.OrderingScope](): "KEY", reflect.TypeFor[ipaas.FailureEffect](): "BLOCK",
	reflect.TypeFor[ipaas.FlowSecurity](): "ORGANIZATION", reflect.TypeFor[ipaas.ErrorEffect](): "RETRY", reflect.TypeFor[ipaas.EndpointType](): "SHARED",
	reflect.TypeFor[ipaas.BodyKind](): "text", reflect.TypeFor[config.Source](): "INSTANCE",
}

// value fills a Go value. Texts are JSON texts, so that they fit where one is asked for.
func (f *filler) value(t testing.TB, v reflect.Value, depth int) {
	t.Helper()
	if depth > 12 {
		return
	}
	if word, ok := sampleWords[v.Type()]; ok {
		v.SetString(word)
		return
	}
	switch v.Type() {
	case reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Unix(1_700_000_000+int64(f.next()), 0).UTC()))
		return
	case reflect.TypeFor[ipaas.Input]():
		v.Set(reflect.ValueOf(f.input(depth)))
		return
	case reflect.TypeFor[ipaas.Schedule](): // one of three ways to say when
		when := []ipaas.Schedule{{Cron: "0 5 * * *"}, {Every: time.Hour}, {ConfigVariable: "Sync Schedule"}}[f.next()%3]
		when.TimeZone, when.Singleton = "Europe/Berlin", true
		v.Set(reflect.ValueOf(when))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf(`"text %d"`, f.next()))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint8:
		if v.Type() == reflect.TypeFor[time.Duration]() {
			v.SetInt(int64(f.next()) * int64(time.Second))
			return
		}
		if v.Kind() == reflect.Uint8 {
			v.SetUint(uint64(f.next() % 128))
			return
		}
		v.SetInt(int64(f.next()))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.value(t, v.Elem(), depth+1)
	case reflect.Slice:
		if depth > 7 && v.Type().Elem().Kind() == reflect.Struct {
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			f.value(t, v.Index(i), depth+1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 2 {
			key, item := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			f.value(t, key, depth+1)
			f.value(t, item, depth+1)
			v.SetMapIndex(key, item)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			f.value(t, v.Field(i), depth+1)
		}
	default:
		t.Fatalf("the filler does not know %s", v.Type())
	}
}

// input makes an expression with every field that its kind has.
func (f *filler) input(depth int) ipaas.Input {
	if depth > 8 {
		return ipaas.Input{Kind: ipaas.InputReference, Text: "trigger.results", Name: fmt.Sprintf("name %d", f.next())}
	}
	from := f.input(depth + 4)
	return ipaas.Input{
		Kind: ipaas.InputComplex, Name: fmt.Sprintf("name %d", f.next()), NameFrom: &from,
		Items: []ipaas.Input{
			{Kind: ipaas.InputValue, Text: `"a"`},
			{Kind: ipaas.InputJSON, Text: `1.00`},
			{Kind: ipaas.InputTemplate, Text: "{{$a.b}}"},
			{Kind: ipaas.InputConfigVariable, Text: "Endpoint"},
			f.input(depth + 4),
		},
	}
}

func filled[T any](t testing.TB) T {
	t.Helper()
	var out T
	new(filler).value(t, reflect.ValueOf(&out).Elem(), 0)
	return out
}

// empties lists the fields of a message, and of all below it, that are not set.
func empties(m protoreflect.Message, path string) []string {
	var out []string
	for i := range m.Descriptor().Fields().Len() {
		fd := m.Descriptor().Fields().Get(i)
		at := joinPath(path, string(fd.Name()))
		if of := fd.ContainingOneof(); !m.Has(fd) {
			if of == nil || of.IsSynthetic() || m.WhichOneof(of) == nil {
				out = append(out, at)
			}
			continue
		}
		switch {
		case fd.Message() == nil || isWellKnown(fd.Message()):
		case fd.IsMap():
			if fd.MapValue().Message() == nil || isWellKnown(fd.MapValue().Message()) {
				continue
			}
			m.Get(fd).Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
				out = append(out, empties(v.Message(), at)...)
				return false
			})
		case fd.IsList():
			out = append(out, empties(m.Get(fd).List().Get(0).Message(), at)...)
		default:
			out = append(out, empties(m.Get(fd).Message(), at)...)
		}
	}
	return out
}
