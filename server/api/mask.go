package api

import (
	"context"
	"slices"
	"strings"

	"go.einride.tech/aip/fieldmask"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/headrace/headrace/internal/ipaas"
)

// bodyMask is the metadata key by which the gateway says that an update mask was made from the keys of the body.
const bodyMask = "headrace-body-mask"

// left lists the fields that a BASIC view leaves out. An empty one in a body without a mask may come from such a view, so it does not
// clear the field; naming it in the mask does.
var left = map[protoreflect.Name]bool{
	"flows": true, "config_variables": true, "config_pages": true, "documentation": true,
	"connection_types": true, "actions": true, "config_values": true,
}

// mask is the fields of a resource that an update changes.
type mask struct {
	paths [][]protoreflect.FieldDescriptor
	// keys of config_values that are named one by one, and whether the whole map is named.
	keys []string
	all  bool
}

// updateMask says what an update changes: what the mask names; all for `*`; without a mask the fields that are set. Where the
// gateway made the mask of a REST body, a field is set if its key is there, be it empty.
func updateMask(ctx context.Context, m *fieldmaskpb.FieldMask, resource proto.Message) (mask, error) {
	message := resource.ProtoReflect()
	paths := slices.DeleteFunc(slices.Clone(m.GetPaths()), func(path string) bool { return path == "" })
	switch {
	case len(metadata.ValueFromIncomingContext(ctx, bodyMask)) > 0:
		return bodyPaths(paths, message), nil
	case len(paths) == 0:
		return setPaths(message), nil
	case slices.Contains(paths, fieldmask.WildcardPath):
		if len(paths) > 1 {
			return mask{}, invalid(violation("update_mask", ipaas.ReasonMalformed, "holds * beside other fields: send * alone for all"))
		}
		out := mask{all: true}
		for _, fd := range updatable(message.Descriptor()) {
			out.paths = append(out.paths, []protoreflect.FieldDescriptor{fd})
		}
		return out, nil
	}
	return explicitPaths(paths, message.Descriptor())
}

// setPaths are the fields that are set.
func setPaths(message protoreflect.Message) mask {
	var out mask
	for _, fd := range updatable(message.Descriptor()) {
		if message.Has(fd) {
			out.paths = append(out.paths, []protoreflect.FieldDescriptor{fd})
		}
	}
	return out
}

// bodyPaths are the fields whose keys stand in a body.
func bodyPaths(paths []string, message protoreflect.Message) mask {
	var out mask
	for _, fd := range updatable(message.Descriptor()) {
		present := slices.ContainsFunc(paths, func(path string) bool {
			name, _, _ := strings.Cut(path, ".")
			return name == string(fd.Name())
		})
		if present && (message.Has(fd) || !left[fd.Name()]) {
			out.paths = append(out.paths, []protoreflect.FieldDescriptor{fd})
		}
	}
	return out
}

// explicitPaths are the fields a mask names.
func explicitPaths(paths []string, md protoreflect.MessageDescriptor) (mask, error) {
	var out mask
	var d decoding
	for _, path := range paths {
		segments := splitPath(path)
		if first, ok := fieldNamed(md, segments[0]); ok && first.IsMap() && first.Name() == "config_values" {
			if len(segments) > 1 {
				out.keys = append(out.keys, strings.Trim(strings.Join(segments[1:], "."), "`"))
				continue
			}
			out.all = true
		}
		fds, trouble := resolve(segments, md)
		if trouble != "" {
			d.refuse("update_mask", ipaas.ReasonUnknownField, "%s %s", path, trouble)
			continue
		}
		if len(fds) > 0 {
			out.paths = append(out.paths, fds)
		}
	}
	if out.all && len(out.keys) > 0 {
		d.refuse("update_mask", ipaas.ReasonMalformed, "names config_values and some of them: name the one or the others")
	}
	return out, d.err()
}

// resolve finds the fields of a path, none for id and etag, which may be named and change nothing.
func resolve(segments []string, md protoreflect.MessageDescriptor) ([]protoreflect.FieldDescriptor, string) {
	var fds []protoreflect.FieldDescriptor
	for i, segment := range segments {
		fd, ok := fieldNamed(md, segment)
		switch {
		case !ok:
			return nil, "is no field of " + string(md.Name()) + ": it has " + fieldList(md)
		case outputOnly(fd):
			return nil, "is set by the server alone: leave it out of the mask"
		case i == 0 && (fd.Name() == "id" || fd.Name() == "etag"):
			return nil, ""
		case i < len(segments)-1 && (fd.IsMap() || fd.IsList() || fd.Message() == nil || isWellKnown(fd.Message())):
			return nil, "goes into a list, a map or a value, which can only be replaced whole: name " + strings.Join(segments[:i+1], ".")
		}
		fds = append(fds, fd)
		md = fd.Message()
	}
	return fds, ""
}

func fieldNamed(md protoreflect.MessageDescriptor, name string) (protoreflect.FieldDescriptor, bool) {
	fd := md.Fields().ByName(protoreflect.Name(name))
	if fd == nil {
		fd = md.Fields().ByJSONName(name)
	}
	return fd, fd != nil
}

// fieldList lists the fields that may be changed, for a message.
func fieldList(md protoreflect.MessageDescriptor) string {
	var names []string
	for _, fd := range updatable(md) {
		names = append(names, string(fd.Name()))
	}
	return strings.Join(names, ", ")
}

// updatable returns the fields a caller may change.
func updatable(md protoreflect.MessageDescriptor) []protoreflect.FieldDescriptor {
	var out []protoreflect.FieldDescriptor
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		if !outputOnly(fd) && fd.Name() != "id" && fd.Name() != "etag" {
			out = append(out, fd)
		}
	}
	return out
}

func outputOnly(fd protoreflect.FieldDescriptor) bool {
	return hasBehavior(fd, annotations.FieldBehavior_OUTPUT_ONLY)
}

func hasBehavior(fd protoreflect.FieldDescriptor, behavior annotations.FieldBehavior) bool {
	behaviors, _ := proto.GetExtension(fd.Options(), annotations.E_FieldBehavior).([]annotations.FieldBehavior)
	return slices.Contains(behaviors, behavior)
}

// isWellKnown reports whether a message is one of protobuf's own, which is a value and not a set of fields.
func isWellKnown(md protoreflect.MessageDescriptor) bool {
	return md != nil && md.ParentFile().Package() == "google.protobuf"
}

// has reports whether the mask names a field of the resource.
func (m mask) has(name protoreflect.Name) bool {
	return slices.ContainsFunc(m.paths, func(path []protoreflect.FieldDescriptor) bool { return path[0].Name() == name })
}

// merge sets in dst what the mask names to what it is in src. Lists, maps and values are replaced whole.
func (m mask) merge(dst, src proto.Message) {
	for _, path := range m.paths {
		mergePath(dst.ProtoReflect(), src.ProtoReflect(), path)
	}
}

func mergePath(dst, src protoreflect.Message, path []protoreflect.FieldDescriptor) {
	fd := path[0]
	switch {
	case len(path) == 1 && src.Has(fd):
		dst.Set(fd, src.Get(fd))
	case len(path) == 1:
		dst.Clear(fd)
	case src.Has(fd):
		mergePath(dst.Mutable(fd).Message(), src.Get(fd).Message(), path[1:])
	case dst.Has(fd):
		// Nothing was sent for the message around it, so the field is to be empty.
		mergePath(dst.Mutable(fd).Message(), src.Get(fd).Message(), path[1:])
	}
}
