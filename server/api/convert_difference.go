package api

import (
	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

func diffToProto(r control.DiffResult) *pb.DiffIntegrationVersionsResponse {
	out := &pb.DiffIntegrationVersionsResponse{MoreIncompleteInstances: r.MoreIncomplete}
	for _, d := range r.Differences {
		out.Differences = append(out.Differences, differenceToProto(d))
	}
	for _, in := range r.Incomplete {
		one := &pb.IncompleteInstance{InstanceId: in.InstanceID, CustomerId: in.CustomerID, Version: count(in.Version)}
		for _, p := range in.Problems {
			one.Problems = append(one.Problems, &pb.ConfigProblem{Field: restPath(p.Field), Reason: string(p.Reason), Description: p.Description})
		}
		out.IncompleteInstances = append(out.IncompleteInstances, one)
	}
	return out
}

func differenceToProto(d ipaas.Difference) *pb.Difference {
	out := &pb.Difference{
		Kind: enumToProto[pb.Difference_Kind](d.Kind), Element: enumToProto[pb.Difference_Element](d.Element),
		FlowId: d.FlowID, Id: d.ID, DisplayName: d.Name, OldDisplayName: d.OldName, Path: d.Path,
	}
	for _, f := range d.Fields {
		out.Fields = append(out.Fields, &pb.FieldDifference{Field: f.Field, Before: f.Before, After: f.After})
	}
	return out
}
