package api

import (
	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// stateEntryToProto shows an entry as lists do: without its value.
func stateEntryToProto(e ipaas.StateEntry, instanceID string) *pb.StateEntry {
	return &pb.StateEntry{
		Id: e.ID, InstanceId: instanceID, Scope: enumToProto[pb.StateEntry_Scope](e.Place.Scope), FlowId: e.Place.FlowID, Key: e.Key,
		Size: count(e.Size), ExecutionId: e.ExecutionID, Etag: etagOf(e.ID, e.Revision),
		CreateTime: timeToProto(e.CreateTime), UpdateTime: timeToProto(e.UpdateTime),
	}
}

func stateViewToProto(e control.StateEntryView, instanceID string) *pb.StateEntry {
	out := stateEntryToProto(e.StateEntry, instanceID)
	out.Value, out.ValueJson, out.Redacted = valueToProto(e.Value), string(value.JSON(e.Value)), e.Redacted
	return out
}
