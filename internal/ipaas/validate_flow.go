package ipaas

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/expr"
	"github.com/headrace/headrace/internal/value"
)

func (c *checker) flows(d *Definition) {
	if len(d.Flows) == 0 {
		c.add("flows", ReasonRequired, "an integration has at least one flow: add one")
	}
	c.atMost("flows", "flows", len(d.Flows), MaxFlows)
	names, ids, stable, steps := unique{}, unique{}, unique{}, 0
	for i := range d.Flows {
		f, path := &d.Flows[i], fmt.Sprintf("flows[%d]", i)
		c.id(path+".id", f.ID)
		c.unique(ids, path+".id", path, "the id", f.ID)
		if c.name(path, "displayName", "the flow", f.DisplayName) {
			c.unique(names, path+".displayName", path, "the display name", f.DisplayName)
		}
		c.stableKey(stable, path, f.StableKey)
		steps += c.flow(path, f)
	}
	if steps > MaxDefinitionSteps {
		c.add("flows", ReasonTooLarge, "the flows have %d steps in all: keep at most %d", steps, MaxDefinitionSteps)
	}
}

// stableKey complains of a stable key that another element has already. Most have none.
func (c *checker) stableKey(taken unique, path, key string) {
	if key != "" {
		c.unique(taken, path+".stableKey", path, "the stable key", key)
	}
}

// flow checks what is in a flow and returns how many steps it has.
func (c *checker) flow(path string, f *Flow) int {
	s := &flowChecker{checker: c, ids: unique{}, stable: unique{}, names: unique{}, keys: unique{}}
	s.trigger(path+".trigger", &f.Trigger)
	s.steps(path+".steps", f.Steps, 1)
	c.atMost(path+".steps", "steps in the flow", s.count, MaxSteps)
	if f.TestPayload != nil {
		c.testPayload(path+".testPayload", f.TestPayload)
	}
	c.running(path, f)
	return s.count
}

// running checks how executions of a flow are to run.
func (c *checker) running(path string, f *Flow) {
	if f.Concurrency < 0 || f.Concurrency > MaxConcurrency {
		c.add(path+".concurrency", ReasonMalformed, "%d executions side by side cannot be: give a number from 1 to %d, or 0 for no limit", f.Concurrency, MaxConcurrency)
	}
	if f.Timeout < 0 || f.Timeout > MaxFlowTimeout {
		c.add(path+".timeout", ReasonMalformed, "a timeout of %s cannot be: give at most %s, or none for the server's", f.Timeout, MaxFlowTimeout)
	}
	if f.DeduplicationKey != nil {
		c.input(path+".deduplicationKey", *f.DeduplicationKey, 0)
	}
	if !slices.Contains(flowSecurities, f.Security) {
		c.add(path+".security", ReasonNotAChoice, "the security %q is unknown: give one of %s", f.Security, list(flowSecurities))
	}
	if f.Ordering != nil {
		c.ordering(path+".ordering", f)
	}
	if f.Retry != nil {
		c.retry(path+".retry", f)
	}
}

func (c *checker) ordering(path string, f *Flow) {
	o := f.Ordering
	if f.Synchronous {
		c.add(path, ReasonMisplaced, "a synchronous flow keeps no order, since each of its callers waits for an answer: make it asynchronous, or remove the order")
	}
	if !slices.Contains(orderingScopes, o.Scope) {
		c.add(path+".scope", ReasonNotAChoice, "the scope %q is unknown: give one of %s", o.Scope, list(orderingScopes))
	}
	if !slices.Contains(failureEffects, o.OnFailure) {
		c.add(path+".onFailure", ReasonNotAChoice, "%q is unknown: give one of %s", o.OnFailure, list(failureEffects))
	}
	switch {
	case o.Scope == OrderByKey && o.Key == nil:
		c.add(path+".key", ReasonRequired, "an order by key needs the key: give one, such as a reference to trigger.results.body.data.id")
	case o.Scope == OrderByFlow && o.Key != nil:
		c.add(path+".key", ReasonMisplaced, "the order of a whole flow has no key: remove it, or give the scope %s", OrderByKey)
	case o.Key != nil:
		c.input(path+".key", *o.Key, 0)
	}
}

func (c *checker) retry(path string, f *Flow) {
	r := f.Retry
	if f.Synchronous {
		c.add(path, ReasonMisplaced, "a synchronous flow is not tried again, since its caller has its answer: make it asynchronous, or remove the retry")
	}
	if r.MaxAttempts < 0 || r.MaxAttempts > MaxRetryAttempts {
		c.add(path+".maxAttempts", ReasonMalformed, "%d retries cannot be: give at most %d", r.MaxAttempts, MaxRetryAttempts)
	}
	if r.Multiplier < 0 || r.Multiplier > MaxRetryMultiplier {
		c.add(path+".multiplier", ReasonMalformed, "the delay cannot grow by %d: give a number from 1 to %d", r.Multiplier, MaxRetryMultiplier)
	}
	for _, delay := range []struct {
		name string
		is   time.Duration
	}{{"delay", r.Delay}, {"maxDelay", r.MaxDelay}} {
		if delay.is < 0 || delay.is > MaxRetryDelay {
			c.add(path+"."+delay.name, ReasonMalformed, "a wait of %s cannot be: give at most %s", delay.is, MaxRetryDelay)
		}
	}
	if r.RequestKey != nil {
		c.input(path+".requestKey", *r.RequestKey, 0)
	}
}

// errorHandling checks what happens when a step fails.
func (c *checker) errorHandling(path string, h *ErrorHandling) {
	if !slices.Contains(errorEffects, h.Effect) {
		c.add(path+".effect", ReasonNotAChoice, "the effect %q is unknown: give one of %s", h.Effect, list(errorEffects))
	}
	if h.MaxAttempts < 0 || h.MaxAttempts > MaxStepAttempts {
		c.add(path+".maxAttempts", ReasonMalformed, "%d tries cannot be: give at most %d", h.MaxAttempts, MaxStepAttempts)
	}
	if h.Delay < 0 || h.Delay > MaxStepDelay {
		c.add(path+".delay", ReasonMalformed, "a wait of %s cannot be: give at most %s, or let the flow be tried again", h.Delay, MaxStepDelay)
	}
	if h.Multiplier < 0 || h.Multiplier > MaxRetryMultiplier {
		c.add(path+".multiplier", ReasonMalformed, "the delay cannot grow by %d: give a number from 1 to %d", h.Multiplier, MaxRetryMultiplier)
	}
	if h.Effect != ErrorRetry && (h.MaxAttempts != 0 || h.Delay != 0 || h.Multiplier != 0 || h.IgnoreFinal) {
		c.add(path, ReasonMisplaced, "only a step that is tried again has tries and a delay: remove them, or give the effect %s", ErrorRetry)
	}
}

var (
	orderingScopes = []OrderingScope{OrderByFlow, OrderByKey}
	failureEffects = []FailureEffect{"", FailureContinue, FailureBlock}
	flowSecurities = []FlowSecurity{"", SecurityUnsecured, SecurityCustomerOptional, SecurityCustomerRequired, SecurityOrganization}
	errorEffects   = []ErrorEffect{"", ErrorFail, ErrorIgnore, ErrorRetry}
)

// flowChecker checks the steps of one flow, in which their ids, names and keys are unique.
type flowChecker struct {
	*checker
	ids, stable, names, keys unique
	count                    int
}

func (c *flowChecker) trigger(path string, t *Trigger) {
	if c.name(path, "displayName", "the trigger", t.DisplayName) {
		c.key(path, t.DisplayName)
		c.names[t.DisplayName] = path
	}
	c.qualified(path+".type", "trigger type", t.Type, TriggerWebhook)
	c.inputs(path, t.Inputs)
	c.schedule(path+".schedule", t)
}

// triggerKey always names the trigger in references, whatever its display name.
const triggerKey = "trigger"

func (c *flowChecker) key(path, displayName string) {
	key := expr.Key(displayName)
	if key == "" {
		c.add(path+".displayName", ReasonMalformed, "the display name %q holds neither a letter nor a digit, so that no reference could name it: choose another", value.Shorten(displayName))
		return
	}
	if first, ok := c.keys[key]; ok {
		c.add(path+".displayName", ReasonDuplicate, "the display name %q makes the key %q, by which references already name %s: choose another", value.Shorten(displayName), value.Shorten(key), first)
		return
	}
	c.keys[key] = path
}

func (c *flowChecker) steps(path string, steps []Step, depth int) {
	if depth > MaxStepDepth && len(steps) > 0 {
		c.count += len(steps)
		c.add(path, ReasonTooDeep, "the steps nest deeper than %d levels: flatten them, or move some to a flow of their own", MaxStepDepth)
		return
	}
	for i := range steps {
		c.step(fmt.Sprintf("%s[%d]", path, i), &steps[i], depth)
	}
}

func (c *flowChecker) step(path string, s *Step, depth int) {
	c.count++
	if s.ID == TriggerStepID {
		c.add(path+".id", ReasonDuplicate, "the id %q is the trigger's: choose another", s.ID)
	} else {
		c.id(path+".id", s.ID)
		c.unique(c.ids, path+".id", path, "the id", s.ID)
	}
	if c.name(path, "displayName", "the step", s.DisplayName) {
		c.stepName(path, s.DisplayName)
	}
	c.stableKey(c.stable, path, s.StableKey)
	c.qualified(path+".action", "action", s.Action, "http.httpPost")
	c.inputs(path, s.Inputs)
	if s.OnError != nil {
		c.errorHandling(path+".onError", s.OnError)
	}
	names := unique{}
	for i := range s.Branches {
		b, at := &s.Branches[i], fmt.Sprintf("%s.branches[%d]", path, i)
		if c.name(at, "name", "the branch", b.Name) {
			c.unique(names, at+".name", at, "the name", b.Name)
		}
		c.steps(at+".steps", b.Steps, depth+1)
	}
	c.steps(path+".steps", s.Steps, depth+1)
}

// stepName complains once of a name that is taken: as a name, or else as the key it makes.
func (c *flowChecker) stepName(path, name string) {
	if first, ok := c.names[name]; ok {
		c.add(path+".displayName", ReasonDuplicate, "the display name %q is that of %s already: choose another", name, first)
		return
	}
	c.names[name] = path
	if expr.Key(name) == triggerKey {
		c.add(path+".displayName", ReasonDuplicate, "the display name %q makes the key %q, which always names the trigger: choose another", name, triggerKey)
		return
	}
	c.key(path, name)
}

func (c *checker) inputs(path string, inputs map[string]Input) {
	for _, key := range slices.Sorted(maps.Keys(inputs)) {
		at := path + ".inputs." + key
		if key == "" {
			c.add(at, ReasonRequired, "an input has no key: give it one")
		}
		c.input(at, inputs[key], 0)
	}
}

func (c *checker) input(at string, in Input, depth int) {
	if depth > MaxInputDepth {
		c.add(at, ReasonTooDeep, "the input nests deeper than %d levels: flatten it", MaxInputDepth)
		return
	}
	if in.Kind == InputComplex {
		c.items(at, in.Items, depth)
		return
	}
	if in.Kind == InputConfigVariable && strings.TrimSpace(in.Text) == "" {
		c.add(at, ReasonRequired, "the input names no config variable: give the display name or the id of one")
		return
	}
	if _, err := in.Parse(); err != nil {
		reason := ReasonMalformed
		if syntax := new(value.SyntaxError); errors.As(err, &syntax) && syntax.TooDeep {
			reason = ReasonTooDeep
		}
		c.add(at, reason, "the input %v", malformed(in.Kind, err))
	}
}

// malformed says what is wrong with an input of a kind: the parser knows the text, but not what it was meant to be.
func malformed(kind InputKind, err error) string {
	switch kind {
	case InputValue, InputJSON:
		return "is not JSON: " + err.Error()
	case InputReference:
		return "is no reference: " + err.Error()
	case InputTemplate:
		return "is no template: " + err.Error()
	default:
		return err.Error()
	}
}

func (c *checker) items(at string, items []Input, depth int) {
	named := 0
	for i := range items {
		path := fmt.Sprintf("%s.complex.items[%d]", at, i)
		if items[i].NameFrom != nil {
			c.input(path+".nameFrom", *items[i].NameFrom, depth+1)
		}
		if items[i].Name != "" || items[i].NameFrom != nil {
			named++
		}
		c.input(path, items[i], depth+1)
	}
	if named != 0 && named != len(items) {
		c.add(at, ReasonMalformed, "%d of %d items have a name: give all a name for a key/value list, or none for a list", named, len(items))
	}
}

// token is what HTTP allows as a method and as the name of a header.
var token = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

func (c *checker) testPayload(path string, p *TestPayload) {
	if !slices.Contains(bodyKinds, p.Kind) {
		c.add(path, ReasonNotAChoice, "the kind of body %q is unknown: give one of %s", p.Kind, list(bodyKinds))
	}
	if p.Kind == BodyJSON {
		if _, err := value.Parse([]byte(p.Text)); err != nil {
			c.add(path+".json", ReasonMalformed, "the body is not JSON: %v", err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Headers)) {
		at := path + ".headers." + name
		if !token.MatchString(name) {
			c.add(at, ReasonMalformed, "%q cannot be the name of a header: use letters, digits and hyphens", value.Shorten(name))
		}
		if hasControl(strings.ReplaceAll(p.Headers[name], "\t", " ")) {
			c.add(at, ReasonMalformed, "header %q holds a line break or another control character: remove it", value.Shorten(name))
		}
	}
	if hasControl(p.ContentType) {
		c.add(path+".contentType", ReasonMalformed, "the content type holds a line break or another control character: remove it")
	}
	if p.Method != "" && !token.MatchString(p.Method) {
		c.add(path+".method", ReasonMalformed, "%q cannot be an HTTP method: give one such as POST", value.Shorten(p.Method))
	}
	if hasControl(p.Path) {
		c.add(path+".path", ReasonMalformed, "the path holds a line break or another control character: remove it")
	}
}
