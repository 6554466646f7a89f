package api

import (
	"context"

	"github.com/headrace/headrace/internal/ipaas"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// GetDeployment implements DeploymentService.
func (s *services) GetDeployment(ctx context.Context, req *pb.GetDeploymentRequest) (*pb.GetDeploymentResponse, error) {
	d, err := s.store.GetDeployment(ctx, req.GetInstanceId(), req.GetDeploymentId())
	if err != nil {
		return nil, err
	}
	out, err := s.showDeployment(ctx, d)
	return &pb.GetDeploymentResponse{Deployment: out}, err
}

// ListDeployments implements DeploymentService.
func (s *services) ListDeployments(ctx context.Context, req *pb.ListDeploymentsRequest) (*pb.ListDeploymentsResponse, error) {
	q, err := s.pages.query(req, deploymentFields)
	if err != nil {
		return nil, err
	}
	page, err := s.store.ListDeployments(ctx, req.GetInstanceId(), q)
	if err != nil {
		return nil, err
	}
	resp := &pb.ListDeploymentsResponse{NextPageToken: s.pages.token(req, page.Next)}
	for _, d := range page.Items {
		out, err := s.showDeployment(ctx, d)
		if err != nil {
			return nil, err
		}
		resp.Deployments = append(resp.Deployments, out)
	}
	return resp, nil
}

// showDeployment shows a deployment with what it did in other systems.
func (s *services) showDeployment(ctx context.Context, d ipaas.Deployment) (*pb.Deployment, error) {
	changes, err := s.plane.DescribeDeployment(ctx, d)
	if err != nil {
		return nil, err
	}
	return deploymentToProto(d, changes), nil
}
