package api

import (
	"maps"
	"slices"

	"github.com/headrace/headrace/internal/config"
	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

func instanceToProto(in ipaas.Instance, view control.InstanceView) *pb.Instance {
	out := &pb.Instance{
		Id: in.ID, Uid: in.UID, DisplayName: in.DisplayName, Description: in.Description,
		Kind: enumToProto[pb.Instance_Kind](in.Kind), CustomerId: in.CustomerID, IntegrationId: in.IntegrationID,
		Version: count(in.Version), State: enumToProto[pb.Instance_State](in.State),
		Paused: in.Paused, PauseMode: enumToProto[pb.Instance_PauseMode](in.PauseMode),
		NeedsDeploy: in.NeedsDeploy(), Generation: count(in.Generation), Labels: in.Labels, LastDeploymentId: in.DeploymentID,
		MaxConcurrency: count(in.MaxConcurrency), EndpointUrl: view.EndpointURL,
		Registrations: registrationsToProto(view.Registrations), Etag: etagOf(in.UID, in.Revision),
		CreateTime: timeToProto(in.CreateTime), UpdateTime: timeToProto(in.UpdateTime), DeployTime: timeToProto(in.DeployTime),
	}
	for _, f := range view.Flows {
		out.Flows = append(out.Flows, &pb.InstanceFlow{
			FlowId: f.FlowID, DisplayName: f.DisplayName, TriggerType: f.TriggerType, WebhookUrl: f.URL,
			Security: enumToProto[pb.Flow_Security](f.Security), KeyCount: count(f.Keys), Locked: f.Locked,
			Schedule: f.Schedule, NextRunTime: timeToProto(f.NextRunTime),
		})
	}
	if len(view.Config) > 0 {
		out.ConfigValues = make(map[string]*pb.ConfigValue, len(view.Config))
	}
	for id, v := range view.Config {
		out.ConfigValues[id] = configValueToProto(v)
	}
	return out
}

// instanceFromProto reads what a caller may say of an instance, apart from its config values.
func instanceFromProto(in *pb.Instance) ipaas.Instance {
	return ipaas.Instance{
		ID: in.GetId(), DisplayName: in.GetDisplayName(), Description: in.GetDescription(),
		CustomerID: in.GetCustomerId(), IntegrationID: in.GetIntegrationId(), Labels: in.GetLabels(),
		MaxConcurrency: int(in.GetMaxConcurrency()),
	}
}

func configValueToProto(v config.View) *pb.ConfigValue {
	out := &pb.ConfigValue{
		Source: enumToProto[pb.ConfigValue_Source](v.Source), SecretSet: v.SecretSet, SecretInputsSet: v.SecretInputsSet,
	}
	switch {
	case v.JSON == "":
	case v.Typed:
		out.Kind = &pb.ConfigValue_Json{Json: v.JSON}
	default:
		out.Kind = &pb.ConfigValue_Value{Value: jsonToProto(v.JSON)}
	}
	return out
}

// configInput reads a config value that is to be set. An empty one goes back to the default.
func (d *decoding) configInput(path string, v *pb.ConfigValue) config.Input {
	switch kind := v.GetKind().(type) {
	case *pb.ConfigValue_Value:
		return config.Input{JSON: d.boundedJSON(joinPath(path, "value"), kind.Value, maxConfigJSON)}
	case *pb.ConfigValue_Json:
		return config.Input{JSON: d.jsonText(joinPath(path, "json"), kind.Json), Typed: true}
	}
	return config.Input{}
}

// configInputs reads the config values that are to be set one by one. What only repeats what a read showed - a default, or that a
// secret is set - stays as it is, so that an instance may be read, changed and sent back whole.
func (d *decoding) configInputs(path string, values map[string]*pb.ConfigValue) map[string]config.Input {
	out := make(map[string]config.Input, len(values))
	for _, id := range slices.Sorted(maps.Keys(values)) {
		if v := values[id]; !echoes(v) {
			out[id] = d.configInput(keyPath(path, id), v)
		}
	}
	return out
}

// echoes reports whether a config value is what a read showed and not one to set.
func echoes(v *pb.ConfigValue) bool {
	return v.GetSource() == pb.ConfigValue_SOURCE_DEFAULT ||
		v.GetKind() == nil && (v.GetSecretSet() || len(v.GetSecretInputsSet()) > 0)
}

func wizardToProto(w control.Wizard) *pb.ConfigWizard {
	out := &pb.ConfigWizard{
		InstanceId: w.Instance.ID, Complete: w.Complete, Etag: etagOf(w.Instance.UID, w.Instance.Revision),
	}
	for _, page := range w.Pages {
		out.Pages = append(out.Pages, wizardPageToProto(page))
	}
	return out
}

func wizardPageToProto(p control.WizardPage) *pb.ConfigWizardPage {
	out := &pb.ConfigWizardPage{Id: p.ID, Title: p.Title, Tagline: p.Tagline, Complete: p.Complete}
	for _, e := range p.Elements {
		element := &pb.ConfigWizardElement{Kind: &pb.ConfigWizardElement_Heading{Heading: e.Heading}}
		if v := e.Variable; v != nil {
			element.Kind = &pb.ConfigWizardElement_Variable{Variable: &pb.ConfigWizardVariable{
				ConfigVariable: configVariableToProto(v.Variable, "", ""), Value: configValueToProto(v.Value),
				Problems: problemsToProto(v.Problems),
			}}
		}
		out.Elements = append(out.Elements, element)
	}
	return out
}
