package api

import (
	"github.com/headrace/headrace/internal/ipaas"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

func customerToProto(c ipaas.Customer) *pb.Customer {
	return &pb.Customer{
		Id: c.ID, Uid: c.UID, DisplayName: c.DisplayName, ExternalId: c.ExternalID, Description: c.Description, Labels: c.Labels,
		MaxConcurrency: count(c.MaxConcurrency), Etag: etagOf(c.UID, c.Revision), CreateTime: timeToProto(c.CreateTime), UpdateTime: timeToProto(c.UpdateTime),
	}
}

// customerFromProto reads all but the revision, which an etag stands for.
func customerFromProto(c *pb.Customer) ipaas.Customer {
	return ipaas.Customer{
		ID: c.GetId(), UID: c.GetUid(), DisplayName: c.GetDisplayName(), ExternalID: c.GetExternalId(),
		Description: c.GetDescription(), Labels: c.GetLabels(), MaxConcurrency: int(c.GetMaxConcurrency()),
		CreateTime: timeFromProto(c.GetCreateTime()), UpdateTime: timeFromProto(c.GetUpdateTime()),
	}
}
