package api

import (
	"context"

	"github.com/headrace/headrace/internal/ipaas"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// GetTestInstance implements TestInstanceService.
func (s *services) GetTestInstance(ctx context.Context, req *pb.GetTestInstanceRequest) (*pb.GetTestInstanceResponse, error) {
	in, err := s.store.GetInstance(ctx, ipaas.TestInstanceID(req.GetIntegrationId()))
	if isNotFound(err) {
		return nil, ipaas.Absent("integration", req.GetIntegrationId())
	}
	if err != nil {
		return nil, err
	}
	out, err := s.showInstance(ctx, in, true)
	return &pb.GetTestInstanceResponse{TestInstance: out}, err
}

// UpdateTestInstance implements TestInstanceService.
func (s *services) UpdateTestInstance(ctx context.Context, req *pb.UpdateTestInstanceRequest) (*pb.UpdateTestInstanceResponse, error) {
	id := ipaas.TestInstanceID(req.GetIntegrationId())
	u, err := newUpdate(ctx, req.GetUpdateMask(), req.GetTestInstance(), s.instance(ctx, id))
	if err != nil {
		return nil, err
	}
	var d decoding
	change := d.configChange(u.mask, req.GetTestInstance())
	if err := d.err(); err != nil {
		return nil, err
	}
	in, err := s.plane.UpdateInstance(ctx, id, change, mutation(req, u.base), func(in *ipaas.Instance) error {
		return u.keepsTestInstance(*in)
	})
	if isNotFound(err) {
		return nil, ipaas.Absent("integration", req.GetIntegrationId())
	}
	if err != nil {
		return nil, err
	}
	out, err := s.showInstance(ctx, in, true)
	return &pb.UpdateTestInstanceResponse{TestInstance: out}, err
}

// ResetTestInstance implements TestInstanceService.
func (s *services) ResetTestInstance(ctx context.Context, req *pb.ResetTestInstanceRequest) (*pb.ResetTestInstanceResponse, error) {
	revision, err := base(req.GetEtag(), s.instance(ctx, ipaas.TestInstanceID(req.GetIntegrationId())))
	if err != nil {
		return nil, err
	}
	removal, err := s.plane.ResetTestInstance(ctx, req.GetIntegrationId(), mutation(req, revision))
	if err != nil {
		return nil, err
	}
	out, err := s.showInstance(ctx, removal.Instance, true)
	return &pb.ResetTestInstanceResponse{
		TestInstance: out, Executions: executionsToProto(removal.Executions),
		RemainingRegistrations: registrationsToProto(removal.Remaining),
	}, err
}
