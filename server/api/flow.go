package api

import (
	"context"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// CreateFlow implements FlowService.
func (s *services) CreateFlow(ctx context.Context, req *pb.CreateFlowRequest) (*pb.CreateFlowResponse, error) {
	var d decoding
	f := d.flow("", req.GetFlow())
	if err := d.err(); err != nil {
		return nil, err
	}
	revision, err := base(req.GetFlow().GetEtag(), s.integration(ctx, req.GetIntegrationId()))
	if err != nil {
		return nil, err
	}
	in, id, err := s.plane.CreateFlow(ctx, req.GetIntegrationId(), f, position(req.GetFlow()), mutation(req, revision))
	if err != nil {
		return nil, err
	}
	out, err := flowOf(in, id)
	return &pb.CreateFlowResponse{Flow: out}, err
}

// GetFlow implements FlowService.
func (s *services) GetFlow(ctx context.Context, req *pb.GetFlowRequest) (*pb.GetFlowResponse, error) {
	in, err := s.store.GetIntegration(ctx, req.GetIntegrationId())
	if err != nil {
		return nil, err
	}
	out, err := flowOf(in, req.GetFlowId())
	return &pb.GetFlowResponse{Flow: out}, err
}

// ListFlows implements FlowService.
func (s *services) ListFlows(ctx context.Context, req *pb.ListFlowsRequest) (*pb.ListFlowsResponse, error) {
	q, err := s.pages.query(req, flowFields)
	if err != nil {
		return nil, err
	}
	in, err := s.store.GetIntegration(ctx, req.GetIntegrationId())
	if err != nil {
		return nil, err
	}
	page := flowPage(in, q)
	resp := &pb.ListFlowsResponse{NextPageToken: s.pages.token(req, page.Next)}
	for _, i := range page.Items {
		resp.Flows = append(resp.Flows, flowToProto(in.Draft.Flows[i], in.ID, i, etagOf(in.UID, in.Revision)))
	}
	return resp, nil
}

// UpdateFlow implements FlowService.
func (s *services) UpdateFlow(ctx context.Context, req *pb.UpdateFlowRequest) (*pb.UpdateFlowResponse, error) {
	subject := s.integration(ctx, req.GetIntegrationId())
	revision, err := base(req.GetFlow().GetEtag(), subject)
	if err != nil {
		return nil, err
	}
	var d decoding
	d.add(sameID(req.GetFlowId(), req.GetFlow().GetId()))
	m, err := updateMask(ctx, req.GetUpdateMask(), req.GetFlow())
	d.add(err)
	if err := d.err(); err != nil {
		return nil, err
	}
	var at *int
	if m.has("position") {
		at = position(req.GetFlow())
	}
	in, err := s.plane.UpdateFlow(ctx, req.GetIntegrationId(), req.GetFlowId(), at, mutation(req, revision), func(f *ipaas.Flow) error {
		merged := flowToProto(*f, "", 0, "")
		m.merge(merged, req.GetFlow())
		var d decoding
		*f = d.flow("", merged)
		return d.err()
	})
	if err != nil {
		return nil, err
	}
	out, err := flowOf(in, req.GetFlowId())
	return &pb.UpdateFlowResponse{Flow: out}, err
}

// DeleteFlow implements FlowService.
func (s *services) DeleteFlow(ctx context.Context, req *pb.DeleteFlowRequest) (*pb.DeleteFlowResponse, error) {
	revision, err := base(req.GetEtag(), s.integration(ctx, req.GetIntegrationId()))
	if err != nil {
		return nil, err
	}
	if err := s.plane.DeleteFlow(ctx, req.GetIntegrationId(), req.GetFlowId(), mutation(req, revision)); err != nil {
		return nil, err
	}
	return &pb.DeleteFlowResponse{}, nil
}

// TestFlow implements FlowService.
func (s *services) TestFlow(ctx context.Context, req *pb.TestFlowRequest) (*pb.TestFlowResponse, error) {
	var d decoding
	payload := d.testPayload("payload", req.GetPayload())
	rehearsal := d.rehearsal(req)
	if err := d.err(); err != nil {
		return nil, err
	}
	result, err := s.plane.RehearseFlow(ctx, req.GetIntegrationId(), req.GetFlowId(), payload, req.GetSavePayload(), rehearsal, mutation(req, 0))
	if err != nil {
		return nil, err
	}
	resp := &pb.TestFlowResponse{Response: responseToProto(result.Response)}
	for _, e := range result.Exchanges {
		resp.Exchanges = append(resp.Exchanges, exchangeToProto(e))
	}
	if result.Execution != nil {
		resp.Execution, err = s.showExecution(ctx, *result.Execution)
	}
	return resp, err
}

// position returns the place that was sent, nil for none.
func position(f *pb.Flow) *int {
	if f.Position == nil {
		return nil
	}
	at := int(f.GetPosition())
	return &at
}

// flowOf shows one flow of an integration.
func flowOf(in ipaas.Integration, id string) (*pb.Flow, error) {
	f, i := in.Draft.Flow(id)
	if f == nil {
		return nil, ipaas.Absent("flow", id)
	}
	return flowToProto(*f, in.ID, i, etagOf(in.UID, in.Revision)), nil
}

// flowPage answers a query over the flows of a draft with their indices.
func flowPage(in ipaas.Integration, q storage.Query) storage.Page[int] {
	rows := make([]int, len(in.Draft.Flows))
	for i := range rows {
		rows[i] = i
	}
	return list(rows, q, func(i int, field string) any {
		f := in.Draft.Flows[i]
		switch field {
		case "id":
			return f.ID
		case "display_name":
			return f.DisplayName
		case "position":
			return int64(i)
		case "synchronous":
			return f.Synchronous
		case "create_time":
			return f.CreateTime.Truncate(time.Microsecond)
		case "update_time":
			return f.UpdateTime.Truncate(time.Microsecond)
		}
		return nil
	})
}

// showExecution shows an execution with its step results and logs.
func (s *services) showExecution(ctx context.Context, ex ipaas.Execution) (*pb.Execution, error) {
	view, err := s.plane.ShowExecution(ctx, ex, true)
	if err != nil {
		return nil, err
	}
	return executionViewToProto(view)
}
