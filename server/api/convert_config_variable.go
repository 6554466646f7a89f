package api

import (
	"github.com/headrace/headrace/internal/ipaas"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// configVariableToProto shows a config variable. etag is the integration's, or "" where the integration is shown around it.
func configVariableToProto(v ipaas.ConfigVariable, integrationID, etag string) *pb.ConfigVariable {
	out := &pb.ConfigVariable{
		Id: v.ID, IntegrationId: integrationID, Uid: v.UID, StableKey: v.StableKey, DisplayName: v.DisplayName, Description: v.Description,
		Type: enumToProto[pb.ConfigVariable_Type](v.Type), Collection: enumToProto[pb.ConfigVariable_Collection](v.Collection),
		Required: v.Required, Secret: v.Secret, OrgOnly: v.OrgOnly, Choices: v.Choices, ConnectionType: v.ConnectionType,
		SharedConnection: v.SharedConnection, CodeLanguage: v.CodeLanguage, Etag: etag, CreateTime: timeToProto(v.CreateTime), UpdateTime: timeToProto(v.UpdateTime),
	}
	switch {
	case v.Default == "":
	case v.DefaultJSON:
		out.Default = &pb.ConfigVariable_DefaultValueJson{DefaultValueJson: v.Default}
	default:
		out.Default = &pb.ConfigVariable_DefaultValue{DefaultValue: jsonToProto(v.Default)}
	}
	return out
}

// configVariable reads a config variable. Its integration and its etag are the handlers' business.
func (d *decoding) configVariable(path string, v *pb.ConfigVariable) ipaas.ConfigVariable {
	out := ipaas.ConfigVariable{
		ID: v.GetId(), UID: v.GetUid(), StableKey: v.GetStableKey(), DisplayName: v.GetDisplayName(), Description: v.GetDescription(),
		Type: enumFromProto[ipaas.ConfigType](v.GetType()), Collection: enumFromProto[ipaas.Collection](v.GetCollection()),
		Required: v.GetRequired(), Secret: v.GetSecret(), OrgOnly: v.GetOrgOnly(), Choices: v.GetChoices(),
		ConnectionType: v.GetConnectionType(), SharedConnection: v.GetSharedConnection(), CodeLanguage: v.GetCodeLanguage(),
		CreateTime: timeFromProto(v.GetCreateTime()), UpdateTime: timeFromProto(v.GetUpdateTime()),
	}
	switch def := v.GetDefault().(type) {
	case *pb.ConfigVariable_DefaultValue:
		out.Default = d.boundedJSON(joinPath(path, "default_value"), def.DefaultValue, maxConfigJSON)
	case *pb.ConfigVariable_DefaultValueJson:
		out.Default, out.DefaultJSON = d.jsonText(joinPath(path, "default_value_json"), def.DefaultValueJson), true
	}
	return out
}

func configPagesToProto(pages []ipaas.ConfigPage) []*pb.ConfigPage {
	var out []*pb.ConfigPage
	for _, p := range pages {
		page := &pb.ConfigPage{Id: p.ID, Title: p.Title, Tagline: p.Tagline}
		for _, e := range p.Elements {
			element := &pb.ConfigElement{Kind: &pb.ConfigElement_Heading{Heading: e.Heading}}
			if e.ConfigVariable != "" {
				element.Kind = &pb.ConfigElement_ConfigVariable{ConfigVariable: e.ConfigVariable}
			}
			page.Elements = append(page.Elements, element)
		}
		out = append(out, page)
	}
	return out
}

func configPagesFromProto(pages []*pb.ConfigPage) []ipaas.ConfigPage {
	var out []ipaas.ConfigPage
	for _, p := range pages {
		page := ipaas.ConfigPage{ID: p.GetId(), Title: p.GetTitle(), Tagline: p.GetTagline()}
		for _, e := range p.GetElements() {
			page.Elements = append(page.Elements, ipaas.ConfigElement{Heading: e.GetHeading(), ConfigVariable: e.GetConfigVariable()})
		}
		out = append(out, page)
	}
	return out
}
