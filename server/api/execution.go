package api

import (
	"cmp"
	"context"
	"strconv"

	"google.golang.org/grpc"

	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// GetExecution implements ExecutionService.
func (s *services) GetExecution(ctx context.Context, req *pb.GetExecutionRequest) (*pb.GetExecutionResponse, error) {
	ex, err := s.store.GetExecution(ctx, req.GetExecutionId())
	if err != nil {
		return nil, err
	}
	if !full(req.GetView(), true) {
		return &pb.GetExecutionResponse{Execution: executionToProto(ex)}, nil
	}
	out, err := s.showExecution(ctx, ex)
	return &pb.GetExecutionResponse{Execution: out}, err
}

// ListExecutions implements ExecutionService.
func (s *services) ListExecutions(ctx context.Context, req *pb.ListExecutionsRequest) (*pb.ListExecutionsResponse, error) {
	q, err := s.pages.query(req, executionFields)
	if err != nil {
		return nil, err
	}
	page, err := s.store.ListExecutions(ctx, q)
	if err != nil {
		return nil, err
	}
	resp := &pb.ListExecutionsResponse{NextPageToken: s.pages.token(req, page.Next), Executions: executionsToProto(page.Items)}
	if !full(req.GetView(), false) {
		return resp, nil
	}
	for i, ex := range page.Items {
		if resp.Executions[i], err = s.showExecution(ctx, ex); err != nil {
			return nil, err
		}
	}
	return resp, nil
}

// ListStepResults implements ExecutionService.
func (s *services) ListStepResults(ctx context.Context, req *pb.ListStepResultsRequest) (*pb.ListStepResultsResponse, error) {
	after, err := s.pages.sequence(req)
	if err != nil {
		return nil, err
	}
	steps, more, err := s.plane.StepResults(ctx, req.GetExecutionId(), after, pageSize(req))
	if err != nil {
		return nil, err
	}
	resp := &pb.ListStepResultsResponse{}
	if more {
		resp.NextPageToken = s.pages.token(req, strconv.FormatInt(steps[len(steps)-1].Sequence, 10))
	}
	for _, step := range steps {
		out, err := stepResultToProto(step)
		if err != nil {
			return nil, err
		}
		resp.StepResults = append(resp.StepResults, out)
	}
	return resp, nil
}

// ListLogs implements ExecutionService.
func (s *services) ListLogs(ctx context.Context, req *pb.ListLogsRequest) (*pb.ListLogsResponse, error) {
	after, err := s.pages.sequence(req)
	if err != nil {
		return nil, err
	}
	size := pageSize(req)
	lines, err := s.plane.Logs(ctx, req.GetExecutionId(), after, size+1)
	if err != nil {
		return nil, err
	}
	resp := &pb.ListLogsResponse{}
	if len(lines) > size {
		lines = lines[:size]
		resp.NextPageToken = s.pages.token(req, strconv.FormatInt(lines[size-1].Sequence, 10))
	}
	for _, line := range lines {
		resp.Logs = append(resp.Logs, logToProto(line))
	}
	return resp, nil
}

// TailExecution implements ExecutionService.
func (s *services) TailExecution(req *pb.TailExecutionRequest, stream grpc.ServerStreamingServer[pb.TailExecutionResponse]) error {
	return s.plane.Tail(stream.Context(), req.GetExecutionId(), func(e control.TailEvent) error {
		event, err := tailEventToProto(e)
		if err != nil {
			return err
		}
		return stream.Send(event)
	})
}

// CancelExecution implements ExecutionService.
func (s *services) CancelExecution(ctx context.Context, req *pb.CancelExecutionRequest) (*pb.CancelExecutionResponse, error) {
	ex, err := s.plane.CancelExecution(ctx, req.GetExecutionId(), mutation(req, 0))
	if err != nil {
		return nil, err
	}
	return &pb.CancelExecutionResponse{Execution: executionToProto(ex)}, nil
}

// ReplayExecution implements ExecutionService.
func (s *services) ReplayExecution(ctx context.Context, req *pb.ReplayExecutionRequest) (*pb.ReplayExecutionResponse, error) {
	ex, err := s.plane.ReplayExecution(ctx, req.GetExecutionId(), control.ReplayOptions{
		FromStep: req.GetFromStep(), FromFailed: req.GetFromFailed(), FreshKeys: req.GetFreshKeys(),
	}, mutation(req, 0))
	if err != nil {
		return nil, err
	}
	return &pb.ReplayExecutionResponse{Execution: executionToProto(ex)}, nil
}

// defaultReplays is how many executions are replayed at once where nothing is said.
const defaultReplays = 100

// ReplayExecutions implements ExecutionService.
func (s *services) ReplayExecutions(ctx context.Context, req *pb.ReplayExecutionsRequest) (*pb.ReplayExecutionsResponse, error) {
	filter, err := parseFilter(req.GetFilter(), executionFields)
	if err != nil {
		return nil, err
	}
	most := cmp.Or(int(req.GetMax()), defaultReplays)
	done, err := s.plane.ReplayExecutions(ctx, filter, most, control.ReplayOptions{
		FromFailed: req.GetFromFailed(), FreshKeys: req.GetFreshKeys(),
	}, mutation(req, 0))
	if err != nil {
		return nil, err
	}
	resp := &pb.ReplayExecutionsResponse{Count: count(done.Count), More: done.More}
	for _, ex := range done.Executions {
		resp.ExecutionIds = append(resp.ExecutionIds, ex.ID)
	}
	for _, skipped := range done.Skipped {
		resp.Skipped = append(resp.Skipped, &pb.ReplayExecutionsResponse_Skipped{
			ExecutionId: skipped.ExecutionID, Reason: string(skipped.Reason), Message: skipped.Message,
		})
	}
	return resp, nil
}

// executionsToProto shows executions without results, step results and logs.
func executionsToProto(executions []ipaas.Execution) []*pb.Execution {
	var out []*pb.Execution
	for _, ex := range executions {
		out = append(out, executionToProto(ex))
	}
	return out
}

// sequence returns the sequence number after which a page of step results or log lines begins.
func (p pager) sequence(req listing) (int64, error) {
	cursor, err := p.cursor(req)
	if err != nil || cursor == "" {
		return 0, err
	}
	// The cursor was signed, so it is one of ours.
	return strconv.ParseInt(cursor, 10, 64)
}
