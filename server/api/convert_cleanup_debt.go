package api

import (
	"github.com/headrace/headrace/internal/ipaas"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

func cleanupDebtToProto(d ipaas.CleanupDebt) *pb.CleanupDebt {
	return &pb.CleanupDebt{
		Id: d.ID, State: enumToProto[pb.CleanupDebt_State](d.Standing()), Reason: enumToProto[pb.CleanupDebt_Reason](d.Reason),
		Error: d.Error, InstanceId: d.InstanceID, InstanceDeleted: d.InstanceDeleted, CustomerId: d.CustomerID,
		IntegrationId: d.IntegrationID, FlowId: d.FlowID, StepId: d.StepID, Action: d.Action,
		ComponentVersion: count(d.ComponentVersion), RemoteId: d.RemoteID, DeploymentId: d.DeploymentID, ExecutionId: d.ExecutionID,
		Tries: count(d.Tries), LastTryTime: timeToProto(d.LastTryTime), NextTryTime: timeToProto(d.NextTryTime),
		Comment: d.Comment, ForgivenBy: d.ForgivenBy, ForgiveTime: timeToProto(d.ForgiveTime),
		Etag: etagOf(d.ID, d.UpdateTime.UnixMicro()), CreateTime: timeToProto(d.CreateTime),
	}
}
