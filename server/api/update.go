package api

import (
	"context"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// resource is a message that is read, changed and sent back.
type resource interface {
	proto.Message
	GetId() string
	GetEtag() string
}

// update is what an update request says: of which resource, seen in which revision, which fields become what.
type update struct {
	id   string
	base int64
	mask mask
	src  proto.Message
}

// newUpdate checks that body, mask and etag fit the resource that the path names.
func newUpdate(ctx context.Context, fields *fieldmaskpb.FieldMask, src resource, s subject) (update, error) {
	var d decoding
	d.add(sameID(s.id, src.GetId()))
	m, err := updateMask(ctx, fields, src)
	d.add(err)
	if err := d.err(); err != nil {
		return update{}, err
	}
	revision, err := base(src.GetEtag(), s)
	if err != nil {
		return update{}, err
	}
	return update{id: s.id, base: revision, mask: m, src: src}, nil
}

// merge sets in dst what the request changes. A resource that is only now created gets everything that was sent.
func (u update) merge(dst proto.Message, created bool) {
	if created {
		setPaths(u.src.ProtoReflect()).merge(dst, u.src)
		return
	}
	u.mask.merge(dst, u.src)
}
