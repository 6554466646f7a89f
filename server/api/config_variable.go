package api

import (
	"context"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// CreateConfigVariable implements ConfigVariableService.
func (s *services) CreateConfigVariable(
	ctx context.Context, req *pb.CreateConfigVariableRequest,
) (*pb.CreateConfigVariableResponse, error) {
	var d decoding
	v := d.configVariable("", req.GetConfigVariable())
	if err := d.err(); err != nil {
		return nil, err
	}
	revision, err := base(req.GetConfigVariable().GetEtag(), s.integration(ctx, req.GetIntegrationId()))
	if err != nil {
		return nil, err
	}
	in, id, err := s.plane.CreateConfigVariable(ctx, req.GetIntegrationId(), v, mutation(req, revision))
	if err != nil {
		return nil, err
	}
	out, err := configVariableOf(in, id)
	return &pb.CreateConfigVariableResponse{ConfigVariable: out}, err
}

// GetConfigVariable implements ConfigVariableService.
func (s *services) GetConfigVariable(ctx context.Context, req *pb.GetConfigVariableRequest) (*pb.GetConfigVariableResponse, error) {
	in, err := s.store.GetIntegration(ctx, req.GetIntegrationId())
	if err != nil {
		return nil, err
	}
	out, err := configVariableOf(in, req.GetConfigVariableId())
	return &pb.GetConfigVariableResponse{ConfigVariable: out}, err
}

// ListConfigVariables implements ConfigVariableService.
func (s *services) ListConfigVariables(ctx context.Context, req *pb.ListConfigVariablesRequest) (*pb.ListConfigVariablesResponse, error) {
	q, err := s.pages.query(req, configVariableFields)
	if err != nil {
		return nil, err
	}
	in, err := s.store.GetIntegration(ctx, req.GetIntegrationId())
	if err != nil {
		return nil, err
	}
	page := configVariablePage(in.Draft.ConfigVariables, q)
	resp := &pb.ListConfigVariablesResponse{NextPageToken: s.pages.token(req, page.Next)}
	for _, v := range page.Items {
		resp.ConfigVariables = append(resp.ConfigVariables, configVariableToProto(v, in.ID, etagOf(in.UID, in.Revision)))
	}
	return resp, nil
}

// UpdateConfigVariable implements ConfigVariableService.
func (s *services) UpdateConfigVariable(
	ctx context.Context, req *pb.UpdateConfigVariableRequest,
) (*pb.UpdateConfigVariableResponse, error) {
	revision, err := base(req.GetConfigVariable().GetEtag(), s.integration(ctx, req.GetIntegrationId()))
	if err != nil {
		return nil, err
	}
	var d decoding
	d.add(sameID(req.GetConfigVariableId(), req.GetConfigVariable().GetId()))
	m, err := updateMask(ctx, req.GetUpdateMask(), req.GetConfigVariable())
	d.add(err)
	if err := d.err(); err != nil {
		return nil, err
	}
	id := req.GetConfigVariableId()
	in, err := s.plane.UpdateConfigVariable(ctx, req.GetIntegrationId(), id, mutation(req, revision), func(v *ipaas.ConfigVariable) error {
		merged := configVariableToProto(*v, "", "")
		m.merge(merged, req.GetConfigVariable())
		var d decoding
		*v = d.configVariable("", merged)
		return d.err()
	})
	if err != nil {
		return nil, err
	}
	out, err := configVariableOf(in, id)
	return &pb.UpdateConfigVariableResponse{ConfigVariable: out}, err
}

// DeleteConfigVariable implements ConfigVariableService.
func (s *services) DeleteConfigVariable(
	ctx context.Context, req *pb.DeleteConfigVariableRequest,
) (*pb.DeleteConfigVariableResponse, error) {
	revision, err := base(req.GetEtag(), s.integration(ctx, req.GetIntegrationId()))
	if err != nil {
		return nil, err
	}
	err = s.plane.DeleteConfigVariable(ctx, req.GetIntegrationId(), req.GetConfigVariableId(), mutation(req, revision))
	if err != nil {
		return nil, err
	}
	return &pb.DeleteConfigVariableResponse{}, nil
}

// configVariableOf shows one config variable of an integration.
func configVariableOf(in ipaas.Integration, id string) (*pb.ConfigVariable, error) {
	for _, v := range in.Draft.ConfigVariables {
		if v.ID == id {
			return configVariableToProto(v, in.ID, etagOf(in.UID, in.Revision)), nil
		}
	}
	return nil, ipaas.Absent("config variable", id)
}

// configVariablePage answers a query over the config variables of a draft.
func configVariablePage(rows []ipaas.ConfigVariable, q storage.Query) storage.Page[ipaas.ConfigVariable] {
	return list(rows, q, func(v ipaas.ConfigVariable, field string) any {
		switch field {
		case "id":
			return v.ID
		case "display_name":
			return v.DisplayName
		case "type":
			return string(v.Type)
		case "required":
			return v.Required
		case "secret":
			return v.Secret
		case "org_only":
			return v.OrgOnly
		case "create_time":
			return v.CreateTime.Truncate(time.Microsecond)
		case "update_time":
			return v.UpdateTime.Truncate(time.Microsecond)
		}
		return nil
	})
}
