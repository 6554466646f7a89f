package api

import (
	"context"

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
