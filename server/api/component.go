package api

import (
	"context"

	"github.com/headrace/headrace/internal/ipaas"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// CreateComponent implements ComponentService.
func (s *services) CreateComponent(ctx context.Context, req *pb.CreateComponentRequest) (*pb.CreateComponentResponse, error) {
	var d decoding
	c := d.component(req.GetComponent())
	if err := d.err(); err != nil {
		return nil, err
	}
	c, err := s.plane.CreateComponent(ctx, c, mutation(req, 0))
	if err != nil {
		return nil, err
	}
	return &pb.CreateComponentResponse{Component: componentToProto(c, true)}, nil
}

// GetComponent implements ComponentService.
func (s *services) GetComponent(ctx context.Context, req *pb.GetComponentRequest) (*pb.GetComponentResponse, error) {
	c, err := s.store.GetComponent(ctx, req.GetComponentId(), int(req.GetVersion()))
	if err != nil {
		return nil, err
	}
	return &pb.GetComponentResponse{Component: componentToProto(c, true)}, nil
}

// ListComponents implements ComponentService.
func (s *services) ListComponents(ctx context.Context, req *pb.ListComponentsRequest) (*pb.ListComponentsResponse, error) {
	q, err := s.pages.query(req, componentFields)
	if err != nil {
		return nil, err
	}
	page, err := s.store.ListComponents(ctx, q)
	if err != nil {
		return nil, err
	}
	resp := &pb.ListComponentsResponse{NextPageToken: s.pages.token(req, page.Next)}
	for _, c := range page.Items {
		resp.Components = append(resp.Components, componentToProto(c, full(req.GetView(), false)))
	}
	return resp, nil
}

// UpdateComponent implements ComponentService.
func (s *services) UpdateComponent(ctx context.Context, req *pb.UpdateComponentRequest) (*pb.UpdateComponentResponse, error) {
	u, err := newUpdate(ctx, req.GetUpdateMask(), req.GetComponent(), s.component(ctx, req.GetComponentId()))
	if err != nil {
		return nil, err
	}
	c, err := s.plane.UpdateComponent(ctx, u.id, mutation(req, u.base), req.GetAllowMissing(), func(c *ipaas.Component) error {
		merged := componentToProto(*c, true)
		u.merge(merged, c.UID == "")
		var d decoding
		*c = d.component(merged)
		return d.err()
	})
	if err != nil {
		return nil, err
	}
	return &pb.UpdateComponentResponse{Component: componentToProto(c, true)}, nil
}

// DeleteComponent implements ComponentService.
func (s *services) DeleteComponent(ctx context.Context, req *pb.DeleteComponentRequest) (*pb.DeleteComponentResponse, error) {
	version, err := base(req.GetEtag(), s.component(ctx, req.GetComponentId()))
	if err != nil {
		return nil, err
	}
	if err := s.plane.DeleteComponent(ctx, req.GetComponentId(), mutation(req, version)); err != nil {
		return nil, err
	}
	return &pb.DeleteComponentResponse{}, nil
}

// component is a component as the subject of an etag, which stands for its version.
func (s *services) component(ctx context.Context, id string) subject {
	return subject{noun: "component", id: id, uid: func() (string, error) {
		c, err := s.store.GetComponent(ctx, id, 0)
		return c.UID, err
	}}
}
