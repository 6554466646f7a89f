package api

import (
	"context"

	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// CreateUpgrade implements UpgradeService.
func (s *services) CreateUpgrade(ctx context.Context, req *pb.CreateUpgradeRequest) (*pb.CreateUpgradeResponse, error) {
	filter, err := parseFilter(req.GetUpgrade().GetFilter(), instanceFields)
	if err != nil {
		return nil, err
	}
	u, plan, err := s.plane.CreateUpgrade(ctx, upgradeFromProto(req.GetUpgrade()), filter, mutation(req, 0))
	if err != nil {
		return nil, err
	}
	out := upgradeToProto(u)
	if req.GetValidateOnly() {
		out.Plan = upgradeResultsToProto(plan)
	}
	return &pb.CreateUpgradeResponse{Upgrade: out}, nil
}

// GetUpgrade implements UpgradeService.
func (s *services) GetUpgrade(ctx context.Context, req *pb.GetUpgradeRequest) (*pb.GetUpgradeResponse, error) {
	u, err := s.store.GetUpgrade(ctx, req.GetUpgradeId())
	if err != nil {
		return nil, err
	}
	return &pb.GetUpgradeResponse{Upgrade: upgradeToProto(u)}, nil
}

// ListUpgrades implements UpgradeService.
func (s *services) ListUpgrades(ctx context.Context, req *pb.ListUpgradesRequest) (*pb.ListUpgradesResponse, error) {
	q, err := s.pages.query(req, upgradeFields)
	if err != nil {
		return nil, err
	}
	page, err := s.store.ListUpgrades(ctx, q)
	if err != nil {
		return nil, err
	}
	resp := &pb.ListUpgradesResponse{NextPageToken: s.pages.token(req, page.Next)}
	for _, u := range page.Items {
		resp.Upgrades = append(resp.Upgrades, upgradeToProto(u))
	}
	return resp, nil
}

// CancelUpgrade implements UpgradeService.
func (s *services) CancelUpgrade(ctx context.Context, req *pb.CancelUpgradeRequest) (*pb.CancelUpgradeResponse, error) {
	revision, err := base(req.GetEtag(), s.upgrade(ctx, req.GetUpgradeId()))
	if err != nil {
		return nil, err
	}
	u, err := s.plane.CancelUpgrade(ctx, req.GetUpgradeId(), mutation(req, revision))
	if err != nil {
		return nil, err
	}
	return &pb.CancelUpgradeResponse{Upgrade: upgradeToProto(u)}, nil
}

// ResumeUpgrade implements UpgradeService.
func (s *services) ResumeUpgrade(ctx context.Context, req *pb.ResumeUpgradeRequest) (*pb.ResumeUpgradeResponse, error) {
	revision, err := base(req.GetEtag(), s.upgrade(ctx, req.GetUpgradeId()))
	if err != nil {
		return nil, err
	}
	u, err := s.plane.ResumeUpgrade(ctx, req.GetUpgradeId(), mutation(req, revision))
	if err != nil {
		return nil, err
	}
	return &pb.ResumeUpgradeResponse{Upgrade: upgradeToProto(u)}, nil
}

// ListUpgradeResults implements UpgradeService.
func (s *services) ListUpgradeResults(ctx context.Context, req *pb.ListUpgradeResultsRequest) (*pb.ListUpgradeResultsResponse, error) {
	q, err := s.pages.query(req, upgradeResultFields)
	if err != nil {
		return nil, err
	}
	page, err := s.store.ListUpgradeResults(ctx, req.GetUpgradeId(), q)
	if err != nil {
		return nil, err
	}
	return &pb.ListUpgradeResultsResponse{
		UpgradeResults: upgradeResultsToProto(page.Items), NextPageToken: s.pages.token(req, page.Next),
	}, nil
}

// upgrade names an upgrade. Its id is unique for ever, so it is its uid, too.
func (s *services) upgrade(ctx context.Context, id string) subject {
	return subject{noun: "upgrade", id: id, uid: func() (string, error) {
		u, err := s.store.GetUpgrade(ctx, id)
		return u.ID, err
	}}
}
