package api

import (
	"context"

	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// GetIntegrationVersion implements IntegrationVersionService.
func (s *services) GetIntegrationVersion(
	ctx context.Context, req *pb.GetIntegrationVersionRequest,
) (*pb.GetIntegrationVersionResponse, error) {
	v, err := s.store.GetIntegrationVersion(ctx, req.GetIntegrationId(), int(req.GetVersion()))
	if err != nil {
		return nil, err
	}
	return &pb.GetIntegrationVersionResponse{IntegrationVersion: versionToProto(v, full(req.GetView(), true))}, nil
}

// ListIntegrationVersions implements IntegrationVersionService.
func (s *services) ListIntegrationVersions(
	ctx context.Context, req *pb.ListIntegrationVersionsRequest,
) (*pb.ListIntegrationVersionsResponse, error) {
	q, err := s.pages.query(req, versionFields)
	if err != nil {
		return nil, err
	}
	page, err := s.store.ListIntegrationVersions(ctx, req.GetIntegrationId(), q)
	if err != nil {
		return nil, err
	}
	resp := &pb.ListIntegrationVersionsResponse{NextPageToken: s.pages.token(req, page.Next)}
	for _, v := range page.Items {
		resp.IntegrationVersions = append(resp.IntegrationVersions, versionToProto(v, full(req.GetView(), false)))
	}
	return resp, nil
}

// DiffIntegrationVersions implements IntegrationVersionService.
func (s *services) DiffIntegrationVersions(
	ctx context.Context, req *pb.DiffIntegrationVersionsRequest,
) (*pb.DiffIntegrationVersionsResponse, error) {
	from, err := s.diffSide(ctx, req, "from", req.GetFrom())
	if err != nil {
		return nil, err
	}
	to, err := s.diffSide(ctx, req, "to", req.GetTo())
	if err != nil {
		return nil, err
	}
	result, err := s.plane.DiffIntegrationVersions(ctx, req.GetIntegrationId(), from, to)
	if err != nil {
		return nil, err
	}
	return diffToProto(result), nil
}

// diffSide reads one of the two definitions that are compared. The earlier one is by itself the newest version.
func (s *services) diffSide(
	ctx context.Context, req *pb.DiffIntegrationVersionsRequest, field string, side *pb.DiffSide,
) (control.DiffSide, error) {
	switch is := side.GetSide().(type) {
	case *pb.DiffSide_Version:
		return control.DiffSide{Version: int(is.Version)}, nil
	case *pb.DiffSide_Draft:
		return control.DiffSide{}, nil
	case *pb.DiffSide_Definition:
		def, id, violations, err := s.readDefinition(is.Definition)
		if err != nil {
			return control.DiffSide{}, err
		}
		if len(violations) == 0 {
			if err := sameID(req.GetIntegrationId(), id); err != nil {
				return control.DiffSide{}, err
			}
			return control.DiffSide{Definition: &def}, nil
		}
		for i := range violations {
			violations[i].Field = joinPath(field, violations[i].Field)
		}
		return control.DiffSide{}, invalid(violations...)
	}
	if side != nil {
		return control.DiffSide{}, invalid(violation(field, ipaas.ReasonRequired, "is empty: set one of version, draft and definition"))
	}
	if field == "to" {
		return control.DiffSide{}, nil
	}
	in, err := s.store.GetIntegration(ctx, req.GetIntegrationId())
	return control.DiffSide{Version: in.LatestVersion}, err
}
