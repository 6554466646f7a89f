package prismatic

import (
	"fmt"
	"html"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/expr"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// writer writes one definition.
type writer struct {
	def   *ipaas.Definition
	notes notes
}

// Write writes a definition in the layout of CurrentVersion, its keys in the order of the alphabet as in the files of the other product.
// The notes tell what has no place there, with paths spelled as in the JSON of the API. Secrets that stand in the definition stay:
// Definition.RemoveSecrets takes them out.
func Write(d ipaas.Definition) (*value.Object, []Note) {
	w := &writer{def: &d}
	return w.definition(), w.notes.list()
}

// obj is an object under construction: what is empty is left out by those who say so.
type obj struct{ *value.Object }

func newObj() obj { return obj{value.Obj()} }

// some sets a text unless it is empty.
func (o obj) some(key, text string) {
	if text != "" {
		o.Set(key, text)
	}
}

func (w *writer) definition() *value.Object {
	d, o := w.def, newObj()
	o.Set("category", d.Category)
	o.Set("configPages", w.pages())
	o.Set("definitionVersion", count(CurrentVersion))
	o.Set("description", d.Description)
	o.Set("documentation", d.Documentation)
	w.endpoint(o)
	flows := make([]any, len(d.Flows))
	for i := range d.Flows {
		flows[i] = w.flow(item("flows", i), &d.Flows[i])
	}
	o.Set("flows", flows)
	if labels := w.labels(); len(labels) > 0 {
		o.Set("labels", labels)
	}
	o.Set("name", d.DisplayName)
	if d.Endpoint != nil && d.Endpoint.PreprocessFlow != "" {
		o.Set("preprocessFlowName", flowName(d, d.Endpoint.PreprocessFlow))
	}
	variables := make([]any, len(d.ConfigVariables))
	for i := range d.ConfigVariables {
		variables[i] = w.variable(item("configVariables", i), &d.ConfigVariables[i])
	}
	o.Set("requiredConfigVars", variables)
	if d.Deploy.Policy != "" && d.Deploy.Policy != ipaas.Rollback {
		w.notes.add("deploySettings.failurePolicy", Dropped, "what a failed deployment leaves behind cannot be said")
	}
	if d.Deploy.Timeout != 0 {
		w.notes.add("deploySettings.timeout", Dropped, "how long a deployment may take cannot be said")
	}
	return o.Object
}

func count(n int) value.Number { return value.Number(fmt.Sprint(n)) }

func (w *writer) labels() []any {
	var labels []any
	for _, key := range slices.Sorted(maps.Keys(w.def.Labels)) {
		labels = append(labels, key)
		if w.def.Labels[key] != "" {
			w.notes.add(joined("labels", key), Dropped, "a label has no value: %q is left out", value.Shorten(w.def.Labels[key]))
		}
	}
	return labels
}

func (w *writer) endpoint(o obj) {
	e := w.def.Endpoint
	if e == nil {
		o.Set("endpointType", wordFor(endpointTypes, ipaas.EndpointPerFlow))
		return
	}
	kind := e.Type
	if kind == "" {
		kind = ipaas.EndpointPerFlow
	}
	o.Set("endpointType", wordFor(endpointTypes, kind))
	for _, ref := range []struct {
		key string
		in  *ipaas.Input
	}{{"externalCustomerIdField", e.CustomerID}, {"externalCustomerUserIdField", e.CustomerUserID}, {"flowNameField", e.FlowName}} {
		if ref.in != nil {
			o.Set(ref.key, w.input("endpoint", *ref.in, false))
		}
	}
}

// wordFor is the word of the file for a value of a closed set.
func wordFor[T comparable](set map[string]T, is T) string {
	for _, word := range slices.Sorted(maps.Keys(set)) {
		if set[word] == is && word != "" {
			return word
		}
	}
	return ""
}

func (w *writer) pages() []any {
	pages := make([]any, len(w.def.ConfigPages))
	for i, p := range w.def.ConfigPages {
		elements := make([]any, len(p.Elements))
		for j, e := range p.Elements {
			one := newObj()
			if e.ConfigVariable != "" {
				one.Set("type", "configVar")
				one.Set("value", w.variableName(e.ConfigVariable))
			} else {
				one.Set("type", "htmlElement")
				one.Set("value", html.EscapeString(e.Heading))
			}
			elements[j] = one.Object
		}
		page := newObj()
		page.Set("elements", elements)
		page.Set("name", p.Title)
		page.Set("tagline", p.Tagline)
		pages[i] = page.Object
	}
	return pages
}

// variableName is the key of a config variable, which may be named by its id.
func (w *writer) variableName(name string) string {
	if v, _ := w.def.ConfigVariable(name); v != nil {
		return v.DisplayName
	}
	return name
}

func flowName(d *ipaas.Definition, name string) string {
	if f := d.FlowByName(name); f != nil {
		return f.DisplayName
	}
	return name
}

// variable writes a config variable.
func (w *writer) variable(at string, v *ipaas.ConfigVariable) *value.Object {
	o := newObj()
	kind := v.Type
	switch kind {
	case "":
		kind = ipaas.ConfigString
	case ipaas.ConfigText:
		kind = ipaas.ConfigString
		w.notes.add(at+".type", Changed, "a text of several lines is a string")
	}
	o.some("codeLanguage", v.CodeLanguage)
	o.some("collectionType", wordFor(collections, v.Collection))
	component, key, ok := strings.Cut(v.ConnectionType, ".")
	shared := kind == ipaas.ConfigConnection && v.SharedConnection != ""
	if ok && !shared {
		connection := newObj()
		connection.Set("component", componentRef(component))
		connection.Set("key", key)
		o.Set("connection", connection.Object)
	}
	o.Set("dataType", variableWord(kind))
	switch {
	case shared:
		w.sharedConnection(at, o, v)
	case kind != ipaas.ConfigConnection:
		text, zone := w.defaultText(at, v)
		o.Set("defaultValue", text)
		o.some("description", v.Description)
		w.variableRest(o, v)
		if kind == ipaas.ConfigSchedule {
			o.Set("scheduleType", "custom")
		}
		o.some("stableKey", v.StableKey)
		o.some("timeZone", zone)
	default:
		o.some("description", v.Description)
		o.Set("inputs", w.connectionInputs(v))
		w.variableRest(o, v)
		o.some("stableKey", v.StableKey)
	}
	if v.Secret {
		w.notes.add(at+".secret", Dropped, "only connections have secrets: %q is a plain string there", v.DisplayName)
	}
	if required := v.Default == "" && v.Type != ipaas.ConfigSchedule; required != v.Required {
		w.notes.add(at+".required", Dropped, "what has no default is required there, and what has one is not")
	}
	return o.Object
}

// sharedConnection writes a connection that stands elsewhere. Besides what it is called there, little may be said of it.
func (w *writer) sharedConnection(at string, o obj, v *ipaas.ConfigVariable) {
	o.some("description", v.Description)
	if inputs := w.connectionInputs(v); inputs.Len() > 0 {
		o.Set("inputs", inputs)
	}
	o.Set("key", v.DisplayName)
	if v.OrgOnly {
		o.Set("meta", value.Obj(value.Field{Key: "visibleToCustomerDeployer", Value: false}))
	}
	o.some("stableKey", v.StableKey)
	o.Set("useScopedConfigVar", v.SharedConnection)
	w.notes.add(at+".connectionType", Assumed, "the shared connection %q is there already, and is a %s",
		value.Shorten(v.SharedConnection), v.ConnectionType)
}

func (w *writer) variableRest(o obj, v *ipaas.ConfigVariable) {
	o.Set("key", v.DisplayName)
	o.Set("orgOnly", v.OrgOnly)
	if len(v.Choices) > 0 {
		choices := make([]any, len(v.Choices))
		for i, choice := range v.Choices {
			choices[i] = choice
		}
		o.Set("pickList", choices)
	}
}

// variableWord is the word for a type. Several words mean what is JSON here.
func variableWord(kind ipaas.ConfigType) string {
	switch kind {
	case ipaas.ConfigJSON:
		return "jsonForm"
	case ipaas.ConfigConnection:
		return "connection"
	default:
		return wordFor(configTypes, kind)
	}
}

// defaultText writes a default as the text that it is in the file, and the time zone that stands in front of a schedule.
func (w *writer) defaultText(at string, v *ipaas.ConfigVariable) (text, zone string) {
	given, ok := v.DefaultValue()
	if !ok {
		return "", ""
	}
	if pairs, ok := given.(*value.Object); ok && v.Collection == ipaas.CollectionKeyValueList {
		list := []any{}
		for key, one := range pairs.All() {
			list = append(list, value.Obj(value.Field{Key: "key", Value: key}, value.Field{Key: "value", Value: one}))
		}
		return string(value.JSON(list)), ""
	}
	if v.Type == ipaas.ConfigJSON && v.Collection == "" {
		return string(value.JSON(given)), ""
	}
	text = value.Text(given)
	if rest, ok := strings.CutPrefix(text, zonePrefix); ok && v.Type == ipaas.ConfigSchedule {
		zone, text, _ = strings.Cut(rest, " ")
	}
	if every, ok := ipaas.Interval(text); ok && v.Type == ipaas.ConfigSchedule && v.Collection == "" {
		return w.everyText(at+"."+v.DefaultField(), every), ""
	}
	if _, ok := given.(string); !ok && v.Collection == "" {
		w.notes.add(at+"."+v.DefaultField(), Changed, "all defaults are texts there")
	}
	return text, zone
}

func (w *writer) connectionInputs(v *ipaas.ConfigVariable) *value.Object {
	out := value.Obj()
	given, _ := v.DefaultValue()
	inputs, _ := given.(*value.Object)
	for key, one := range inputs.All() {
		out.Set(key, expression("value", one))
	}
	return out
}

func componentRef(key string) *value.Object {
	return value.Obj(value.Field{Key: "isPublic", Value: true}, value.Field{Key: "key", Value: key}, value.Field{Key: "version", Value: "LATEST"})
}

func action(name string) *value.Object {
	component, key, _ := strings.Cut(name, ".")
	return value.Obj(value.Field{Key: "component", Value: componentRef(component)}, value.Field{Key: "key", Value: key})
}

func expression(kind string, v any) *value.Object {
	return value.Obj(value.Field{Key: "type", Value: kind}, value.Field{Key: "value", Value: v})
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
	var inInput func(in *ipaas.Input) bool
	inInput = func(in *ipaas.Input) bool {
		return in.Kind == ipaas.InputReference && strings.HasPrefix(in.Text, ipaas.TriggerStepID+".") ||
			in.Kind == ipaas.InputTemplate && strings.Contains(in.Text, "{{$"+ipaas.TriggerStepID+".") ||
			slices.ContainsFunc(in.Items, func(one ipaas.Input) bool { return inInput(&one) })
	}
	var inSteps func(steps []ipaas.Step) bool
	inSteps = func(steps []ipaas.Step) bool {
		return slices.ContainsFunc(steps, func(s ipaas.Step) bool {
			for _, in := range s.Inputs {
				if inInput(&in) {
					return true
				}
			}
			return inSteps(s.Steps) || slices.ContainsFunc(s.Branches, func(b ipaas.Branch) bool { return inSteps(b.Steps) })
		})
	}
	return inSteps(f.Steps)
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
	meta := value.Obj(value.Field{Key: "scheduleType", Value: "custom"}, value.Field{Key: "timeZone", Value: s.TimeZone})
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
		q.Set("concurrencyLimit", count(f.Concurrency))
	}
	if f.DeduplicationKey != nil {
		q.Set("dedupeIdField", w.input(at+".deduplicationKey", *f.DeduplicationKey, false))
	}
	if f.Trigger.Schedule != nil && f.Trigger.Schedule.Singleton {
		q.Set("singletonExecutions", true)
	}
	if f.Ordering != nil {
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
	out.Set("delayMinutes", count(minutes))
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

func (w *writer) steps(at string, steps []ipaas.Step) []any {
	out := make([]any, len(steps))
	for i := range steps {
		out[i] = w.step(item(at, i), &steps[i])
	}
	return out
}

func (w *writer) step(at string, s *ipaas.Step) *value.Object {
	o := newObj()
	o.Set("action", action(s.Action))
	if len(s.Branches) > 0 {
		branches := make([]any, len(s.Branches))
		for i, b := range s.Branches {
			branches[i] = value.Obj(value.Field{Key: "name", Value: b.Name},
				value.Field{Key: "steps", Value: w.steps(item(at+".branches", i)+".steps", b.Steps)})
		}
		o.Set("branches", branches)
	}
	o.Set("description", s.Description)
	if h := s.OnError; h != nil {
		o.Set("errorConfig", w.errorHandling(at+".onError", h))
	}
	o.Set("inputs", w.inputs(at, s.Inputs))
	o.Set("name", s.DisplayName)
	o.some("stableKey", s.StableKey)
	if len(s.Steps) > 0 || strings.HasPrefix(s.Action, "loop.loop") {
		o.Set("steps", w.steps(at+".steps", s.Steps))
	}
	return o.Object
}

func (w *writer) errorHandling(at string, h *ipaas.ErrorHandling) *value.Object {
	o := newObj()
	effects := map[string]ipaas.ErrorEffect{"fail": ipaas.ErrorFail, "ignore": ipaas.ErrorIgnore, "retry": ipaas.ErrorRetry}
	effect := h.Effect
	if effect == "" {
		effect = ipaas.ErrorFail
	}
	if effect == ipaas.ErrorRetry {
		seconds, exact := units(h.Delay, time.Second)
		if !exact {
			w.notes.add(at+".delay", Changed, "a delay is in seconds: %s is %d", h.Delay, seconds)
		}
		o.Set("delaySeconds", count(seconds))
	}
	o.Set("errorHandlerType", wordFor(effects, effect))
	if effect == ipaas.ErrorRetry {
		o.Set("ignoreFinalError", h.IgnoreFinal)
		o.Set("maxAttempts", count(h.MaxAttempts))
		o.Set("usesExponentialBackoff", w.grows(at, h.Multiplier))
	}
	return o.Object
}

func (w *writer) inputs(at string, inputs map[string]ipaas.Input) *value.Object {
	o := value.Obj()
	for _, key := range slices.Sorted(maps.Keys(inputs)) {
		// Names of branches are plain, those of all other lists are expressions.
		plain := key == "conditions" || key == "branchValueMappings"
		o.Set(key, w.input(at+".inputs."+key, inputs[key], plain))
	}
	return o
}

// input writes an expression.
func (w *writer) input(at string, in ipaas.Input, plainNames bool) *value.Object {
	switch in.Kind {
	case ipaas.InputConfigVariable:
		return expression("configVar", w.variableName(in.Text))
	case ipaas.InputReference:
		return expression("reference", in.Text)
	case ipaas.InputTemplate:
		return expression("template", w.template(in.Text))
	case ipaas.InputComplex:
		return expression("complex", w.items(at, in.Items, plainNames, plainNames && (in.Name != "" || in.NameFrom != nil)))
	default:
		v, err := value.Parse([]byte(in.Text))
		if err != nil {
			w.notes.add(at, Dropped, "it is no JSON: %v", err) // Validate refuses it
		}
		return expression("value", v)
	}
}

// items writes the items of a list. A condition begins with its operator, which is bare.
func (w *writer) items(at string, list []ipaas.Input, plainNames, condition bool) []any {
	items := make([]any, len(list))
	for i, one := range list {
		operator, isText := literalText(one)
		if condition && i == 0 && isText && one.Name == "" && one.NameFrom == nil {
			items[i] = operator
			continue
		}
		items[i] = w.item(at, one, plainNames)
	}
	return items
}

// item writes an item of a list. A list in a list is bare, as conditions have it.
func (w *writer) item(at string, in ipaas.Input, plainNames bool) any {
	named := in.Name != "" || in.NameFrom != nil
	if in.Kind == ipaas.InputComplex && !named {
		return w.items(at, in.Items, plainNames, plainNames)
	}
	out := newObj()
	switch {
	case in.NameFrom != nil:
		out.Set("name", w.input(at, *in.NameFrom, false))
	case in.Name != "" && plainNames:
		out.Set("name", in.Name)
	case in.Name != "":
		out.Set("name", expression("value", in.Name))
	}
	for key, v := range w.input(at, in, plainNames).All() {
		out.Set(key, v)
	}
	return out.Object
}

// template writes a template, in which config variables may be named by their ids.
func (w *writer) template(text string) string {
	t, err := expr.ParseTemplate(text)
	if err != nil {
		return text
	}
	for _, part := range t.Parts() {
		if v, ok := part.(*expr.ConfigVariableNode); ok {
			if name := w.variableName(v.Name); name != v.Name {
				text = strings.ReplaceAll(text, "{{#"+v.Name+"}}", "{{#"+name+"}}")
			}
		}
	}
	return text
}
