package api_test

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// upgradeEnded waits for the end of an upgrade.
func upgradeEnded(t *testing.T, call face, id string) *pb.Upgrade {
	t.Helper()
	for deadline := time.Now().Add(inVain); time.Now().Before(deadline); {
		u := ok[*pb.GetUpgradeResponse](t, call, &pb.GetUpgradeRequest{UpgradeId: id}).GetUpgrade()
		if u.GetEndTime() != nil {
			return u
		}
		time.Sleep(10 * time.Millisecond) // between looks
	}
	t.Fatalf("upgrade %s does not end", id)
	return nil
}

// TestUpgrades tells the life of an upgrade over both faces.
func TestUpgrades(t *testing.T) {
	t.Parallel()
	eachFace(t, func(t *testing.T, call face) {
		r := newRemote(t)
		r.registrar(t, call)
		for _, id := range []string{"a", "b", "c"} {
			r.instance(t, call, id)
			ok[*pb.DeployInstanceResponse](t, call, &pb.DeployInstanceRequest{InstanceId: id})
			r.topic(t, call, id, "second")
		}
		r.publish(t, call, "  - {displayName: New, type: TYPE_STRING, defaultValue: x}")

		for _, wrong := range []struct {
			upgrade *pb.Upgrade
			want    string
		}{
			{&pb.Upgrade{IntegrationId: "registrar", Filter: "colour = 3"}, "filter MALFORMED"},
			{&pb.Upgrade{IntegrationId: "registrar", Parallelism: 17}, "parallelism TOO_LARGE"},
			{&pb.Upgrade{}, "integrationId REQUIRED"},
		} {
			refused(t, call, &pb.CreateUpgradeRequest{Upgrade: wrong.upgrade}, codes.InvalidArgument, "INVALID_ARGUMENT", wrong.want)
		}
		refused(t, call, &pb.CreateUpgradeRequest{Upgrade: &pb.Upgrade{IntegrationId: "registrar", Version: 9}}, codes.NotFound, "NOT_FOUND")
		upgrade := &pb.Upgrade{IntegrationId: "registrar", Filter: `customer_id != "of-c"`, MaxFailures: 5, CanaryCount: proto.Int32(1)}
		plan := ok[*pb.CreateUpgradeResponse](t, call, &pb.CreateUpgradeRequest{Upgrade: upgrade, ValidateOnly: true}).GetUpgrade()
		if plan.GetTotal() != 2 || plan.GetRemaining() != 2 || len(plan.GetPlan()) != 2 || plan.GetPlan()[0].GetState() != pb.UpgradeResult_STATE_PENDING {
			t.Errorf("plan: %v", plan)
		}

		r.broken.Store(true)
		created := ok[*pb.CreateUpgradeResponse](t, call, &pb.CreateUpgradeRequest{Upgrade: upgrade, RequestId: "r"}).GetUpgrade()
		again := ok[*pb.CreateUpgradeResponse](t, call, &pb.CreateUpgradeRequest{Upgrade: upgrade, RequestId: "r"}).GetUpgrade()
		if created.GetId() != again.GetId() || created.GetVersion() != 2 || created.GetParallelism() != 4 {
			t.Errorf("created %v, then %v", created, again)
		}
		stopped := upgradeEnded(t, call, created.GetId())
		if stopped.GetState() != pb.Upgrade_STATE_STOPPED || stopped.GetFailed() != 1 || stopped.GetRemaining() != 1 || stopped.GetMessage() == "" {
			t.Errorf("stopped: %v", stopped)
		}
		results := ok[*pb.ListUpgradeResultsResponse](t, call, &pb.ListUpgradeResultsRequest{UpgradeId: created.GetId(), Filter: `state = "FAILED" AND canary`})
		if len(results.GetUpgradeResults()) != 1 || results.GetUpgradeResults()[0].GetReason() != "INIT_FLOW_FAILED" || results.GetUpgradeResults()[0].GetDeploymentId() == "" {
			t.Errorf("results: %v", results)
		}
		r.broken.Store(false)
		resumeAndList(t, call, stopped)
	})
}

func resumeAndList(t *testing.T, call face, stopped *pb.Upgrade) {
	t.Helper()
	refused(t, call, &pb.ResumeUpgradeRequest{UpgradeId: stopped.GetId(), Etag: "old"}, codes.Aborted, "STALE_ETAG")
	ok[*pb.ResumeUpgradeResponse](t, call, &pb.ResumeUpgradeRequest{UpgradeId: stopped.GetId(), ValidateOnly: true})
	ok[*pb.ResumeUpgradeResponse](t, call, &pb.ResumeUpgradeRequest{UpgradeId: stopped.GetId(), Etag: stopped.GetEtag()})
	if u := upgradeEnded(t, call, stopped.GetId()); u.GetState() != pb.Upgrade_STATE_SUCCEEDED || u.GetSucceeded() != 2 || u.GetFailed() != 0 {
		t.Errorf("resumed: %v", u)
	}
	canceled := ok[*pb.CancelUpgradeResponse](t, call, &pb.CancelUpgradeRequest{UpgradeId: stopped.GetId()}).GetUpgrade()
	if canceled.GetState() != pb.Upgrade_STATE_SUCCEEDED {
		t.Errorf("canceled after its end: %v", canceled)
	}
	list := ok[*pb.ListUpgradesResponse](t, call, &pb.ListUpgradesRequest{Filter: `integration_id = "registrar" AND state = "SUCCEEDED"`})
	if len(list.GetUpgrades()) != 1 {
		t.Errorf("upgrades: %v", list)
	}
	if c := ok[*pb.GetInstanceResponse](t, call, &pb.GetInstanceRequest{InstanceId: "c"}).GetInstance(); c.GetVersion() != 1 {
		t.Errorf("an instance that was not chosen: %v", c)
	}
	refused(t, call, &pb.ListUpgradeResultsRequest{UpgradeId: "nothing"}, codes.NotFound, "NOT_FOUND")
}
