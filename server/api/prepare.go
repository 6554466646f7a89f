package api

import (
	"context"
	"strings"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/headrace/headrace/internal/ipaas"
)

// The headers that REST callers may send instead of fields. gRPC callers may send them as metadata.
const (
	idempotencyKeyHeader = "idempotency-key"
	ifMatchHeader        = "if-match"
)

// prepare moves headers into the fields they stand for, and clears fields that only the server sets: callers send back what they
// have read (AIP-203).
func prepare(ctx context.Context, req proto.Message) error {
	var d decoding
	message := req.ProtoReflect()
	d.fromHeader(ctx, idempotencyKeyHeader, message, "request_id", func(s string) string { return s })
	if holder, prefix := etagHolder(message); holder != nil {
		d.fromHeader(ctx, ifMatchHeader, holder, "etag", opaqueTag)
		if n := len(d.violations); n > 0 && d.violations[n-1].Field == "etag" {
			d.violations[n-1].Field = belowBody(message.Descriptor(), joinPath(prefix, "etag"))
		}
	}
	clearOutputOnly(message)
	return d.err()
}

// fromHeader puts a header into an empty field of a message that has that field.
func (d *decoding) fromHeader(ctx context.Context, header string, message protoreflect.Message, name protoreflect.Name, read func(string) string) {
	fd := message.Descriptor().Fields().ByName(name)
	values := metadata.ValueFromIncomingContext(ctx, header)
	if fd == nil || fd.Kind() != protoreflect.StringKind || len(values) == 0 {
		return
	}
	text := read(values[0])
	switch before := message.Get(fd).String(); {
	case len(values) > 1, strings.Contains(text, ","):
		d.refuse(string(name), ipaas.ReasonMalformed, "the header %s holds more than one value: send one", header)
	case text == "" || text == before:
	case before == "":
		message.Set(fd, protoreflect.ValueOfString(text))
	default:
		d.refuse(string(name), ipaas.ReasonMalformed, "is %q but the header %s says %q: send one of them", before, header, text)
	}
}

// opaqueTag returns what an If-Match header asks for, "" for *, which fits whatever is stored. A proxy may have made the tag a weak one.
func opaqueTag(header string) string {
	header = strings.TrimSpace(header)
	if header == "*" {
		return ""
	}
	return strings.Trim(strings.TrimPrefix(header, "W/"), `"`)
}

// etagHolder returns the message whose etag a request is about: the request itself, or else the resource in it, and its path.
// It returns nil for a request that has no etag, and for one that creates something.
func etagHolder(message protoreflect.Message) (protoreflect.Message, string) {
	fields := message.Descriptor().Fields()
	if fields.ByName("etag") != nil {
		return message, ""
	}
	if strings.HasPrefix(string(message.Descriptor().Name()), "Create") || fields.ByName("request_id") == nil {
		return nil, ""
	}
	for i := range fields.Len() {
		fd := fields.Get(i)
		if fd.Message() != nil && fd.Cardinality() != protoreflect.Repeated && fd.Message().Fields().ByName("etag") != nil &&
			message.Has(fd) {
			return message.Mutable(fd).Message(), string(fd.Name())
		}
	}
	return nil, ""
}

// clearOutputOnly clears the fields that only the server sets, in a message and all below it. A ConfigValue keeps them: they tell
// a value that only repeats what was read from one that is to be set.
func clearOutputOnly(message protoreflect.Message) {
	if message.Descriptor().Name() == "ConfigValue" {
		return
	}
	message.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case outputOnly(fd):
			message.Clear(fd)
		case fd.IsMap() && fd.MapValue().Message() != nil && !isWellKnown(fd.MapValue().Message()):
			v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
				clearOutputOnly(v.Message())
				return true
			})
		case fd.IsList() && fd.Message() != nil && !isWellKnown(fd.Message()):
			for i := range v.List().Len() {
				clearOutputOnly(v.List().Get(i).Message())
			}
		case !fd.IsMap() && !fd.IsList() && fd.Message() != nil && !isWellKnown(fd.Message()):
			clearOutputOnly(v.Message())
		}
		return true
	})
}
