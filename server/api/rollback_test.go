package api_test

import (
	"testing"

	"google.golang.org/grpc/codes"

	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// TestRollbackInstance goes back to an earlier deployment over both faces.
func TestRollbackInstance(t *testing.T) {
	t.Parallel()
	eachFace(t, func(t *testing.T, call face) {
		r := newRemote(t)
		r.registrar(t, call)
		r.instance(t, call, "one")
		refused(t, call, &pb.RollbackInstanceRequest{InstanceId: "one"}, codes.FailedPrecondition, "NOTHING_TO_ROLL_BACK")
		first := ok[*pb.DeployInstanceResponse](t, call, &pb.DeployInstanceRequest{InstanceId: "one"}).GetDeployment()
		r.topic(t, call, "one", "second")
		second := ok[*pb.DeployInstanceResponse](t, call, &pb.DeployInstanceRequest{InstanceId: "one"})

		plan := ok[*pb.RollbackInstanceResponse](t, call, &pb.RollbackInstanceRequest{InstanceId: "one", ValidateOnly: true})
		if plan.GetPlan().GetGeneration() != 3 || len(plan.GetPlan().GetChangedConfigVariableIds()) != 1 || plan.GetDeployment() != nil {
			t.Errorf("plan: %v", plan)
		}
		refused(t, call, &pb.RollbackInstanceRequest{InstanceId: "one", Etag: "old"}, codes.Aborted, "STALE_ETAG")
		back := ok[*pb.RollbackInstanceResponse](t, call, &pb.RollbackInstanceRequest{InstanceId: "one", Etag: second.GetInstance().GetEtag()})
		if d := back.GetDeployment(); d.GetSourceDeploymentId() != first.GetId() || d.GetState() != pb.Deployment_STATE_SUCCEEDED || len(back.GetExecutions()) != 1 {
			t.Errorf("rolled back: %v", back)
		}
		if in := back.GetInstance(); in.GetNeedsDeploy() || in.GetConfigValues()["topic"].GetValue().GetStringValue() != "first" {
			t.Errorf("instance: %v", in)
		}
		again := ok[*pb.RollbackInstanceResponse](t, call, &pb.RollbackInstanceRequest{InstanceId: "one", DeploymentId: second.GetDeployment().GetId()})
		if again.GetInstance().GetConfigValues()["topic"].GetValue().GetStringValue() != "second" {
			t.Errorf("forward again: %v", again)
		}
		refused(t, call, &pb.RollbackInstanceRequest{InstanceId: "one", DeploymentId: "nothing"}, codes.NotFound, "NOT_FOUND")
	})
}
