package api

import (
	"github.com/headrace/headrace/internal/ipaas"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// versionToProto leaves out flows, config variables and pages unless full.
func versionToProto(v ipaas.IntegrationVersion, full bool) *pb.IntegrationVersion {
	out := &pb.IntegrationVersion{
		IntegrationId: v.IntegrationID, Version: count(v.Version), Comment: v.Comment, DisplayName: v.Definition.DisplayName,
		DefinitionHash: v.Definition.Hash(), CreateTime: timeToProto(v.CreateTime),
	}
	if len(v.ComponentVersions) > 0 {
		out.ComponentVersions = make(map[string]int32, len(v.ComponentVersions))
	}
	for id, version := range v.ComponentVersions {
		out.ComponentVersions[id] = count(version)
	}
	if full {
		out.Flows = flowsToProto(v.IntegrationID, v.Definition.Flows)
		out.ConfigVariables = configVariablesToProto(v.IntegrationID, v.Definition.ConfigVariables)
		out.ConfigPages = configPagesToProto(v.Definition.ConfigPages)
	}
	return out
}
