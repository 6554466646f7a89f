package api

import (
	"github.com/headrace/headrace/internal/ipaas"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// flowKeyToProto shows a key without its text.
func flowKeyToProto(k ipaas.FlowKey) *pb.FlowKey {
	return &pb.FlowKey{
		Id: k.ID, DisplayName: k.DisplayName, LastFour: k.LastFour, InstanceId: k.InstanceID, IntegrationId: k.IntegrationID,
		FlowId: k.FlowID, CreateTime: timeToProto(k.CreateTime),
	}
}
