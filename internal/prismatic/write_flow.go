package prismatic

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/expr"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

func flowName(d *ipaas.Definition, name string) string {
	if f := d.FlowByName(name); f != nil {
		return f.DisplayName
	}
	return name
}

func (w *writer) flow(at string, f *ipaas.Flow) *value.Object {
	o := newObj()
	o.Set("description", f.Description)
	o.some("endpointSecurityType", wordFor(securities, f.Security))
	o.Set("isSynchronous", f.Synchronous)
	o.Set("name", f.DisplayName)
	w.queue(at, o, f)
	w.retry(at, o, f)
	o.some("stableKey", f.StableKey)
	steps := []any{w.trigger(at+".trigger", &f.Trigger)}
	o.Set("steps", append(steps, w.steps(at+".steps", f.Steps)...))
	if f.TestPayload != nil {
		w.notes.add(at+".testPayload", Dropped, "what a test sends is not in the file: give it when testing")
	}
	if f.Timeout != 0 {
		w.notes.add(at+".timeout", Dropped, "how long an execution may take cannot be said")
	}
	if f.Trigger.DisplayName != "" && expr.Key(f.Trigger.DisplayName) != ipaas.TriggerStepID && refersToTrigger(f) {
		w.notes.add(at, Assumed, "references that begin with %q are kept: elsewhere the trigger is known as %q alone",
			ipaas.TriggerStepID, expr.Key(f.Trigger.DisplayName))
	}
	return o.Object
}

// refersToTrigger reports whether a flow calls its trigger by the word that only we know.
func refersToTrigger(f *ipaas.Flow) bool {
	refers := func(in *ipaas.Input) bool {
		return in != nil && slices.ContainsFunc(within(in), func(one *ipaas.Input) bool { return slices.Contains(stepKeys(one), ipaas.TriggerStepID) })
	}
	if refers(f.DeduplicationKey) || f.Retry != nil && refers(f.Retry.RequestKey) {
		return true
	}
	return slices.ContainsFunc(flat(f.Steps), func(s *ipaas.Step) bool {
		for _, in := range s.Inputs {
			if refers(&in) {
				return true
			}
		}
		return false
	})
}

func (w *writer) trigger(at string, t *ipaas.Trigger) *value.Object {
	o := newObj()
	o.Set("action", action(t.Type))
	o.Set("description", t.Description)
	o.Set("inputs", w.inputs(at, t.Inputs))
	o.Set("isTrigger", true)
	o.Set("name", t.DisplayName)
	if s := t.Schedule; s != nil {
		if schedule := w.schedule(at+".schedule", s); schedule != nil {
			o.Set("schedule", schedule)
		}
	}
	return o.Object
}

func (w *writer) schedule(at string, s *ipaas.Schedule) *value.Object {
	kind, text := "value", s.Cron
	switch {
	case s.ConfigVariable != "":
		kind, text = "configVar", w.variableName(s.ConfigVariable)
	case s.Every != 0:
		if text = w.everyText(at+".every", s.Every); text == "" {
			return nil
		}
	}
	zone := s.TimeZone
	if rest, ok := strings.CutPrefix(text, ipaas.ZonePrefix); ok {
		zone, text, _ = strings.Cut(rest, " ")
	}
	meta := value.Obj(value.Field{Key: "scheduleType", Value: "custom"}, value.Field{Key: "timeZone", Value: zone})
	return value.Obj(value.Field{Key: "meta", Value: meta}, value.Field{Key: "type", Value: kind}, value.Field{Key: "value", Value: text})
}

// everyText writes an interval, "" where that cannot be.
func (w *writer) everyText(at string, every time.Duration) string {
	text := everyCron(every)
	if text == "" {
		w.notes.add(at, Dropped, "a schedule is a cron expression, and none says every %s", every)
		return ""
	}
	w.notes.add(at, Changed, "a schedule is a cron expression: every %s is %s", every, text)
	return text
}

// everyCron is the cron expression for an interval, "" where there is none.
func everyCron(every time.Duration) string {
	switch {
	case every == time.Minute:
		return "* * * * *"
	case every < time.Hour && time.Hour%every == 0 && every%time.Minute == 0:
		return fmt.Sprintf("*/%d * * * *", every/time.Minute)
	case every == time.Hour:
		return "0 * * * *"
	case every < 24*time.Hour && (24*time.Hour)%every == 0 && every%time.Hour == 0:
		return fmt.Sprintf("0 */%d * * *", every/time.Hour)
	case every == 24*time.Hour:
		return "0 0 * * *"
	default:
		return ""
	}
}

func (w *writer) queue(at string, o obj, f *ipaas.Flow) {
	q := newObj()
	if f.Concurrency != 0 {
		q.Set("concurrencyLimit", count(w.most(at+".concurrency", "executions side by side", f.Concurrency, mostConcurrency)))
	}
	if f.DeduplicationKey != nil {
		q.Set("dedupeIdField", w.input(at+".deduplicationKey", *f.DeduplicationKey, false))
	}
	if f.Trigger.Schedule != nil && f.Trigger.Schedule.Singleton {
		q.Set("singletonExecutions", true)
	}
	switch {
	case f.Ordering == nil:
	case f.Trigger.Schedule != nil:
		w.notes.add(at+".ordering", Dropped, "a flow that runs by the clock keeps no order there")
	default:
		q.Set("usesFifoQueue", true)
		if f.Ordering.Key != nil {
			w.notes.add(at+".ordering.key", Dropped, "an order is that of the whole flow")
		}
		if f.Ordering.OnFailure == ipaas.FailureBlock {
			w.notes.add(at+".ordering.onFailure", Dropped, "a failure does not hold up what is behind it")
		}
	}
	if q.Len() > 0 {
		o.Set("queueConfig", q.Object)
	}
}

func (w *writer) retry(at string, o obj, f *ipaas.Flow) {
	r := f.Retry
	if r == nil {
		return
	}
	at += ".retry"
	out := newObj()
	minutes, exact := units(r.Delay, time.Minute)
	if !exact {
		w.notes.add(at+".delay", Changed, "a delay is in minutes: %s is %d", r.Delay, minutes)
	}
	out.Set("delayMinutes", count(w.most(at+".delay", "minutes", minutes, mostRetryMinutes)))
	out.Set("maxAttempts", count(r.MaxAttempts))
	if r.RequestKey != nil {
		out.Set("uniqueRequestIdField", w.input(at+".requestKey", *r.RequestKey, false))
	}
	by := r.Multiplier
	if by == 0 {
		by = ipaas.DefaultRetryMultiplier
	}
	out.Set("usesExponentialBackoff", w.grows(at, by))
	if r.MaxDelay != 0 {
		w.notes.add(at+".maxDelay", Dropped, "how far a delay grows cannot be said")
	}
	o.Set("retryConfig", out.Object)
}

// most is a number within what may be asked for.
func (w *writer) most(at, what string, n, most int) int {
	if n > most {
		w.notes.add(at, Changed, "%d %s are more than may be asked for there: it is %d", n, what, most)
	}
	return min(n, most)
}

// units counts the units of a duration, rounded up where it is not a whole number of them.
func units(d, unit time.Duration) (n int, exact bool) {
	return int((d + unit - 1) / unit), d%unit == 0
}

// grows tells whether a delay grows from try to try. Where it does, it doubles.
func (w *writer) grows(at string, by int) bool {
	if by > 2 {
		w.notes.add(at+".multiplier", Changed, "a delay that grows doubles")
	}
	return by > 1
}
