package api

import (
	"context"

	"github.com/headrace/headrace/internal/ipaas"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// CreateIntegration implements IntegrationService.
func (s *services) CreateIntegration(ctx context.Context, req *pb.CreateIntegrationRequest) (*pb.CreateIntegrationResponse, error) {
	var d decoding
	def := d.definition(req.GetIntegration())
	if err := d.err(); err != nil {
		return nil, err
	}
	in, err := s.plane.CreateIntegration(ctx, req.GetIntegration().GetId(), def, mutation(req, 0))
	if err != nil {
		return nil, err
	}
	out, err := s.showIntegration(ctx, in, true)
	return &pb.CreateIntegrationResponse{Integration: out}, err
}

// GetIntegration implements IntegrationService.
func (s *services) GetIntegration(ctx context.Context, req *pb.GetIntegrationRequest) (*pb.GetIntegrationResponse, error) {
	in, err := s.store.GetIntegration(ctx, req.GetIntegrationId())
	if err != nil {
		return nil, err
	}
	out, err := s.showIntegration(ctx, in, full(req.GetView(), true))
	return &pb.GetIntegrationResponse{Integration: out}, err
}

// ListIntegrations implements IntegrationService.
func (s *services) ListIntegrations(ctx context.Context, req *pb.ListIntegrationsRequest) (*pb.ListIntegrationsResponse, error) {
	q, err := s.pages.query(req, integrationFields)
	if err != nil {
		return nil, err
	}
	page, err := s.store.ListIntegrations(ctx, q)
	if err != nil {
		return nil, err
	}
	resp := &pb.ListIntegrationsResponse{NextPageToken: s.pages.token(req, page.Next)}
	for _, in := range page.Items {
		out, err := s.showIntegration(ctx, in, full(req.GetView(), false))
		if err != nil {
			return nil, err
		}
		resp.Integrations = append(resp.Integrations, out)
	}
	return resp, nil
}

// UpdateIntegration implements IntegrationService.
func (s *services) UpdateIntegration(ctx context.Context, req *pb.UpdateIntegrationRequest) (*pb.UpdateIntegrationResponse, error) {
	u, err := newUpdate(ctx, req.GetUpdateMask(), req.GetIntegration(), s.integration(ctx, req.GetIntegrationId()))
	if err != nil {
		return nil, err
	}
	in, err := s.plane.UpdateIntegration(ctx, u.id, mutation(req, u.base), req.GetAllowMissing(), func(def *ipaas.Definition) error {
		merged := definitionToProto(u.id, *def)
		// A draft that is stored has a name.
		u.merge(merged, def.DisplayName == "")
		var d decoding
		*def = d.definition(merged)
		return d.err()
	})
	if err != nil {
		return nil, err
	}
	out, err := s.showIntegration(ctx, in, true)
	return &pb.UpdateIntegrationResponse{Integration: out}, err
}

// DeleteIntegration implements IntegrationService.
func (s *services) DeleteIntegration(ctx context.Context, req *pb.DeleteIntegrationRequest) (*pb.DeleteIntegrationResponse, error) {
	revision, err := base(req.GetEtag(), s.integration(ctx, req.GetIntegrationId()))
	if err != nil {
		return nil, err
	}
	if err := s.plane.DeleteIntegration(ctx, req.GetIntegrationId(), mutation(req, revision)); err != nil {
		return nil, err
	}
	return &pb.DeleteIntegrationResponse{}, nil
}

// PublishIntegration implements IntegrationService.
func (s *services) PublishIntegration(ctx context.Context, req *pb.PublishIntegrationRequest) (*pb.PublishIntegrationResponse, error) {
	revision, err := base(req.GetEtag(), s.integration(ctx, req.GetIntegrationId()))
	if err != nil {
		return nil, err
	}
	v, err := s.plane.PublishIntegration(ctx, req.GetIntegrationId(), req.GetComment(), mutation(req, revision))
	if err != nil {
		return nil, err
	}
	return &pb.PublishIntegrationResponse{Version: versionToProto(v, true)}, nil
}

// ImportIntegration implements IntegrationService.
func (s *services) ImportIntegration(ctx context.Context, req *pb.ImportIntegrationRequest) (*pb.ImportIntegrationResponse, error) {
	src, violations, err := s.readDefinition(req.GetDefinition())
	if err != nil {
		return nil, err
	}
	if len(violations) > 0 {
		return nil, invalid(violations...)
	}
	if err := s.fit(ctx, &src); err != nil {
		return nil, err
	}
	id := src.id
	if err := sameID(req.GetIntegrationId(), id); req.GetIntegrationId() != "" && err != nil {
		return nil, err
	}
	if req.GetIntegrationId() != "" {
		id = req.GetIntegrationId()
	}
	revision, err := base(req.GetEtag(), s.integration(ctx, id))
	if err != nil {
		return nil, err
	}
	in, done, err := s.plane.ImportIntegration(ctx, id, src.def, mutation(req, revision))
	if err != nil {
		return nil, src.explained(err)
	}
	out, err := s.showIntegration(ctx, in, true)
	if err != nil {
		return nil, err
	}
	out.Problems = src.inFile(out.GetProblems())
	return &pb.ImportIntegrationResponse{
		Integration: out, Created: done.Created, Format: src.format, Notes: notesToProto(src.notes, src.lines), Warnings: lossesToProto(done.Losses),
	}, nil
}

// ValidateIntegration implements IntegrationService.
func (s *services) ValidateIntegration(ctx context.Context, req *pb.ValidateIntegrationRequest) (*pb.ValidateIntegrationResponse, error) {
	src, violations, err := s.readDefinition(req.GetDefinition())
	if err != nil {
		return nil, err
	}
	if err := s.fit(ctx, &src); err != nil {
		return nil, err
	}
	if len(violations) == 0 {
		if violations, err = s.plane.ValidateDefinition(ctx, src.def); err != nil {
			return nil, err
		}
		violations = src.marked(violations)
	}
	return &pb.ValidateIntegrationResponse{
		Valid: len(violations) == 0, Problems: problemsToProto(violations), Format: src.format, Notes: notesToProto(src.notes, src.lines),
	}, nil
}

// ExportIntegration implements IntegrationService.
func (s *services) ExportIntegration(ctx context.Context, req *pb.ExportIntegrationRequest) (*pb.ExportIntegrationResponse, error) {
	var def ipaas.Definition
	if req.GetVersion() > 0 {
		v, err := s.store.GetIntegrationVersion(ctx, req.GetIntegrationId(), int(req.GetVersion()))
		if err != nil {
			return nil, err
		}
		def = v.Definition
	} else {
		in, err := s.store.GetIntegration(ctx, req.GetIntegrationId())
		if err != nil {
			return nil, err
		}
		def = in.Draft
	}
	removed, err := s.plane.Catalogue().RemoveSecrets(ctx, &def)
	if err != nil {
		return nil, err
	}
	notes := dropped(removed)
	if req.GetFormat() != pb.DefinitionFormat_DEFINITION_FORMAT_V7 {
		text, err := writeDefinition(req.GetIntegrationId(), def)
		return &pb.ExportIntegrationResponse{Definition: text, Notes: notesToProto(notes, nil)}, err
	}
	text, more, err := writeForeign(req.GetIntegrationId(), def)
	return &pb.ExportIntegrationResponse{Definition: text, Notes: notesToProto(append(notes, more...), nil)}, err
}

// RotateEndpointToken implements IntegrationService.
func (s *services) RotateEndpointToken(ctx context.Context, req *pb.RotateEndpointTokenRequest) (*pb.RotateEndpointTokenResponse, error) {
	revision, err := base(req.GetEtag(), s.integration(ctx, req.GetIntegrationId()))
	if err != nil {
		return nil, err
	}
	overlap := defaultOverlap
	if req.GetOverlap() != nil {
		overlap = req.GetOverlap().AsDuration()
	}
	in, err := s.plane.RotateEndpointToken(ctx, req.GetIntegrationId(), overlap, mutation(req, revision))
	if err != nil {
		return nil, err
	}
	out, err := s.showIntegration(ctx, in, true)
	return &pb.RotateEndpointTokenResponse{Integration: out}, err
}

// showIntegration shows an integration with the problems of its draft.
func (s *services) showIntegration(ctx context.Context, in ipaas.Integration, full bool) (*pb.Integration, error) {
	problems, err := s.plane.Problems(ctx, &in.Draft)
	if err != nil {
		return nil, err
	}
	endpointURL := ""
	if full {
		if endpointURL, err = s.plane.EndpointURL(ctx, in.ID); err != nil {
			return nil, err
		}
	}
	return integrationToProto(in, problems, endpointURL, full), nil
}

func (s *services) integration(ctx context.Context, id string) subject {
	return subject{noun: "integration", id: id, uid: func() (string, error) {
		in, err := s.store.GetIntegration(ctx, id)
		return in.UID, err
	}}
}
