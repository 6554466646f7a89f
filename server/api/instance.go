package api

import (
	"context"
	"maps"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/headrace/headrace/internal/config"
	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// CreateInstance implements InstanceService.
func (s *services) CreateInstance(ctx context.Context, req *pb.CreateInstanceRequest) (*pb.CreateInstanceResponse, error) {
	var d decoding
	change := config.Change{Values: d.configInputs("config_values", req.GetInstance().GetConfigValues())}
	if id := req.GetInstance().GetId(); id != "" && !ipaas.ValidID(id) {
		d.refuse("id", ipaas.ReasonMalformed, "is %q: use lower-case letters, digits and single hyphens, at most %d", id, ipaas.MaxIDLength)
	}
	if err := d.err(); err != nil {
		return nil, err
	}
	in, err := s.plane.CreateInstance(ctx, instanceFromProto(req.GetInstance()), change, mutation(req, 0))
	if err != nil {
		return nil, err
	}
	out, err := s.showInstance(ctx, in, true)
	return &pb.CreateInstanceResponse{Instance: out}, err
}

// GetInstance implements InstanceService.
func (s *services) GetInstance(ctx context.Context, req *pb.GetInstanceRequest) (*pb.GetInstanceResponse, error) {
	in, err := s.store.GetInstance(ctx, req.GetInstanceId())
	if err != nil {
		return nil, err
	}
	out, err := s.showInstance(ctx, in, full(req.GetView(), true))
	return &pb.GetInstanceResponse{Instance: out}, err
}

// ListInstances implements InstanceService.
func (s *services) ListInstances(ctx context.Context, req *pb.ListInstancesRequest) (*pb.ListInstancesResponse, error) {
	q, err := s.pages.query(req, instanceFields)
	if err != nil {
		return nil, err
	}
	page, err := s.store.ListInstances(ctx, q)
	if err != nil {
		return nil, err
	}
	resp := &pb.ListInstancesResponse{NextPageToken: s.pages.token(req, page.Next)}
	for _, in := range page.Items {
		out, err := s.showInstance(ctx, in, full(req.GetView(), false))
		if err != nil {
			return nil, err
		}
		resp.Instances = append(resp.Instances, out)
	}
	return resp, nil
}

// UpdateInstance implements InstanceService.
func (s *services) UpdateInstance(ctx context.Context, req *pb.UpdateInstanceRequest) (*pb.UpdateInstanceResponse, error) {
	u, err := newUpdate(ctx, req.GetUpdateMask(), req.GetInstance(), s.instance(ctx, req.GetInstanceId()))
	if err != nil {
		return nil, err
	}
	var d decoding
	change := d.configChange(u.mask, req.GetInstance())
	if err := d.err(); err != nil {
		return nil, err
	}
	in, err := s.plane.UpdateInstance(ctx, u.id, change, mutation(req, u.base), func(in *ipaas.Instance) error {
		merged, err := u.instance(*in)
		if err != nil {
			return err
		}
		in.DisplayName, in.Description, in.Labels = merged.DisplayName, merged.Description, merged.Labels
		in.MaxConcurrency = merged.MaxConcurrency
		return nil
	})
	if err != nil {
		return nil, err
	}
	out, err := s.showInstance(ctx, in, true)
	return &pb.UpdateInstanceResponse{Instance: out}, err
}

// DeleteInstance implements InstanceService.
func (s *services) DeleteInstance(ctx context.Context, req *pb.DeleteInstanceRequest) (*pb.DeleteInstanceResponse, error) {
	revision, err := base(req.GetEtag(), s.instance(ctx, req.GetInstanceId()))
	if err != nil {
		return nil, err
	}
	removal, err := s.plane.DeleteInstance(ctx, req.GetInstanceId(), mutation(req, revision))
	if err != nil {
		return nil, err
	}
	return &pb.DeleteInstanceResponse{
		Executions: executionsToProto(removal.Executions), RemainingRegistrations: registrationsToProto(removal.Remaining),
	}, nil
}

// DeployInstance implements InstanceService.
func (s *services) DeployInstance(ctx context.Context, req *pb.DeployInstanceRequest) (*pb.DeployInstanceResponse, error) {
	revision, err := base(req.GetEtag(), s.instance(ctx, req.GetInstanceId()))
	if err != nil {
		return nil, err
	}
	result, err := s.plane.DeployInstance(ctx, req.GetInstanceId(), int(req.GetVersion()), mutation(req, revision))
	if err != nil {
		return nil, err
	}
	return s.showDeploy(ctx, result)
}

// showDeploy shows what a deployment did, or would do.
func (s *services) showDeploy(ctx context.Context, result control.DeployResult) (*pb.DeployInstanceResponse, error) {
	out, err := s.showInstance(ctx, result.Instance, true)
	if err != nil {
		return nil, err
	}
	resp := &pb.DeployInstanceResponse{
		Instance: out, WebhookUrls: urlsToProto(result.URLs), Plan: deployPlanToProto(result.Plan),
	}
	if result.Deployment != nil {
		if resp.Deployment, err = s.showDeployment(ctx, *result.Deployment); err != nil {
			return nil, err
		}
	}
	for _, ex := range result.Executions {
		shown, err := s.showExecution(ctx, ex)
		if err != nil {
			return nil, err
		}
		resp.Executions = append(resp.Executions, shown)
	}
	return resp, nil
}

// RollbackInstance implements InstanceService.
func (s *services) RollbackInstance(ctx context.Context, req *pb.RollbackInstanceRequest) (*pb.RollbackInstanceResponse, error) {
	revision, err := base(req.GetEtag(), s.instance(ctx, req.GetInstanceId()))
	if err != nil {
		return nil, err
	}
	result, err := s.plane.RollbackInstance(ctx, req.GetInstanceId(), req.GetDeploymentId(), mutation(req, revision))
	if err != nil {
		return nil, err
	}
	shown, err := s.showDeploy(ctx, result)
	if err != nil {
		return nil, err
	}
	return &pb.RollbackInstanceResponse{
		Instance: shown.GetInstance(), Deployment: shown.GetDeployment(), Executions: shown.GetExecutions(),
		WebhookUrls: shown.GetWebhookUrls(), Plan: shown.GetPlan(),
	}, nil
}

// UndeployInstance implements InstanceService.
func (s *services) UndeployInstance(ctx context.Context, req *pb.UndeployInstanceRequest) (*pb.UndeployInstanceResponse, error) {
	revision, err := base(req.GetEtag(), s.instance(ctx, req.GetInstanceId()))
	if err != nil {
		return nil, err
	}
	removal, err := s.plane.UndeployInstance(ctx, req.GetInstanceId(), mutation(req, revision))
	if err != nil {
		return nil, err
	}
	out, err := s.showInstance(ctx, removal.Instance, true)
	return &pb.UndeployInstanceResponse{
		Instance: out, Executions: executionsToProto(removal.Executions),
		RemainingRegistrations: registrationsToProto(removal.Remaining),
	}, err
}

// PauseInstance implements InstanceService.
func (s *services) PauseInstance(ctx context.Context, req *pb.PauseInstanceRequest) (*pb.PauseInstanceResponse, error) {
	revision, err := base(req.GetEtag(), s.instance(ctx, req.GetInstanceId()))
	if err != nil {
		return nil, err
	}
	mode := enumFromProto[ipaas.PauseMode](req.GetMode())
	if mode == "" {
		mode = ipaas.PauseHold
	}
	in, err := s.plane.PauseInstance(ctx, req.GetInstanceId(), mode, mutation(req, revision))
	if err != nil {
		return nil, err
	}
	out, err := s.showInstance(ctx, in, true)
	return &pb.PauseInstanceResponse{Instance: out}, err
}

// ResumeInstance implements InstanceService.
func (s *services) ResumeInstance(ctx context.Context, req *pb.ResumeInstanceRequest) (*pb.ResumeInstanceResponse, error) {
	revision, err := base(req.GetEtag(), s.instance(ctx, req.GetInstanceId()))
	if err != nil {
		return nil, err
	}
	in, err := s.plane.ResumeInstance(ctx, req.GetInstanceId(), mutation(req, revision))
	if err != nil {
		return nil, err
	}
	out, err := s.showInstance(ctx, in, true)
	return &pb.ResumeInstanceResponse{Instance: out}, err
}

// defaultOverlap is how long a rotated URL goes on working where the caller does not say.
const defaultOverlap = 24 * time.Hour

// RotateWebhookToken implements InstanceService.
func (s *services) RotateWebhookToken(ctx context.Context, req *pb.RotateWebhookTokenRequest) (*pb.RotateWebhookTokenResponse, error) {
	revision, err := base(req.GetEtag(), s.instance(ctx, req.GetInstanceId()))
	if err != nil {
		return nil, err
	}
	overlap := defaultOverlap
	if req.GetOverlap() != nil {
		overlap = req.GetOverlap().AsDuration()
	}
	if req.GetEndpoint() && req.GetFlowId() != "" {
		return nil, invalid(violation("flow_id", ipaas.ReasonMisplaced, "stands beside endpoint: rotate a flow's URL, or the one that all share"))
	}
	in, err := s.plane.RotateWebhookToken(ctx, req.GetInstanceId(), req.GetFlowId(), req.GetEndpoint(), overlap, mutation(req, revision))
	if err != nil {
		return nil, err
	}
	out, err := s.showInstance(ctx, in, true)
	return &pb.RotateWebhookTokenResponse{Instance: out}, err
}

// GetConfigWizard implements InstanceService.
func (s *services) GetConfigWizard(ctx context.Context, req *pb.GetConfigWizardRequest) (*pb.GetConfigWizardResponse, error) {
	wizard, err := s.plane.ConfigWizard(ctx, req.GetInstanceId(), int(req.GetVersion()))
	if err != nil {
		return nil, err
	}
	return &pb.GetConfigWizardResponse{ConfigWizard: wizardToProto(wizard)}, nil
}

// UpdateConfigWizardPage implements InstanceService.
func (s *services) UpdateConfigWizardPage(
	ctx context.Context, req *pb.UpdateConfigWizardPageRequest,
) (*pb.UpdateConfigWizardPageResponse, error) {
	var d decoding
	values := d.configInputs("values", req.GetValues())
	if err := d.err(); err != nil {
		return nil, err
	}
	revision, err := base(req.GetEtag(), s.instance(ctx, req.GetInstanceId()))
	if err != nil {
		return nil, err
	}
	page, err := s.plane.UpdateConfigWizardPage(ctx, req.GetInstanceId(), req.GetPageId(), int(req.GetVersion()), values, mutation(req, revision))
	if err != nil {
		return nil, err
	}
	return &pb.UpdateConfigWizardPageResponse{Page: wizardPageToProto(page)}, nil
}

// showInstance shows an instance; URLs, config values and registrations only in full.
func (s *services) showInstance(ctx context.Context, in ipaas.Instance, full bool) (*pb.Instance, error) {
	view, err := s.plane.DescribeInstance(ctx, in, full)
	if err != nil {
		return nil, err
	}
	return instanceToProto(in, view), nil
}

func (s *services) instance(ctx context.Context, id string) subject {
	return subject{noun: "instance", id: id, uid: func() (string, error) {
		in, err := s.store.GetInstance(ctx, id)
		return in.UID, err
	}}
}

// configChange reads which config values an update sets: all of them, those the mask names, or those that were sent.
func (d *decoding) configChange(m mask, in *pb.Instance) config.Change {
	values := in.GetConfigValues()
	switch {
	case m.all:
		for id, v := range values {
			if echoes(v) && v.GetSource() != pb.ConfigValue_SOURCE_DEFAULT {
				d.refuse(keyPath("config_values", id), ipaas.ReasonRequired,
					"is a secret that a read does not show, and replacing all values would forget it: name the values to set in update_mask, as config_values.<id>")
			}
		}
		return config.Change{Values: d.configInputs("config_values", values), ReplaceAll: true}
	case len(m.keys) > 0:
		named := make(map[string]config.Input, len(m.keys))
		for _, key := range m.keys {
			named[key] = d.configInput(keyPath("config_values", key), values[key])
		}
		return config.Change{Values: named}
	case m.has("config_values"):
		return config.Change{Values: d.configInputs("config_values", values)}
	}
	return config.Change{}
}

// instance returns an instance as the update makes it, without its config values.
func (u update) instance(in ipaas.Instance) (ipaas.Instance, error) {
	src, _ := u.src.(*pb.Instance)
	var d decoding
	if id := src.GetCustomerId(); id != "" && id != in.CustomerID && u.mask.has("customer_id") {
		d.refuse("customer_id", ipaas.ReasonImmutable, "is %q and never changes: create an instance for customer %q instead", in.CustomerID, id)
	}
	if id := src.GetIntegrationId(); id != "" && id != in.IntegrationID && u.mask.has("integration_id") {
		d.refuse("integration_id", ipaas.ReasonImmutable, "is %q and never changes: create an instance of integration %q instead",
			in.IntegrationID, id)
	}
	merged := &pb.Instance{DisplayName: in.DisplayName, Description: in.Description, Labels: in.Labels, MaxConcurrency: count(in.MaxConcurrency)}
	u.mask.merge(merged, proto.Clone(src))
	return instanceFromProto(merged), d.err()
}

// keepsTestInstance checks that an update of a test instance changes config values alone.
func (u update) keepsTestInstance(in ipaas.Instance) error {
	merged, err := u.instance(in)
	var d decoding
	d.add(err)
	src := u.src.ProtoReflect()
	for _, fd := range updatable(src.Descriptor()) {
		var changed bool
		switch fd.Name() {
		case "display_name":
			changed = merged.DisplayName != in.DisplayName
		case "description":
			changed = merged.Description != in.Description
		case "labels":
			changed = !maps.Equal(merged.Labels, in.Labels)
		case "max_concurrency":
			changed = merged.MaxConcurrency != in.MaxConcurrency
		}
		// A whole replacement that leaves the field out does not ask for it to be emptied: there is nothing else it could say.
		if changed && (src.Has(fd) || !u.mask.all) {
			d.refuse(string(fd.Name()), ipaas.ReasonReadOnly, "of a test instance is the server's: change config_values alone")
		}
	}
	return d.err()
}
