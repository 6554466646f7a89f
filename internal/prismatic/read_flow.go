package prismatic

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/expr"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// The words of triggers that the layouts before version 7 leave to the platform.
const (
	standardTrigger = "Standard Triggers.trigger"
	firstFlow       = "Flow 1" // what the only flow of an old layout is called where it comes from
)

// flows reads the flows, or the only one of a layout without flows, whose steps stand at the top.
func (r *reader) flows(o *object) {
	if !o.has("flows") && (o.has("steps") || o.has("trigger")) {
		f := ipaas.Flow{DisplayName: firstFlow}
		r.notes.add("steps", Assumed, "the layout has one flow without a name: it is called %q", firstFlow)
		r.places["flows[0]"], r.places["flows[0].displayName"] = "steps", "name"
		r.flow(o, "flows[0]", &f)
		r.def.Flows = []ipaas.Flow{f}
		return
	}
	for _, key := range []string{"steps", "trigger"} {
		if !isNothing(o.take(key)) {
			r.wrong(key, ipaas.ReasonMisplaced, "stands beside flows: move it into one of them")
		}
	}
	if o.yes("isSynchronous") {
		r.notes.add("isSynchronous", Dropped, "whether a flow is synchronous is said in the flow")
	}
	list := o.list("flows")
	if len(list) > ipaas.MaxFlows {
		r.wrong(o.path("flows"), ipaas.ReasonTooLarge, "there are %d flows: keep at most %d", len(list), ipaas.MaxFlows)
		return
	}
	for i, v := range list {
		f, native := ipaas.Flow{}, fmt.Sprintf("flows[%d]", i)
		in := r.object(item(o.path("flows"), i), v)
		r.places[native] = in.at
		f.DisplayName, f.Description, f.StableKey = in.name("name"), in.text("description"), in.text("stableKey")
		r.flow(in, native, &f)
		r.flowLeftovers(in)
		in.rest()
		r.def.Flows = append(r.def.Flows, f)
	}
}

// flow reads what a flow and a layout without flows have in common. native is its path in our words.
func (r *reader) flow(o *object, native string, f *ipaas.Flow) {
	f.Synchronous = o.yes("isSynchronous")
	f.Security = word(o, "endpointSecurityType", securities)
	steps := o.list("steps")
	first := 0
	switch trigger := o.take("trigger"); {
	case trigger != nil:
		r.trigger(r.object(o.path("trigger"), trigger), native, f)
	case len(steps) > 0 && isTrigger(steps[0]):
		r.trigger(r.object(item(o.path("steps"), 0), steps[0]), native, f)
		first = 1
	case len(steps) > 0 && runsNothing(steps[0]):
		r.notes.add(item(o.path("steps"), 0), Assumed, "it is not marked as the trigger, and is one by its component")
		r.trigger(r.object(item(o.path("steps"), 0), steps[0]), native, f)
		first = 1
	default:
		r.notes.add(cmp.Or(o.at, "steps"), Assumed, "the flow has no trigger: it is given a webhook")
		f.Trigger.Type = ipaas.TriggerWebhook
	}
	f.Steps = r.steps(o.path("steps"), native+".steps", steps, first, 1)
	r.distinct(native, f)
	r.retry(o, f)
	r.queue(o, native, f)
}

func isTrigger(v any) bool {
	step, ok := v.(*value.Object)
	if !ok {
		return false
	}
	said, _ := step.Get("isTrigger")
	is, _ := truth(said)
	return is
}

// runsNothing reports whether a step is of a component that has triggers alone.
func runsNothing(v any) bool {
	step, _ := v.(*value.Object)
	action, _ := step.Get("action")
	fields, _ := action.(*value.Object)
	component, _ := fields.Get("component")
	of, _ := component.(*value.Object)
	key, _ := of.Get("key")
	return strings.HasSuffix(value.Text(key), "-triggers")
}

func (r *reader) flowLeftovers(o *object) {
	o.drop("organizationApiKeys", "keys are secrets and stand in no definition: create them as keys of the integration's flow once it is imported")
	if v, ok := o.take("isAgentFlow").(bool); ok && v {
		r.notes.add(o.path("isAgentFlow"), Dropped, "flows are not offered to agents as tools: call its URL")
	}
	o.drop("schemas", "what the flow takes is not checked against a schema: check it in a step")
	o.drop("supplementalComponents", "components are found by the steps that use them")
	if batches := o.object("triggerResolver"); !isNothing(batches.fields) && batches.yes("enabled") {
		r.notes.add(batches.at, Dropped, "what a trigger finds is not cut into batches: loop over it")
	}
	for _, key := range []string{"testUrl", "testPayload", "testHeaders", "testContentType"} {
		o.drop(key, "what a test sends is set in the flow as its test payload")
	}
}

// trigger reads the step that begins a flow.
func (r *reader) trigger(o *object, native string, f *ipaas.Flow) {
	t := &f.Trigger
	at := native + ".trigger"
	r.places[at] = o.at
	r.places[at+".type"] = o.path("action")
	t.DisplayName, t.Description = o.name("name"), o.text("description")
	o.skip("isTrigger")
	o.drop("stableKey", "a flow has one trigger, which needs no key to be known by")
	t.Type = r.action(o)
	schedule := r.schedule(o)
	switch t.Type {
	case "", standardTrigger:
		was := t.Type
		t.Type = ipaas.TriggerWebhook
		if schedule != nil {
			t.Type = ipaas.TriggerSchedule
		}
		if was == "" {
			r.notes.add(o.at, Assumed, "the trigger has no action: it is taken for %s", t.Type)
		} else {
			r.notes.add(o.path("action"), Changed, "%s is %s here", was, t.Type)
		}
	}
	switch {
	case schedule == nil || t.Type == ipaas.TriggerSchedule:
	case !ipaas.MayRunByClock(t.Type):
		r.notes.add(o.path("schedule"), Dropped, "%s does not run by the clock: give the flow the trigger %s", t.Type, ipaas.TriggerSchedule)
		schedule = nil
	default:
		r.notes.add(o.path("schedule"), Changed, "the clock starts the flow, but %s looks for no changes here: let the first step do it", t.Type)
	}
	if schedule == nil && t.Type == ipaas.TriggerSchedule {
		r.notes.add(o.at, Assumed, "there is no schedule: the flow runs when its URL is called")
	}
	t.Schedule = schedule
	t.Inputs = r.inputs(o, at, t.Type)
	for _, key := range []string{"steps", "branches"} {
		if !isNothing(o.take(key)) {
			r.wrong(o.path(key), ipaas.ReasonMisplaced, "a trigger has no steps inside it: put them behind it")
		}
	}
	o.drop("errorConfig", "a trigger is not tried again: let the flow be")
	r.credential(o, nil, t.Type)
	o.rest()
}

// schedule reads when a trigger starts its flow, or nil where it does not say.
func (r *reader) schedule(o *object) *ipaas.Schedule {
	if text, ok := o.fields.Get("schedule"); ok {
		if text, ok := text.(string); ok { // bare
			o.skip("schedule")
			return r.cron(o.path("schedule"), text, "")
		}
	}
	in := o.object("schedule")
	if isNothing(in.fields) {
		return nil
	}
	defer in.rest()
	meta := in.object("meta")
	zone := strings.TrimSpace(meta.text("timeZone"))
	r.scheduleType(meta)
	meta.rest()
	text := strings.TrimSpace(in.text("value"))
	kind := word(in, "type", map[string]string{"": "value", "value": "value", "configVar": "configVar"})
	if zone != "" {
		if _, err := time.LoadLocation(zone); err != nil {
			r.wrong(meta.path("timeZone"), ipaas.ReasonMalformed, "%q is no time zone: give one such as Europe/Berlin", value.Shorten(zone))
			return nil
		}
	}
	if kind == "configVar" {
		if text == "" {
			return nil
		}
		return &ipaas.Schedule{ConfigVariable: text, TimeZone: zone}
	}
	return r.cron(in.path("value"), text, zone)
}

func (r *reader) cron(at, text, zone string) *ipaas.Schedule {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil
	}
	if every, ok := ipaas.Interval(text); ok {
		if same := everyCron(every); same != "" {
			r.notes.add(at, Changed, "every %s is %s", every, same)
			return &ipaas.Schedule{Cron: same, TimeZone: zone}
		}
		return &ipaas.Schedule{Every: every}
	}
	if err := ipaas.CheckCron(text); err != nil {
		r.wrong(at, ipaas.ReasonMalformed, "%q is no cron expression: %v", value.Shorten(text), err)
		return nil
	}
	return &ipaas.Schedule{Cron: text, TimeZone: zone}
}

// scheduleType takes the word by which a form shows a schedule.
func (r *reader) scheduleType(o *object) {
	switch kind := o.text("scheduleType"); kind {
	case "", "none", "custom":
	default:
		r.notes.add(o.path("scheduleType"), Dropped, "forms show all schedules as cron expressions")
	}
}

// retry reads when an execution that failed is tried again.
func (r *reader) retry(o *object, f *ipaas.Flow) {
	in := o.object("retryConfig")
	if isNothing(in.fields) {
		return
	}
	retry := ipaas.Retry{MaxAttempts: in.whole("maxAttempts"), Delay: in.span("delayMinutes", time.Minute, mostRetryMinutes), Multiplier: 1}
	if in.yes("usesExponentialBackoff") {
		retry.Multiplier = ipaas.DefaultRetryMultiplier
	}
	retry.RequestKey = r.eventKey(in, "uniqueRequestIdField", f)
	in.rest()
	switch {
	case retry.MaxAttempts == 0 && retry.RequestKey == nil:
	case f.Synchronous:
		r.notes.add(in.at, Dropped, "a synchronous flow is not tried again, since its caller has its answer")
	default:
		if retry.Delay == 0 && retry.MaxAttempts > 0 {
			r.notes.add(in.at, Assumed, "there is no delay: the first try waits %s", ipaas.DefaultRetryDelay)
		}
		f.Retry = &retry
	}
}

// queue reads which executions wait for each other.
func (r *reader) queue(o *object, native string, f *ipaas.Flow) {
	in := o.object("queueConfig")
	if isNothing(in.fields) {
		return
	}
	r.places[native+".concurrency"] = in.path("concurrencyLimit")
	fifo, limit, single := in.yes("usesFifoQueue"), in.atMost("concurrencyLimit", mostConcurrency), in.yes("singletonExecutions")
	key := r.eventKey(in, "dedupeIdField", f)
	in.rest()
	if single {
		if f.Trigger.Schedule == nil {
			r.notes.add(in.path("singletonExecutions"), Dropped, "only a flow with a schedule can skip a time while it still runs")
		} else {
			f.Trigger.Schedule.Singleton = true
		}
	}
	f.DeduplicationKey = key
	f.Concurrency = limit
	switch {
	case !fifo:
	case f.Synchronous:
		r.notes.add(in.path("usesFifoQueue"), Dropped, "a synchronous flow keeps no order, since each of its callers waits for an answer")
	case f.Trigger.Schedule != nil:
		r.notes.add(in.path("usesFifoQueue"), Dropped, "a flow that runs by the clock keeps no order")
	default:
		f.Ordering = &ipaas.Ordering{Scope: ipaas.OrderByFlow}
	}
}

// eventKey reads a field of the trigger's results by which events are told apart. Files name it by a reference or, in fewer words, by
// its path in the results.
func (r *reader) eventKey(o *object, key string, f *ipaas.Flow) *ipaas.Input {
	return r.reference(o, key, expr.Key(f.Trigger.DisplayName))
}

// reference reads an expression that is a reference, or nil where there is none. A path that does not begin with the trigger, where
// triggerKey says how that is called, is below its results.
func (r *reader) reference(o *object, key, triggerKey string) *ipaas.Input {
	at := o.path(key)
	v := o.take(key)
	text, bare := v.(string)
	if bare && strings.TrimSpace(text) != "" {
		v = value.Obj(value.Field{Key: "type", Value: "reference"}, value.Field{Key: "value", Value: strings.TrimSpace(text)})
	}
	if isNothing(v) {
		return nil
	}
	in, ok := r.input(at, v, "")
	if !ok {
		return nil
	}
	if in.Kind != ipaas.InputReference || triggerKey == "" {
		return &in
	}
	first := in.Text
	if cut := strings.IndexAny(first, ".["); cut >= 0 {
		first = first[:cut]
	}
	if first != triggerKey && first != ipaas.TriggerStepID {
		r.notes.add(at, Assumed, "%q is a field of the trigger's results", value.Shorten(in.Text))
		path := in.Text
		if first != "results" {
			path = "results." + path
		}
		in.Text = ipaas.TriggerStepID + "." + path
	}
	return &in
}
