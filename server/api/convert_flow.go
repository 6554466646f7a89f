package api

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/headrace/headrace/internal/ipaas"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// flowToProto shows a flow at its place in an integration. etag is the integration's, or "" where the integration is shown around it.
func flowToProto(f ipaas.Flow, integrationID string, position int, etag string) *pb.Flow {
	at := count(position)
	return &pb.Flow{
		Id: f.ID, IntegrationId: integrationID, Uid: f.UID, DisplayName: f.DisplayName, Description: f.Description,
		Trigger: triggerToProto(f.Trigger), Steps: stepsToProto(f.Steps), Synchronous: f.Synchronous,
		TestPayload: testPayloadToProto(f.TestPayload), Position: &at, Etag: etag,
		Concurrency: count(f.Concurrency), Ordering: orderingToProto(f.Ordering), Retry: retryToProto(f.Retry),
		DeduplicationKey: keyToProto(f.DeduplicationKey), Timeout: durationToProto(f.Timeout),
		StableKey: f.StableKey, Security: enumToProto[pb.Flow_Security](f.Security),
		CreateTime: timeToProto(f.CreateTime), UpdateTime: timeToProto(f.UpdateTime),
	}
}

// flow reads a flow. Its integration, its position and its etag are the handlers' business.
func (d *decoding) flow(path string, f *pb.Flow) ipaas.Flow {
	return ipaas.Flow{
		ID: f.GetId(), UID: f.GetUid(), DisplayName: f.GetDisplayName(), Description: f.GetDescription(),
		Trigger: d.trigger(joinPath(path, "trigger"), f.GetTrigger()), Steps: d.steps(joinPath(path, "steps"), f.GetSteps(), 0),
		Synchronous: f.GetSynchronous(), TestPayload: d.testPayload(joinPath(path, "test_payload"), f.GetTestPayload()),
		Concurrency: int(f.GetConcurrency()), Ordering: d.ordering(joinPath(path, "ordering"), f.GetOrdering()),
		Retry: d.retry(joinPath(path, "retry"), f.GetRetry()), DeduplicationKey: d.key(joinPath(path, "deduplication_key"), f.GetDeduplicationKey()),
		Timeout: f.GetTimeout().AsDuration(), StableKey: f.GetStableKey(), Security: enumFromProto[ipaas.FlowSecurity](f.GetSecurity()),
		CreateTime: timeFromProto(f.GetCreateTime()), UpdateTime: timeFromProto(f.GetUpdateTime()),
	}
}

func orderingToProto(o *ipaas.Ordering) *pb.Ordering {
	if o == nil {
		return nil
	}
	return &pb.Ordering{
		Scope: enumToProto[pb.Ordering_Scope](o.Scope), Key: keyToProto(o.Key), OnFailure: enumToProto[pb.Ordering_FailureEffect](o.OnFailure),
	}
}

func (d *decoding) ordering(path string, o *pb.Ordering) *ipaas.Ordering {
	if o == nil {
		return nil
	}
	return &ipaas.Ordering{
		Scope: enumFromProto[ipaas.OrderingScope](o.GetScope()), Key: d.key(joinPath(path, "key"), o.GetKey()),
		OnFailure: enumFromProto[ipaas.FailureEffect](o.GetOnFailure()),
	}
}

func keyToProto(key *ipaas.Input) *pb.Input {
	if key == nil {
		return nil
	}
	return inputToProto(*key)
}

func (d *decoding) key(path string, in *pb.Input) *ipaas.Input {
	if in == nil {
		return nil
	}
	key := d.input(path, in, 0)
	return &key
}

func retryToProto(r *ipaas.Retry) *pb.Retry {
	if r == nil {
		return nil
	}
	return &pb.Retry{
		MaxAttempts: count(r.MaxAttempts), Delay: durationToProto(r.Delay), Multiplier: count(r.Multiplier), MaxDelay: durationToProto(r.MaxDelay),
		RequestKey: keyToProto(r.RequestKey),
	}
}

func (d *decoding) retry(path string, r *pb.Retry) *ipaas.Retry {
	if r == nil {
		return nil
	}
	return &ipaas.Retry{
		MaxAttempts: int(r.GetMaxAttempts()), Delay: r.GetDelay().AsDuration(), Multiplier: int(r.GetMultiplier()), MaxDelay: r.GetMaxDelay().AsDuration(),
		RequestKey: d.key(joinPath(path, "request_key"), r.GetRequestKey()),
	}
}

// durationToProto shows a span, and nothing for none.
func durationToProto(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}

func triggerToProto(t ipaas.Trigger) *pb.Trigger {
	return &pb.Trigger{
		DisplayName: t.DisplayName, Type: t.Type, Inputs: inputsToProto(t.Inputs), Description: t.Description, Schedule: scheduleToProto(t.Schedule),
	}
}

func (d *decoding) trigger(path string, t *pb.Trigger) ipaas.Trigger {
	return ipaas.Trigger{
		DisplayName: t.GetDisplayName(), Description: t.GetDescription(), Type: t.GetType(),
		Inputs: d.inputs(joinPath(path, "inputs"), t.GetInputs()), Schedule: scheduleFromProto(t.GetSchedule()),
	}
}

func scheduleToProto(s *ipaas.Schedule) *pb.Schedule {
	if s == nil {
		return nil
	}
	out := &pb.Schedule{TimeZone: s.TimeZone, Singleton: s.Singleton}
	switch {
	case s.Cron != "":
		out.When = &pb.Schedule_Cron{Cron: s.Cron}
	case s.Every != 0:
		out.When = &pb.Schedule_Every{Every: durationToProto(s.Every)}
	case s.ConfigVariable != "":
		out.When = &pb.Schedule_ConfigVariable{ConfigVariable: s.ConfigVariable}
	}
	return out
}

func scheduleFromProto(s *pb.Schedule) *ipaas.Schedule {
	if s == nil {
		return nil
	}
	return &ipaas.Schedule{
		Cron: s.GetCron(), Every: s.GetEvery().AsDuration(), ConfigVariable: s.GetConfigVariable(), TimeZone: s.GetTimeZone(), Singleton: s.GetSingleton(),
	}
}

func errorHandlingToProto(h *ipaas.ErrorHandling) *pb.ErrorHandling {
	if h == nil {
		return nil
	}
	return &pb.ErrorHandling{
		Effect: enumToProto[pb.ErrorHandling_Effect](h.Effect), MaxAttempts: count(h.MaxAttempts), Delay: durationToProto(h.Delay),
		Multiplier: count(h.Multiplier), IgnoreFinal: h.IgnoreFinal,
	}
}

func errorHandlingFromProto(h *pb.ErrorHandling) *ipaas.ErrorHandling {
	if h == nil {
		return nil
	}
	return &ipaas.ErrorHandling{
		Effect: enumFromProto[ipaas.ErrorEffect](h.GetEffect()), MaxAttempts: int(h.GetMaxAttempts()), Delay: h.GetDelay().AsDuration(),
		Multiplier: int(h.GetMultiplier()), IgnoreFinal: h.GetIgnoreFinal(),
	}
}

func stepsToProto(steps []ipaas.Step) []*pb.Step {
	var out []*pb.Step
	for _, s := range steps {
		step := &pb.Step{
			Id: s.ID, DisplayName: s.DisplayName, Description: s.Description, Action: s.Action,
			Inputs: inputsToProto(s.Inputs), Steps: stepsToProto(s.Steps), OnError: errorHandlingToProto(s.OnError), StableKey: s.StableKey,
		}
		for _, b := range s.Branches {
			step.Branches = append(step.Branches, &pb.Branch{Name: b.Name, Steps: stepsToProto(b.Steps)})
		}
		out = append(out, step)
	}
	return out
}

// maxStepDepth is how deep branches and loops are read; how deep they may run is the plane's to say.
const maxStepDepth = 64

func (d *decoding) steps(path string, steps []*pb.Step, depth int) []ipaas.Step {
	if depth > maxStepDepth {
		d.refuse(path, ipaas.ReasonTooDeep, "branches and loops nest deeper than %d levels: flatten them", maxStepDepth)
		return nil
	}
	var out []ipaas.Step
	for i, s := range steps {
		at := indexPath(path, i)
		step := ipaas.Step{
			ID: s.GetId(), DisplayName: s.GetDisplayName(), Description: s.GetDescription(), Action: s.GetAction(),
			Inputs: d.inputs(joinPath(at, "inputs"), s.GetInputs()), Steps: d.steps(joinPath(at, "steps"), s.GetSteps(), depth+1),
			OnError: errorHandlingFromProto(s.GetOnError()), StableKey: s.GetStableKey(),
		}
		for j, b := range s.GetBranches() {
			branch := indexPath(joinPath(at, "branches"), j)
			step.Branches = append(step.Branches, ipaas.Branch{
				Name: b.GetName(), Steps: d.steps(joinPath(branch, "steps"), b.GetSteps(), depth+1),
			})
		}
		out = append(out, step)
	}
	return out
}

func testPayloadToProto(p *ipaas.TestPayload) *pb.TestPayload {
	if p == nil {
		return nil
	}
	out := &pb.TestPayload{
		Headers: p.Headers, ContentType: p.ContentType, Method: p.Method, Query: p.Query, Path: p.Path,
	}
	switch p.Kind {
	case ipaas.BodyText:
		out.Body = &pb.TestPayload_Text{Text: p.Text}
	case ipaas.BodyJSON:
		out.Body = &pb.TestPayload_Json{Json: literalToProto(p.Text)}
	case ipaas.BodyBinary:
		out.Body = &pb.TestPayload_Binary{Binary: p.Binary}
	}
	return out
}

func (d *decoding) testPayload(path string, p *pb.TestPayload) *ipaas.TestPayload {
	if p == nil {
		return nil
	}
	out := &ipaas.TestPayload{
		Headers: p.GetHeaders(), ContentType: p.GetContentType(), Method: p.GetMethod(), Query: p.GetQuery(), Path: p.GetPath(),
	}
	switch body := p.GetBody().(type) {
	case *pb.TestPayload_Text:
		out.Kind, out.Text = ipaas.BodyText, body.Text
	case *pb.TestPayload_Json:
		out.Kind, out.Text = ipaas.BodyJSON, d.boundedJSON(joinPath(path, "json"), body.Json, maxInputJSON)
	case *pb.TestPayload_Binary:
		out.Kind, out.Binary = ipaas.BodyBinary, body.Binary
	}
	return out
}
