package api

import (
	"context"

	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// GetStateEntry implements StateService.
func (s *services) GetStateEntry(ctx context.Context, req *pb.GetStateEntryRequest) (*pb.GetStateEntryResponse, error) {
	entry, err := s.plane.GetStateEntry(ctx, req.GetInstanceId(), req.GetStateEntryId())
	if err != nil {
		return nil, err
	}
	return &pb.GetStateEntryResponse{StateEntry: stateViewToProto(entry, req.GetInstanceId())}, nil
}

// ListStateEntries implements StateService.
func (s *services) ListStateEntries(ctx context.Context, req *pb.ListStateEntriesRequest) (*pb.ListStateEntriesResponse, error) {
	q, err := s.pages.query(req, stateFields)
	if err != nil {
		return nil, err
	}
	page, err := s.plane.ListStateEntries(ctx, req.GetInstanceId(), q)
	if err != nil {
		return nil, err
	}
	resp := &pb.ListStateEntriesResponse{NextPageToken: s.pages.token(req, page.Next)}
	for _, entry := range page.Items {
		resp.StateEntries = append(resp.StateEntries, stateEntryToProto(entry, req.GetInstanceId()))
	}
	return resp, nil
}

// SetStateEntry implements StateService.
func (s *services) SetStateEntry(ctx context.Context, req *pb.SetStateEntryRequest) (*pb.SetStateEntryResponse, error) {
	var d decoding
	v := d.stateValue(req)
	if err := d.err(); err != nil {
		return nil, err
	}
	target := stateTarget(req, req.GetKey())
	revision, err := base(req.GetEtag(), subject{noun: "state entry", id: target.Key, uid: func() (string, error) {
		return s.plane.StateEntryID(ctx, req.GetInstanceId(), target)
	}})
	if err != nil {
		return nil, err
	}
	entry, err := s.plane.SetStateEntry(ctx, req.GetInstanceId(), target, v, mutation(req, revision))
	if err != nil {
		return nil, err
	}
	return &pb.SetStateEntryResponse{StateEntry: stateViewToProto(entry, req.GetInstanceId())}, nil
}

// DeleteStateEntry implements StateService.
func (s *services) DeleteStateEntry(ctx context.Context, req *pb.DeleteStateEntryRequest) (*pb.DeleteStateEntryResponse, error) {
	id := req.GetStateEntryId()
	revision, err := base(req.GetEtag(), subject{noun: "state entry", id: id, uid: func() (string, error) { return id, nil }})
	if err != nil {
		return nil, err
	}
	if err := s.plane.DeleteStateEntry(ctx, req.GetInstanceId(), id, mutation(req, revision)); err != nil {
		return nil, err
	}
	return &pb.DeleteStateEntryResponse{}, nil
}

// ClearState implements StateService.
func (s *services) ClearState(ctx context.Context, req *pb.ClearStateRequest) (*pb.ClearStateResponse, error) {
	if err := s.plane.ClearState(ctx, req.GetInstanceId(), stateTarget(req, ""), mutation(req, 0)); err != nil {
		return nil, err
	}
	return &pb.ClearStateResponse{}, nil
}

// stateTarget reads which key is meant, or with an empty one which scope.
func stateTarget(req interface {
	GetScope() pb.StateEntry_Scope
	GetFlowId() string
}, key string,
) control.StateTarget {
	return control.StateTarget{Scope: enumFromProto[ipaas.StateScope](req.GetScope()), FlowID: req.GetFlowId(), Key: key}
}

// stateValue reads the value that a key is to have.
func (d *decoding) stateValue(req *pb.SetStateEntryRequest) any {
	var text string
	switch kind := req.GetKind().(type) {
	case *pb.SetStateEntryRequest_Value:
		text = d.jsonOf("value", kind.Value)
	case *pb.SetStateEntryRequest_ValueJson:
		text = d.jsonText("valueJson", kind.ValueJson)
	default:
		d.refuse("value", ipaas.ReasonRequired, "is missing: give value or valueJson, null to keep null, or delete the key")
		return nil
	}
	v, _ := value.Parse([]byte(text)) // what is wrong with it has been noted
	return v
}
