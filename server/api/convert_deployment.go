package api

import (
	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

func deploymentToProto(d ipaas.Deployment, changes []control.RegistrationChangeView) *pb.Deployment {
	out := &pb.Deployment{
		Id: d.ID, InstanceId: d.InstanceID, Version: count(d.Candidate.Version), State: enumToProto[pb.Deployment_State](d.State),
		Generation: count(d.Candidate.Number), ExecutionIds: d.ExecutionIDs,
		CreateTime: timeToProto(d.CreateTime), EndTime: timeToProto(d.EndTime), Deadline: timeToProto(d.Deadline),
		Resumed: d.Resumes > 0, SourceDeploymentId: d.SourceID,
	}
	if e := d.Error; e != nil {
		out.Error = &pb.DeploymentError{
			Reason: string(e.Reason), Message: e.Message, FlowId: e.FlowID, StepId: e.StepID, ExecutionId: e.ExecutionID, Retryable: e.Retryable,
		}
	}
	for _, c := range changes {
		out.Changes = append(out.Changes, &pb.RegistrationChange{
			Kind: enumToProto[pb.RegistrationChange_Kind](c.Kind), Registration: registrationToProto(c.Registration),
		})
	}
	return out
}

func registrationToProto(r ipaas.Registration) *pb.Registration {
	return &pb.Registration{
		Id: r.ID, FlowId: r.FlowID, StepId: r.StepID, Key: r.Key, Action: r.Action, RemoteId: r.RemoteID,
		State: enumToProto[pb.Registration_State](r.State), Generation: count(r.Generation), Error: r.Error,
		CreateTime: timeToProto(r.CreateTime), UpdateTime: timeToProto(r.UpdateTime),
	}
}

func registrationsToProto(registrations []ipaas.Registration) []*pb.Registration {
	var out []*pb.Registration
	for _, r := range registrations {
		out = append(out, registrationToProto(r))
	}
	return out
}

func deployPlanToProto(p *control.DeployPlan) *pb.DeployPlan {
	if p == nil {
		return nil
	}
	return &pb.DeployPlan{
		Version: count(p.Version), Generation: count(p.Generation), WebhookUrls: urlsToProto(p.URLs), FlowIds: p.FlowIDs,
		ChangedConfigVariableIds: p.ChangedVariableIDs, ObsoleteRegistrations: registrationsToProto(p.Obsolete),
		PossibleCreations: p.PossibleCreations, LockedFlowIds: p.LockedFlowIDs,
	}
}

func urlsToProto(urls []control.FlowURL) map[string]string {
	if len(urls) == 0 {
		return nil
	}
	out := make(map[string]string, len(urls))
	for _, u := range urls {
		out[u.DisplayName] = u.URL
	}
	return out
}
