package api

import (
	"context"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// ofFlow is a request about the keys of one flow.
type ofFlow interface {
	GetInstanceId() string
	GetIntegrationId() string
	GetFlowId() string
}

// keyOf returns a key of the flow that a request names, with an id.
func keyOf(req ofFlow, id string) (ipaas.FlowKey, error) {
	var d decoding
	switch {
	case req.GetInstanceId() == "" && req.GetIntegrationId() == "":
		d.refuse("instance_id", ipaas.ReasonRequired, "is empty, and so is integration_id: say whose flow it is")
	case req.GetInstanceId() != "" && req.GetIntegrationId() != "":
		d.refuse("integration_id", ipaas.ReasonMisplaced, "stands beside an instance_id: a key is for the one or for the other")
	}
	return ipaas.FlowKey{
		ID: id, InstanceID: req.GetInstanceId(), IntegrationID: req.GetIntegrationId(), FlowID: req.GetFlowId(),
	}, d.err()
}

// CreateFlowKey implements FlowKeyService.
func (s *services) CreateFlowKey(ctx context.Context, req *pb.CreateFlowKeyRequest) (*pb.CreateFlowKeyResponse, error) {
	k, err := keyOf(req, req.GetFlowKey().GetId())
	if err != nil {
		return nil, err
	}
	k.DisplayName = req.GetFlowKey().GetDisplayName()
	if k, err = s.plane.CreateFlowKey(ctx, k, req.GetFlowKey().GetKey(), mutation(req, 0)); err != nil {
		return nil, err
	}
	out, err := s.showFlowKey(k, true)
	return &pb.CreateFlowKeyResponse{FlowKey: out}, err
}

// GetFlowKey implements FlowKeyService.
func (s *services) GetFlowKey(ctx context.Context, req *pb.GetFlowKeyRequest) (*pb.GetFlowKeyResponse, error) {
	of, err := keyOf(req, req.GetFlowKeyId())
	if err != nil {
		return nil, err
	}
	keys, err := s.plane.ListFlowKeys(ctx, of)
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if k.ID == of.ID {
			out, err := s.showFlowKey(k, full(req.GetView(), false))
			return &pb.GetFlowKeyResponse{FlowKey: out}, err
		}
	}
	return nil, ipaas.Absent("flow key", of.ID)
}

// ListFlowKeys implements FlowKeyService.
func (s *services) ListFlowKeys(ctx context.Context, req *pb.ListFlowKeysRequest) (*pb.ListFlowKeysResponse, error) {
	q, err := s.pages.query(req, flowKeyFields)
	if err != nil {
		return nil, err
	}
	of, err := keyOf(req, "")
	if err != nil {
		return nil, err
	}
	keys, err := s.plane.ListFlowKeys(ctx, of)
	if err != nil {
		return nil, err
	}
	page := flowKeyPage(keys, q)
	resp := &pb.ListFlowKeysResponse{NextPageToken: s.pages.token(req, page.Next)}
	for _, k := range page.Items {
		out, err := s.showFlowKey(k, full(req.GetView(), false))
		if err != nil {
			return nil, err
		}
		resp.FlowKeys = append(resp.FlowKeys, out)
	}
	return resp, nil
}

// flowKeyPage answers a query over the keys of a flow.
func flowKeyPage(keys []ipaas.FlowKey, q storage.Query) storage.Page[ipaas.FlowKey] {
	return list(keys, q, func(k ipaas.FlowKey, field string) any {
		switch field {
		case "id":
			return k.ID
		case "display_name":
			return k.DisplayName
		case "create_time":
			return k.CreateTime
		}
		return nil
	})
}

// DeleteFlowKey implements FlowKeyService.
func (s *services) DeleteFlowKey(ctx context.Context, req *pb.DeleteFlowKeyRequest) (*pb.DeleteFlowKeyResponse, error) {
	k, err := keyOf(req, req.GetFlowKeyId())
	if err != nil {
		return nil, err
	}
	if err := s.plane.DeleteFlowKey(ctx, k, mutation(req, 0)); err != nil {
		return nil, err
	}
	return &pb.DeleteFlowKeyResponse{}, nil
}

// showFlowKey shows a key; its text only in full.
func (s *services) showFlowKey(k ipaas.FlowKey, full bool) (*pb.FlowKey, error) {
	out := flowKeyToProto(k)
	if !full {
		return out, nil
	}
	text, err := s.plane.FlowKeyText(k)
	out.Key = text
	return out, err
}
