package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/secret"
	"github.com/headrace/headrace/internal/value"
)

// InstanceView is what is shown of an instance beside its own fields.
type InstanceView struct {
	Flows         []InstanceFlow
	EndpointURL   string // that its flows share; empty if they share none, and in a view that is not full
	Config        map[string]ConfigView
	Registrations []ipaas.Registration
}

// InstanceFlow is a flow as an instance has it.
type InstanceFlow struct {
	FlowID, DisplayName, TriggerType string
	URL                              string // empty in a view that is not full, as the rest
	Security                         ipaas.FlowSecurity
	Keys                             int  // that count; 0 in a view that is not full
	Locked                           bool // it lets nobody in, since it has no key; never in a view that is not full

	Schedule    string    // when it runs by itself, with what the config says: a cron expression or an interval; empty: never
	NextRunTime time.Time // zero: it does not run by itself, or not while the instance is paused
}

// ConfigView is a value as it is shown: a secret only as set or not.
type ConfigView struct {
	JSON            string
	Typed           bool
	Source          ValueSource
	SecretSet       bool
	SecretInputsSet []string
}

// ValueSource tells where a value comes from.
type ValueSource string

// The sources of values.
const (
	SourceNone     ValueSource = ""
	SourceInstance ValueSource = "INSTANCE"
	SourceDefault  ValueSource = "DEFAULT"
)

// DescribeInstance returns the flows of an instance; a full view also has their URLs, the config values and the registrations.
func (p *Plane) DescribeInstance(ctx context.Context, in ipaas.Instance, full bool) (InstanceView, error) {
	program, err := p.instanceProgram(ctx, in)
	if err != nil {
		return InstanceView{}, err
	}
	def := program.Definition()
	var view InstanceView
	urls := map[string]string{}
	if full {
		if in.Kind == ipaas.InstanceTest {
			// The draft may have got flows since the last test; their URLs are shown before the first test, too.
			if _, err := p.store.AddWebhooks(ctx, in.ID, p.newWebhooks(in, def)); err != nil {
				return view, err
			}
		}
		// An instance that was only validated, and one that is gone when its creation is answered again, has no URLs.
		if urls, err = p.urls(ctx, in.ID); err != nil && !errors.Is(err, ipaas.NotFound) {
			return view, err
		}
	}
	keys := map[string]int{}
	if full {
		view.EndpointURL = endpointURL(def, in.Kind == ipaas.InstanceTest, urls)
		if keys, err = p.countKeys(ctx, in, def); err != nil {
			return view, err
		}
	}
	for i := range def.Flows {
		f := &def.Flows[i]
		view.Flows = append(view.Flows, InstanceFlow{
			FlowID: f.ID, DisplayName: f.DisplayName, TriggerType: f.Trigger.Type, URL: urls[f.ID],
			Security: cmp.Or(f.Security, ipaas.SecurityCustomerOptional), Keys: keys[f.ID],
			Locked: full && f.Security.Locked(keys[f.ID]),
		})
	}
	if !full {
		return view, nil
	}
	if err := p.showSchedules(ctx, in, view.Flows); err != nil {
		return view, err
	}
	view.Config = make(map[string]ConfigView, len(def.ConfigVariables))
	for i := range def.ConfigVariables {
		v := &def.ConfigVariables[i]
		view.Config[v.ID] = showValue(v, in.Config.Values[v.ID], program)
	}
	rows, err := p.store.ListRegistrations(ctx, in.ID, openStates...)
	if errors.Is(err, ipaas.NotFound) {
		return view, nil
	}
	if err != nil {
		return view, err
	}
	view.Registrations, err = p.revealedRegistrations(ctx, in.ID, rows)
	return view, err
}

// showSchedules adds to flows when they run by themselves.
func (p *Plane) showSchedules(ctx context.Context, in ipaas.Instance, flows []InstanceFlow) error {
	schedules, err := p.store.ListSchedules(ctx, in.ID)
	if err != nil && !errors.Is(err, ipaas.NotFound) {
		return err
	}
	for _, s := range schedules {
		i := slices.IndexFunc(flows, func(f InstanceFlow) bool { return f.FlowID == s.FlowID })
		if i < 0 {
			continue
		}
		flows[i].Schedule = s.Spec
		if !in.Paused {
			flows[i].NextRunTime = s.NextTime
		}
	}
	return nil
}

// showValue shows a value without its secrets.
func showValue(v *ipaas.ConfigVariable, stored ipaas.ConfigValue, program *engine.Program) ConfigView {
	switch {
	case v.Type == ipaas.ConfigConnection:
		return showConnection(v, stored, program)
	case stored.Sealed != "":
		return ConfigView{Source: SourceInstance, SecretSet: true}
	case stored.JSON != "":
		return ConfigView{JSON: stored.JSON, Typed: stored.Typed, Source: SourceInstance}
	case v.Default != "":
		return ConfigView{JSON: v.Default, Typed: v.DefaultJSON, Source: SourceDefault}
	default:
		return ConfigView{}
	}
}

func showConnection(v *ipaas.ConfigVariable, stored ipaas.ConfigValue, program *engine.Program) ConfigView {
	view := ConfigView{Source: SourceNone}
	shown := value.Obj()
	if d, ok := v.DefaultValue(); ok {
		if o, ok := d.(*value.Object); ok {
			shown, view.Source = o.Clone(), SourceDefault
		}
	}
	_, kind := program.ConnectionType(v.ConnectionType)
	for _, key := range sortedKeys(stored.Inputs) {
		view.Source = SourceInstance
		item := stored.Inputs[key]
		if item.Sealed != "" {
			view.SecretSet = true
			view.SecretInputsSet = append(view.SecretInputsSet, key)
			continue
		}
		if parsed, err := value.Parse([]byte(item.JSON)); err == nil {
			shown.Set(key, parsed)
		}
	}
	if kind != nil {
		for _, f := range kind.Inputs {
			if f.Secret {
				shown.Delete(f.Key) // a default of the variable may not show what the type calls secret
			}
		}
	}
	if view.Source != SourceNone {
		view.JSON = string(value.JSON(shown))
	}
	return view
}

// FlowURL is a flow's display name and its webhook URL.
type FlowURL struct{ DisplayName, URL string }

// urls returns the webhook URLs of an instance by flow id.
func (p *Plane) urls(ctx context.Context, instanceID string) (map[string]string, error) {
	hooks, err := p.store.ListWebhooks(ctx, instanceID)
	if err != nil {
		return nil, err
	}
	return p.hookURLs(hooks)
}

func (p *Plane) hookURLs(hooks []ipaas.Webhook) (map[string]string, error) {
	urls := make(map[string]string, len(hooks))
	for _, h := range hooks {
		token, err := p.keys.Open(h.TokenSealed, tokenPlace(h.TokenHash))
		if err != nil {
			return nil, fmt.Errorf("open the webhook token of flow %s of instance %s: %w", h.FlowID, h.InstanceID, err)
		}
		urls[h.FlowID] = p.hookURL(string(token))
	}
	return urls, nil
}

func (p *Plane) hookURL(token string) string { return p.publicURL.JoinPath("hooks", token).String() }

// tokenMask is what the placeholders of tokens begin with.
const tokenMask = "webhook-token"

// mask hides the tokens of an instance's URLs from what is stored, and shows them again.
func (p *Plane) mask(urls map[string]string) *secret.Mask {
	mask := secret.NewMask(tokenMask)
	for flowID, url := range urls {
		mask.Add(flowID, url[strings.LastIndexByte(url, '/')+1:])
	}
	return mask
}

// ExecutionView is an execution with what happened in it.
type ExecutionView struct {
	Execution ipaas.Execution
	Steps     []ipaas.StepResult
	Logs      []ipaas.Log
}

// mostShown bounds the steps and lines in one view of an execution; lists page through the rest.
const mostShown = 1000

// ShowExecution shows an execution with the URLs in it; a full view also has its steps and log lines.
func (p *Plane) ShowExecution(ctx context.Context, ex ipaas.Execution, full bool) (ExecutionView, error) {
	view := ExecutionView{Execution: ex}
	if !full {
		view.Execution.Result, view.Execution.Response = "", nil
		return view, nil
	}
	urls, err := p.shownURLs(ctx, ex.InstanceID)
	if err != nil {
		return view, err
	}
	mask := p.mask(urls)
	view.Execution = revealedExecution(ex, mask)
	if view.Steps, _, err = p.StepResults(ctx, ex.ID, 0, mostShown); err != nil {
		return view, err
	}
	view.Logs, err = p.Logs(ctx, ex.ID, 0, mostShown)
	return view, err
}

// revealedExecution is a stored execution with the URLs in it.
func revealedExecution(ex ipaas.Execution, mask *secret.Mask) ipaas.Execution {
	ex.Result = mask.Reveal(ex.Result)
	if ex.Error != nil {
		shown := *ex.Error
		shown.Message = mask.Reveal(shown.Message)
		ex.Error = &shown
	}
	if ex.Response != nil {
		ex.Response = revealed(ex.Response, mask)
	}
	return ex
}

// revealedRegistrations returns registrations with the URLs in them.
func (p *Plane) revealedRegistrations(ctx context.Context, instanceID string, rows []ipaas.Registration) ([]ipaas.Registration, error) {
	if len(rows) == 0 {
		return rows, nil
	}
	urls, err := p.shownURLs(ctx, instanceID)
	if err != nil {
		return nil, err
	}
	mask := p.mask(urls)
	shown := slices.Clone(rows)
	for i := range shown {
		shown[i].RemoteID, shown[i].Error = mask.Reveal(shown[i].RemoteID), mask.Reveal(shown[i].Error)
	}
	return shown, nil
}

// revealed is a stored answer with the URLs in it.
func revealed(stored *ipaas.Response, mask *secret.Mask) *ipaas.Response {
	shown := *stored
	shown.Body = []byte(mask.Reveal(string(stored.Body)))
	shown.Headers = make([]ipaas.NamedText, len(stored.Headers))
	for i, h := range stored.Headers {
		shown.Headers[i] = ipaas.NamedText{Name: h.Name, Text: mask.Reveal(h.Text)}
	}
	return &shown
}

// maxShownBytes is how much inputs and results of steps are shown at once: a run may have recorded many gigabytes. The step that goes
// beyond it is the last one shown.
const maxShownBytes = 16 << 20

// StepResults returns step results with the URLs in them, at most limit of them, and whether there are more.
func (p *Plane) StepResults(ctx context.Context, executionID string, after int64, limit int) (shown []ipaas.StepResult, more bool, err error) {
	ex, err := p.store.GetExecution(ctx, executionID)
	if err != nil {
		return nil, false, err
	}
	urls, err := p.shownURLs(ctx, ex.InstanceID)
	if err != nil {
		return nil, false, err
	}
	steps, more, err := p.someSteps(ctx, executionID, after, limit)
	if err != nil {
		return nil, false, err
	}
	mask := p.mask(urls)
	for i := range steps {
		s := &steps[i]
		if s.Path == ipaas.TriggerStepID && s.Result != "" {
			if s.Result, err = p.triggerShown(ctx, ex, s.Result, urls); err != nil {
				return nil, false, err
			}
		}
		s.Inputs, s.Result, s.Error = mask.Reveal(s.Inputs), mask.Reveal(s.Result), mask.Reveal(s.Error)
	}
	return steps, more, nil
}

// someSteps reads step results, a few at a time, until there is enough of them.
func (p *Plane) someSteps(ctx context.Context, executionID string, after int64, limit int) (steps []ipaas.StepResult, more bool, err error) {
	const few = 16
	for size := 0; ; {
		rows, err := p.store.ListStepResults(ctx, executionID, after, few)
		if err != nil {
			return nil, false, err
		}
		for _, row := range rows {
			if len(steps) == limit || size > maxShownBytes {
				return steps, true, nil
			}
			after, size = row.Sequence, size+len(row.Inputs)+len(row.Result)
			steps = append(steps, row)
		}
		if len(rows) < few {
			return steps, false, nil
		}
	}
}

// Logs returns log lines with the URLs in them.
func (p *Plane) Logs(ctx context.Context, executionID string, after int64, limit int) ([]ipaas.Log, error) {
	ex, err := p.store.GetExecution(ctx, executionID)
	if err != nil {
		return nil, err
	}
	urls, err := p.shownURLs(ctx, ex.InstanceID)
	if err != nil {
		return nil, err
	}
	mask := p.mask(urls)
	lines, err := p.store.ListLogs(ctx, executionID, after, limit)
	for i := range lines {
		lines[i].Message = mask.Reveal(lines[i].Message)
	}
	return lines, err
}

// triggerShown adds to a trigger's stored results what is computed when they are read.
func (p *Plane) triggerShown(ctx context.Context, ex ipaas.Execution, stored string, urls map[string]string) (string, error) {
	v, err := value.Decode([]byte(stored))
	if err != nil {
		return "", fmt.Errorf("read the trigger's results of execution %s: %w", ex.ID, err)
	}
	results, ok := v.(*value.Object)
	if !ok {
		return stored, nil
	}
	def, err := p.store.GetDefinition(ctx, ex.DefinitionHash)
	if err != nil {
		return "", err
	}
	if ex.Unowned() {
		urls = map[string]string{ipaas.SharedEndpoint: urls[ipaas.SharedEndpoint]}
	}
	keys, err := p.shownKeys(ctx, ex, &def)
	if err != nil {
		return "", err
	}
	return string(value.Encode(withURLs(results, ex, &def, urls, keys))), nil
}

// shownURLs returns the URLs of an instance for showing what happened in it. A deleted instance has none any more: the placeholders
// of its tokens stay as they are.
func (p *Plane) shownURLs(ctx context.Context, instanceID string) (map[string]string, error) {
	urls, err := p.urls(ctx, instanceID)
	if errors.Is(err, ipaas.NotFound) {
		return nil, nil
	}
	return urls, err
}

// shownKeys returns, in place of the keys that runs see, that there are some. A deleted instance has none any more.
func (p *Plane) shownKeys(ctx context.Context, ex ipaas.Execution, def *ipaas.Definition) (map[string][]string, error) {
	in, err := p.store.GetInstance(ctx, ex.InstanceID)
	if errors.Is(err, ipaas.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if ex.Unowned() {
		in.ID = ""
	}
	keys, err := p.openKeys(ctx, in, def)
	if errors.Is(err, ipaas.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return keys.hidden(), nil
}

// RegistrationChangeView is a change with the registration it is about.
type RegistrationChangeView struct {
	Kind         ipaas.ChangeKind
	Registration ipaas.Registration
}

// DescribeDeployment returns what a deployment did in other systems. Registrations that were forgotten are left out.
func (p *Plane) DescribeDeployment(ctx context.Context, d ipaas.Deployment) ([]RegistrationChangeView, error) {
	if len(d.Changes) == 0 {
		return nil, nil
	}
	rows, err := p.store.ListRegistrations(ctx, d.InstanceID)
	if err != nil {
		return nil, err
	}
	if rows, err = p.revealedRegistrations(ctx, d.InstanceID, rows); err != nil {
		return nil, err
	}
	byID := make(map[string]ipaas.Registration, len(rows))
	for _, r := range rows {
		byID[r.ID] = r
	}
	var views []RegistrationChangeView
	for _, c := range d.Changes {
		if r, ok := byID[c.RegistrationID]; ok {
			views = append(views, RegistrationChangeView{Kind: c.Kind, Registration: r})
		}
	}
	return views, nil
}

// openStates are the states of registrations whose remote object may exist.
var openStates = []ipaas.RegistrationState{
	ipaas.RegistrationIntent, ipaas.RegistrationCreated, ipaas.RegistrationRemovePending, ipaas.RegistrationRemoveFailed,
	ipaas.RegistrationUnconfirmed,
}
