package api

import (
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/rehearsal"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// rehearsal reads what a test is given in place of the world.
func (d *decoding) rehearsal(req *pb.TestFlowRequest) rehearsal.Rehearsal {
	out := rehearsal.Rehearsal{
		Default: d.boundedJSON("default_result", req.GetDefaultResult(), maxInputJSON), Offline: req.GetOffline(), Record: req.GetRecord(),
	}
	for i, r := range req.GetStepResults() {
		out.Results = append(out.Results, d.cannedResult(indexPath("step_results", i), r))
	}
	for i, e := range req.GetExchanges() {
		out.Exchanges = append(out.Exchanges, d.exchange(indexPath("exchanges", i), e))
	}
	return out
}

func (d *decoding) cannedResult(path string, r *pb.CannedResult) ipaas.CannedResult {
	out := ipaas.CannedResult{
		Action: r.GetAction(), Step: r.GetStep(), Branch: r.GetBranch(), Error: r.GetError(),
		Result: d.boundedJSON(joinPath(path, "result"), r.GetResult(), maxInputJSON),
	}
	if exact := r.GetResultJson(); exact != "" {
		if out.Result != "" {
			d.refuse(joinPath(path, "result_json"), ipaas.ReasonMisplaced, "stands beside result: give one of them")
		}
		out.Result = exact
	}
	return out
}
