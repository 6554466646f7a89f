package api

import (
	"github.com/headrace/headrace/internal/ipaas"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// componentToProto leaves out connection types, actions and triggers unless full.
func componentToProto(c ipaas.Component, full bool) *pb.Component {
	out := &pb.Component{
		Id: c.ID, Uid: c.UID, DisplayName: c.DisplayName, Description: c.Description,
		Kind: enumToProto[pb.Component_Kind](c.Kind), Version: count(c.Version),
		Etag: etagOf(c.UID, int64(c.Version)), CreateTime: timeToProto(c.CreateTime), UpdateTime: timeToProto(c.UpdateTime),
	}
	if !full {
		return out
	}
	for _, t := range c.ConnectionTypes {
		out.ConnectionTypes = append(out.ConnectionTypes, &pb.ConnectionType{
			Key: t.Key, DisplayName: t.DisplayName, Description: t.Description, Inputs: inputFieldsToProto(t.Inputs),
		})
	}
	for _, a := range c.Actions {
		out.Actions = append(out.Actions, actionToProto(a))
	}
	for _, t := range c.Triggers {
		out.Triggers = append(out.Triggers, &pb.TriggerType{
			Key: t.Key, DisplayName: t.DisplayName, Description: t.Description, Inputs: inputFieldsToProto(t.Inputs),
			Output: t.Output,
		})
	}
	return out
}

func (d *decoding) component(c *pb.Component) ipaas.Component {
	out := ipaas.Component{
		ID: c.GetId(), UID: c.GetUid(), DisplayName: c.GetDisplayName(), Description: c.GetDescription(),
		Kind: enumFromProto[ipaas.ComponentKind](c.GetKind()), Version: int(c.GetVersion()),
		CreateTime: timeFromProto(c.GetCreateTime()), UpdateTime: timeFromProto(c.GetUpdateTime()),
	}
	for i, t := range c.GetConnectionTypes() {
		at := indexPath("connection_types", i)
		out.ConnectionTypes = append(out.ConnectionTypes, ipaas.ConnectionType{
			Key: t.GetKey(), DisplayName: t.GetDisplayName(), Description: t.GetDescription(),
			Inputs: d.inputFields(joinPath(at, "inputs"), t.GetInputs()),
		})
	}
	for i, a := range c.GetActions() {
		out.Actions = append(out.Actions, d.action(indexPath("actions", i), a))
	}
	for i, t := range c.GetTriggers() {
		at := indexPath("triggers", i)
		out.Triggers = append(out.Triggers, ipaas.TriggerType{
			Key: t.GetKey(), DisplayName: t.GetDisplayName(), Description: t.GetDescription(),
			Inputs: d.inputFields(joinPath(at, "inputs"), t.GetInputs()), Output: t.GetOutput(),
		})
	}
	return out
}

func actionToProto(a ipaas.Action) *pb.Action {
	out := &pb.Action{
		Key: a.Key, DisplayName: a.DisplayName, Description: a.Description, Effect: enumToProto[pb.Action_Effect](a.Effect),
		Inputs: inputFieldsToProto(a.Inputs), Result: a.Result, Loops: a.Loops, Branches: a.Branches, Output: a.Output,
	}
	if r := a.Request; r != nil {
		out.Request = &pb.HttpRequest{
			Method: r.Method, Url: r.URL, Headers: r.Headers, Query: r.Query, Body: jsonToProto(r.Body),
		}
		for _, status := range r.SuccessStatuses {
			out.Request.SuccessStatuses = append(out.Request.SuccessStatuses, count(status))
		}
	}
	if u := a.Undo; u != nil {
		out.Undo = &pb.Undo{Action: u.Action, Inputs: u.Inputs, RemoteId: u.RemoteID}
	}
	if f := a.Find; f != nil {
		out.Find = &pb.Find{
			Action: f.Action, Inputs: f.Inputs, Items: f.Items, Result: f.Result, Match: &pb.Match{Item: f.Match.Item, Equals: f.Match.Equals},
		}
	}
	if u := a.Update; u != nil {
		out.Update = &pb.Update{Action: u.Action, Inputs: u.Inputs, Result: u.Result}
	}
	return out
}

func (d *decoding) action(path string, a *pb.Action) ipaas.Action {
	out := ipaas.Action{
		Key: a.GetKey(), DisplayName: a.GetDisplayName(), Description: a.GetDescription(),
		Effect: enumFromProto[ipaas.Effect](a.GetEffect()), Inputs: d.inputFields(joinPath(path, "inputs"), a.GetInputs()),
		Result: a.GetResult(), Loops: a.GetLoops(), Branches: a.GetBranches(), Output: a.GetOutput(),
	}
	if r := a.GetRequest(); r != nil {
		out.Request = &ipaas.HTTPRequest{
			Method: r.GetMethod(), URL: r.GetUrl(), Headers: r.GetHeaders(), Query: r.GetQuery(),
			Body: d.jsonOf(joinPath(path, "request.body"), r.GetBody()),
		}
		for _, status := range r.GetSuccessStatuses() {
			out.Request.SuccessStatuses = append(out.Request.SuccessStatuses, int(status))
		}
	}
	if u := a.GetUndo(); u != nil {
		out.Undo = &ipaas.Undo{Action: u.GetAction(), Inputs: u.GetInputs(), RemoteID: u.GetRemoteId()}
	}
	if f := a.GetFind(); f != nil {
		out.Find = &ipaas.Find{
			Action: f.GetAction(), Inputs: f.GetInputs(), Items: f.GetItems(), Result: f.GetResult(),
			Match: ipaas.Match{Item: f.GetMatch().GetItem(), Equals: f.GetMatch().GetEquals()},
		}
	}
	if u := a.GetUpdate(); u != nil {
		out.Update = &ipaas.Update{Action: u.GetAction(), Inputs: u.GetInputs(), Result: u.GetResult()}
	}
	return out
}

func inputFieldsToProto(fields []ipaas.InputField) []*pb.InputField {
	var out []*pb.InputField
	for _, f := range fields {
		out = append(out, &pb.InputField{
			Key: f.Key, DisplayName: f.DisplayName, Description: f.Description,
			Type:       enumToProto[pb.InputField_Type](f.Type),
			Collection: enumToProto[pb.InputField_Collection](f.Collection),
			Required:   f.Required, DefaultValue: jsonToProto(f.Default), Choices: f.Choices, Secret: f.Secret,
			Example: f.Example, ConnectionTypes: f.ConnectionTypes,
		})
	}
	return out
}

func (d *decoding) inputFields(path string, fields []*pb.InputField) []ipaas.InputField {
	var out []ipaas.InputField
	for i, f := range fields {
		out = append(out, ipaas.InputField{
			Key: f.GetKey(), DisplayName: f.GetDisplayName(), Description: f.GetDescription(),
			Type:       enumFromProto[ipaas.FieldType](f.GetType()),
			Collection: enumFromProto[ipaas.Collection](f.GetCollection()),
			Required:   f.GetRequired(), Default: d.jsonOf(joinPath(indexPath(path, i), "default_value"), f.GetDefaultValue()),
			Choices: f.GetChoices(), Secret: f.GetSecret(), Example: f.GetExample(), ConnectionTypes: f.GetConnectionTypes(),
		})
	}
	return out
}
