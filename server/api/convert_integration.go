package api

import (
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/headrace/headrace/internal/ipaas"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// integrationToProto shows an integration with its draft and what is wrong with it. It leaves out what is large unless full.
func integrationToProto(in ipaas.Integration, problems []ipaas.Violation, endpointURL string, full bool) *pb.Integration {
	out := &pb.Integration{}
	if full {
		out = definitionToProto(in.ID, in.Draft)
	}
	out.Id, out.Uid, out.Etag = in.ID, in.UID, etagOf(in.UID, in.Revision)
	out.DisplayName, out.Description, out.Category = in.Draft.DisplayName, in.Draft.Description, in.Draft.Category
	out.Labels, out.DeploySettings, out.Endpoint = in.Draft.Labels, deploySettingsToProto(in.Draft.Deploy), endpointToProto(in.Draft.Endpoint)
	out.Problems, out.EndpointUrl = problemsToProto(problems), endpointURL
	out.LatestVersion, out.UnpublishedChanges = count(in.LatestVersion), in.UnpublishedChanges()
	out.CreateTime, out.UpdateTime = timeToProto(in.CreateTime), timeToProto(in.UpdateTime)
	return out
}

// definitionToProto shows what a definition says, in the shape of an integration.
func definitionToProto(integrationID string, def ipaas.Definition) *pb.Integration {
	return &pb.Integration{
		Id: integrationID, DisplayName: def.DisplayName, Description: def.Description, Category: def.Category,
		Labels: def.Labels, Documentation: def.Documentation, Flows: flowsToProto(integrationID, def.Flows),
		ConfigVariables: configVariablesToProto(integrationID, def.ConfigVariables),
		ConfigPages:     configPagesToProto(def.ConfigPages), DeploySettings: deploySettingsToProto(def.Deploy),
		Endpoint: endpointToProto(def.Endpoint),
	}
}

// definition reads what an integration says of its definition.
func (d *decoding) definition(in *pb.Integration) ipaas.Definition {
	out := ipaas.Definition{
		DisplayName: in.GetDisplayName(), Description: in.GetDescription(), Category: in.GetCategory(),
		Labels: in.GetLabels(), Documentation: in.GetDocumentation(), ConfigPages: configPagesFromProto(in.GetConfigPages()),
		Deploy: ipaas.DeploySettings{
			Policy:  enumFromProto[ipaas.FailurePolicy](in.GetDeploySettings().GetFailurePolicy()),
			Timeout: in.GetDeploySettings().GetTimeout().AsDuration(),
		},
		Endpoint: d.endpoint("endpoint", in.GetEndpoint()),
	}
	for i, f := range in.GetFlows() {
		out.Flows = append(out.Flows, d.flow(indexPath("flows", i), f))
	}
	for i, v := range in.GetConfigVariables() {
		out.ConfigVariables = append(out.ConfigVariables, d.configVariable(indexPath("config_variables", i), v))
	}
	return out
}

func flowsToProto(integrationID string, flows []ipaas.Flow) []*pb.Flow {
	var out []*pb.Flow
	for i, f := range flows {
		out = append(out, flowToProto(f, integrationID, i, ""))
	}
	return out
}

func configVariablesToProto(integrationID string, variables []ipaas.ConfigVariable) []*pb.ConfigVariable {
	var out []*pb.ConfigVariable
	for _, v := range variables {
		out = append(out, configVariableToProto(v, integrationID, ""))
	}
	return out
}

func endpointToProto(e *ipaas.Endpoint) *pb.Endpoint {
	if e == nil {
		return nil
	}
	return &pb.Endpoint{
		Type: enumToProto[pb.Endpoint_Type](e.Type), PreprocessFlow: e.PreprocessFlow,
		FlowName: keyToProto(e.FlowName), CustomerId: keyToProto(e.CustomerID), CustomerUserId: keyToProto(e.CustomerUserID),
	}
}

func (d *decoding) endpoint(path string, e *pb.Endpoint) *ipaas.Endpoint {
	if e == nil {
		return nil
	}
	return &ipaas.Endpoint{
		Type: enumFromProto[ipaas.EndpointType](e.GetType()), PreprocessFlow: e.GetPreprocessFlow(),
		FlowName: d.key(joinPath(path, "flow_name"), e.GetFlowName()), CustomerID: d.key(joinPath(path, "customer_id"), e.GetCustomerId()),
		CustomerUserID: d.key(joinPath(path, "customer_user_id"), e.GetCustomerUserId()),
	}
}

func deploySettingsToProto(s ipaas.DeploySettings) *pb.DeploySettings {
	if s == (ipaas.DeploySettings{}) {
		return nil
	}
	out := &pb.DeploySettings{FailurePolicy: enumToProto[pb.DeploySettings_FailurePolicy](s.Policy)}
	if s.Timeout != 0 {
		out.Timeout = durationpb.New(s.Timeout)
	}
	return out
}

func problemsToProto(problems []ipaas.Violation) []*pb.Problem {
	var out []*pb.Problem
	for _, p := range problems {
		out = append(out, &pb.Problem{Field: restPath(p.Field), Reason: string(p.Reason), Description: p.Description})
	}
	return out
}
