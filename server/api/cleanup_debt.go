package api

import (
	"context"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// GetCleanupDebt implements CleanupDebtService.
func (s *services) GetCleanupDebt(ctx context.Context, req *pb.GetCleanupDebtRequest) (*pb.GetCleanupDebtResponse, error) {
	debt, err := s.plane.GetCleanupDebt(ctx, req.GetCleanupDebtId())
	if err != nil {
		return nil, err
	}
	return &pb.GetCleanupDebtResponse{CleanupDebt: cleanupDebtToProto(debt)}, nil
}

// ListCleanupDebts implements CleanupDebtService.
func (s *services) ListCleanupDebts(ctx context.Context, req *pb.ListCleanupDebtsRequest) (*pb.ListCleanupDebtsResponse, error) {
	q, err := s.pages.query(req, cleanupDebtFields)
	if err != nil {
		return nil, err
	}
	if !req.GetShowForgiven() {
		owed := &storage.Filter{Field: "state", Operator: storage.Equal, Value: string(ipaas.DebtOwed)}
		if q.Filter != nil {
			owed = &storage.Filter{Join: storage.And, Filters: []*storage.Filter{owed, q.Filter}}
		}
		q.Filter = owed
	}
	page, err := s.plane.ListCleanupDebts(ctx, q)
	if err != nil {
		return nil, err
	}
	resp := &pb.ListCleanupDebtsResponse{NextPageToken: s.pages.token(req, page.Next)}
	for _, debt := range page.Items {
		resp.CleanupDebts = append(resp.CleanupDebts, cleanupDebtToProto(debt))
	}
	return resp, nil
}

// RetryCleanupDebt implements CleanupDebtService.
func (s *services) RetryCleanupDebt(ctx context.Context, req *pb.RetryCleanupDebtRequest) (*pb.RetryCleanupDebtResponse, error) {
	revision, err := base(req.GetEtag(), s.cleanupDebt(ctx, req.GetCleanupDebtId()))
	if err != nil {
		return nil, err
	}
	result, err := s.plane.RetryCleanupDebt(ctx, req.GetCleanupDebtId(), mutation(req, revision))
	if err != nil {
		return nil, err
	}
	return &pb.RetryCleanupDebtResponse{CleanupDebt: cleanupDebtToProto(result.Debt), Removed: result.Removed}, nil
}

// ForgiveCleanupDebt implements CleanupDebtService.
func (s *services) ForgiveCleanupDebt(ctx context.Context, req *pb.ForgiveCleanupDebtRequest) (*pb.ForgiveCleanupDebtResponse, error) {
	revision, err := base(req.GetEtag(), s.cleanupDebt(ctx, req.GetCleanupDebtId()))
	if err != nil {
		return nil, err
	}
	debt, err := s.plane.ForgiveCleanupDebt(ctx, req.GetCleanupDebtId(), req.GetComment(), mutation(req, revision))
	if err != nil {
		return nil, err
	}
	return &pb.ForgiveCleanupDebtResponse{CleanupDebt: cleanupDebtToProto(debt)}, nil
}

// cleanupDebt names a debt. Its id is unique for ever, so it is its uid, too.
func (s *services) cleanupDebt(ctx context.Context, id string) subject {
	return subject{noun: "cleanup debt", id: id, uid: func() (string, error) {
		_, err := s.store.GetCleanupDebt(ctx, id)
		return id, err
	}}
}
