package api

import (
	"google.golang.org/protobuf/proto"

	"github.com/headrace/headrace/internal/ipaas"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// defaultCanaries is how many instances are moved first where the caller does not say.
const defaultCanaries = 1

func upgradeToProto(u ipaas.Upgrade) *pb.Upgrade {
	return &pb.Upgrade{
		Id: u.ID, IntegrationId: u.IntegrationID, Version: count(u.Version), Filter: u.Filter,
		CanaryCount: proto.Int32(count(u.CanaryCount)), MaxFailures: count(u.MaxFailures), Parallelism: count(u.Parallelism),
		IncludeUpToDate: u.IncludeUpToDate, State: enumToProto[pb.Upgrade_State](u.State), Message: u.Message, Total: count(u.Total),
		Succeeded: count(u.Succeeded), Failed: count(u.Failed), Skipped: count(u.Skipped), Remaining: count(u.Remaining()),
		Etag: etagOf(u.ID, u.Revision), CreateTime: timeToProto(u.CreateTime), UpdateTime: timeToProto(u.UpdateTime),
		EndTime: timeToProto(u.EndTime),
	}
}

// upgradeFromProto reads what a caller may say of an upgrade.
func upgradeFromProto(u *pb.Upgrade) ipaas.Upgrade {
	out := ipaas.Upgrade{
		IntegrationID: u.GetIntegrationId(), Version: int(u.GetVersion()), Filter: u.GetFilter(), CanaryCount: defaultCanaries,
		MaxFailures: int(u.GetMaxFailures()), Parallelism: int(u.GetParallelism()), IncludeUpToDate: u.GetIncludeUpToDate(),
	}
	if u.CanaryCount != nil {
		out.CanaryCount = int(u.GetCanaryCount())
	}
	return out
}

func upgradeResultsToProto(results []ipaas.UpgradeResult) []*pb.UpgradeResult {
	var out []*pb.UpgradeResult
	for _, r := range results {
		out = append(out, &pb.UpgradeResult{
			InstanceId: r.InstanceID, CustomerId: r.CustomerID, State: enumToProto[pb.UpgradeResult_State](r.State), Canary: r.Canary,
			FromVersion: count(r.FromVersion), DeploymentId: r.DeploymentID, Reason: string(r.Reason), Message: r.Message,
			Problems: problemsToProto(r.Problems), StartTime: timeToProto(r.StartTime), EndTime: timeToProto(r.EndTime),
		})
	}
	return out
}
