package builtin_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/component/builtin"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

func registry() component.Registry { return component.NewRegistry(builtin.All()...) }

// TestDeclarations proves of every component that what it declares is consistent, so that adding one is a file and a line.
func TestDeclarations(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	var lasting []string
	for _, c := range builtin.All() {
		if !ipaas.ValidID(c.ID) || seen[c.ID] {
			t.Errorf("component id %q is malformed or there twice", c.ID)
		}
		seen[c.ID] = true
		described(t, c.ID, c.DisplayName, c.Description)
		keys := map[string]bool{}
		for i := range c.ConnectionTypes {
			ct := &c.ConnectionTypes[i]
			at := c.ID + "." + ct.Key
			unique(t, keys, at, ct.Key)
			described(t, at, ct.DisplayName, ct.Description)
			fields(t, at, ct.Inputs, nil)
		}
		keys = map[string]bool{}
		for i := range c.Actions {
			a := &c.Actions[i]
			at := c.ID + "." + a.Key
			unique(t, keys, at, a.Key)
			described(t, at, a.DisplayName, a.Description)
			described(t, at+": output", a.DisplayName, a.Output)
			fields(t, at, a.Inputs, c)
			if !slices.Contains([]ipaas.Effect{ipaas.EffectPure, ipaas.EffectRead, ipaas.EffectWrite}, a.Effect) {
				t.Errorf("%s has the effect %q", at, a.Effect)
			}
			ways := 0
			for _, has := range []bool{a.Perform != nil, a.Items != nil, a.Delegate != nil, a.Removes != nil} {
				if has {
					ways++
				}
			}
			if ways != 1 || a.Loops != (a.Items != nil) {
				t.Errorf("%s must have one of Perform, Items, Delegate and Removes, and loop with Items", at)
			}
			if a.Branches != (a.BranchNames != nil) {
				t.Errorf("%s must name its branches if it has some", at)
			}
			if a.Request != nil || a.Result != "" {
				t.Errorf("%s has parts of a declarative action", at)
			}
			if a.Lasts {
				lasting = append(lasting, at)
			}
			if a.Effect == ipaas.EffectPure && (a.Undo != nil || a.Delegate != nil || a.Removes != nil || a.StartsFlow != "") {
				t.Errorf("%s creates, removes or starts something, and says that it only computes", at)
			}
		}
		keys = map[string]bool{}
		for i := range c.Triggers {
			tr := &c.Triggers[i]
			at := c.ID + "." + tr.Key
			unique(t, keys, at, tr.Key)
			described(t, at, tr.DisplayName, tr.Description)
			described(t, at+": output", tr.DisplayName, tr.Output)
			fields(t, at, tr.Inputs, nil)
			if tr.Receive == nil {
				t.Errorf("%s cannot receive", at)
			}
		}
	}
	slices.Sort(lasting)
	want := []string{"code.runCode", "collection-tools.filter", "collection-tools.map", "collection-tools.sort", "sleep.sleep"}
	if diff := cmp.Diff(want, lasting); diff != "" {
		t.Errorf("what waits or runs code (-want +got):\n%s", diff)
	}
}

var keyPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*$`)

func unique(t *testing.T, seen map[string]bool, at, key string) {
	t.Helper()
	if !keyPattern.MatchString(key) || seen[key] {
		t.Errorf("%s: the key is malformed or there twice", at)
	}
	seen[key] = true
}

func described(t *testing.T, at, name, description string) {
	t.Helper()
	if name == "" || !strings.HasSuffix(description, ".") && !strings.HasSuffix(description, ".)") {
		t.Errorf("%s needs a name and a description that is a sentence: %q, %q", at, name, description)
	}
}

func fields(t *testing.T, at string, fields []ipaas.InputField, c *component.Component) {
	t.Helper()
	seen := map[string]bool{}
	for i := range fields {
		f := fields[i]
		at := at + "." + f.Key
		unique(t, seen, at, f.Key)
		described(t, at, f.DisplayName, f.Description)
		for _, key := range f.ConnectionTypes {
			if f.Type != ipaas.FieldConnection || c.ConnectionType(key) == nil {
				t.Errorf("%s accepts the unknown connection type %q", at, key)
			}
		}
		if f.Default == "" {
			continue
		}
		if f.Required || f.Secret {
			t.Errorf("%s has a default, so it is neither required nor a secret", at)
		}
		v, err := value.Parse([]byte(f.Default))
		if err != nil {
			t.Errorf("%s: default: %v", at, err)
		}
		f.Required = true
		if _, wrong := component.Resolve([]ipaas.InputField{f}, map[string]any{f.Key: v}); len(wrong) > 0 {
			t.Errorf("%s: default: %v", at, wrong)
		}
	}
}

func TestKnownNamesAreThere(t *testing.T) {
	t.Parallel()
	r := registry()
	for _, name := range []string{
		"http.httpGet", "http.httpPost", "http.httpPut", "http.httpPatch", "http.httpDelete", "log.writeLog", "stop-execution.stopExecution", "branch.branchOnExpression",
		"branch.branchOnValue", "loop.loopOverItems", "loop.loopNTimes", "loop.breakLoop", "collection-tools.createObject",
		"persist-data.getExecutionValue", "persist-data.saveExecutionValue", "persist-data.appendExecutionValueToList", "persist-data.incrementExecutionValue",
		"persist-data.getCrossFlowValue", "persist-data.saveCrossFlowValue", "persist-data.removeCrossFlowValue", "persist-data.getInstanceValue",
		"persist-data.saveInstanceValue", "persist-data.listInstanceKeys",
	} {
		if _, a := r.Action(name); a == nil {
			t.Errorf("there is no action %s", name)
		}
	}
	for _, name := range []string{ipaas.TriggerWebhook, ipaas.TriggerInstanceDeploy, ipaas.TriggerInstanceRemove} {
		if _, tr := r.Trigger(name); tr == nil {
			t.Errorf("there is no trigger %s", name)
		}
	}
}

// inputs resolves inputs, given as JSON, as a step does.
func inputs(t *testing.T, fields []ipaas.InputField, given string) component.Inputs {
	t.Helper()
	v, err := value.Parse([]byte(given))
	if err != nil {
		t.Fatal(err)
	}
	o, _ := v.(*value.Object)
	raw := map[string]any{}
	for k, item := range o.All() {
		if ipaas.Field(fields, k) == nil {
			t.Fatalf("there is no input %q", k)
		}
		raw[k] = item
	}
	in, wrong := component.Resolve(fields, raw)
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	return in
}

// perform runs an action and returns its result, which an error leaves zero.
func perform(t *testing.T, name, given string) (component.Result, error) {
	t.Helper()
	a := actionNamed(t, name)
	return a.Perform(t.Context(), component.Call{Inputs: inputs(t, a.Inputs, given)})
}

func items(t *testing.T, name, given string) ([]any, error) {
	t.Helper()
	a := actionNamed(t, name)
	return a.Items(t.Context(), component.Call{Inputs: inputs(t, a.Inputs, given)})
}

// wantError compares the text of an error; an empty one wants none.
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
	}
	if got != want {
		t.Errorf("error %q, want %q", got, want)
	}
}

func TestWriteLog(t *testing.T) {
	t.Parallel()
	a := actionNamed(t, "log.writeLog")
	tests := []struct {
		inputs   string
		severity ipaas.Severity
		message  string
	}{
		{`{"message":"hello"}`, ipaas.SeverityInfo, "hello"},
		{`{"level":"","message":null}`, ipaas.SeverityInfo, ""},
		{`{"level":"error","message":{"a":[1.50,true]}}`, ipaas.SeverityError, `{"a":[1.50,true]}`},
		{`{"level":"debug","message":7}`, ipaas.SeverityDebug, "7"},
		{`{"level":"warn","message":"x"}`, ipaas.SeverityWarn, "x"},
	}
	for _, tt := range tests {
		var severity ipaas.Severity
		var message string
		call := component.Call{Inputs: inputs(t, a.Inputs, tt.inputs), Log: func(s ipaas.Severity, m string) { severity, message = s, m }}
		if _, err := a.Perform(t.Context(), call); err != nil || severity != tt.severity || message != tt.message {
			t.Errorf("%s: got %s %q, %v", tt.inputs, severity, message, err)
		}
	}
}

func TestStopExecution(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, inputs string
		want         *ipaas.Response
		err          string
	}{
		{"defaults", `{}`, &ipaas.Response{Status: 200}, ""},
		{"as forms leave it", `{"statusCode":"","headers":[],"contentType":"","jsonBody":""}`, &ipaas.Response{Status: 200}, ""},
		{
			"object", `{"statusCode":"202","jsonBody":{"a":1.0}}`,
			&ipaas.Response{Status: 202, Headers: []ipaas.NamedText{{Name: "Content-Type", Text: "application/json"}}, Body: []byte(`{"a":1.0}`)}, "",
		},
		{
			"text and headers", `{"contentType":"text/csv","headers":{"X-A":"1","x-a":"2"},"jsonBody":"a,b"}`,
			&ipaas.Response{Status: 200, Headers: []ipaas.NamedText{{Name: "Content-Type", Text: "text/csv"}, {Name: "X-A", Text: "1"}, {Name: "x-a", Text: "2"}}, Body: []byte("a,b")}, "",
		},
		{
			"own content type", `{"headers":[{"key":"content-type","value":"text/html"}],"jsonBody":"<p>"}`,
			&ipaas.Response{Status: 200, Headers: []ipaas.NamedText{{Name: "content-type", Text: "text/html"}}, Body: []byte("<p>")}, "",
		},
		{"no content", `{"statusCode":204,"jsonBody":"x"}`, &ipaas.Response{Status: 204}, ""},
		{"status too low", `{"statusCode":101}`, nil, `input "statusCode" is 101: give a status from 200 to 599`},
		{"status no whole number", `{"statusCode":200.5}`, nil, `input "statusCode" is 200.5: give a whole number`},
		{"header injection", `{"headers":{"X-A":"1\r\nSet-Cookie: a"}}`, nil, `input "headers": header X-A holds a line break or another control character: remove it`},
		{"header name", `{"headers":{"X A":"1"}}`, nil, `input "headers" has the header name "X A": use letters, digits and hyphens`},
		{"header of the connection", `{"headers":{"transfer-encoding":"chunked"}}`, nil, `input "headers" has the header transfer-encoding, which the server itself sets: remove it`},
		{"content type injection", `{"contentType":"a\nb","jsonBody":1}`, nil, `input "contentType" holds a line break or another control character: give a content type such as application/json`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := perform(t, "stop-execution.stopExecution", tt.inputs)
			wantError(t, err, tt.err)
			if diff := cmp.Diff(tt.want, got.Stop); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCreateObject(t *testing.T) {
	t.Parallel()
	got, err := perform(t, "collection-tools.createObject", `{"keyValueInput":[{"key":"a.b","value":{"x":1.0}},{"key":"c","value":null},{"key":"a.b","value":[2]}]}`)
	if err != nil || string(value.JSON(got.Data)) != `{"a.b":[2],"c":null}` {
		t.Errorf("got %s, %v", value.JSON(got.Data), err)
	}
	_, err = perform(t, "collection-tools.createObject", `{"keyValueInput":[{"key":"","value":1}]}`)
	wantError(t, err, `input "keyValueInput": item 0 has an empty key: give it one`)
}

func TestLoops(t *testing.T) {
	t.Parallel()
	tests := []struct{ action, inputs, want, err string }{
		{"loop.loopOverItems", `{"items":[1,{"a":2},null]}`, `[1,{"a":2},null]`, ""},
		{"loop.loopOverItems", `{"items":"[1, \"a\"]"}`, `[1,"a"]`, ""},
		{"loop.loopOverItems", `{"items":{"b":1,"a":[2]}}`, `[{"key":"b","value":1},{"key":"a","value":[2]}]`, ""},
		{"loop.loopOverItems", `{"items":"{\"b\":1}"}`, `[{"key":"b","value":1}]`, ""},
		{"loop.loopOverItems", `{"items":[]}`, `[]`, ""},
		{"loop.loopOverItems", `{"items":5}`, `[]`, `input "items" is a number: give a list`},
		{"loop.loopOverItems", `{"items":"5"}`, `[]`, `input "items" is a number: give a list`},
		{"loop.loopOverItems", `{"items":"some"}`, `[]`, `input "items" is a text that is not JSON: give a list`},
		{"loop.loopOverItems", `{"items":true}`, `[]`, `input "items" is a boolean: give a list`},
		{"loop.loopOverItems", `{"items":" "}`, `[]`, ""},
		{"loop.loopOverItems", `{"items":"null"}`, `[]`, ""},
		{"loop.loopOverCollection", `{"collection":""}`, `[]`, ""},
		{"loop.loopNTimes", `{"iterationCount":"3"}`, `[0,1,2]`, ""},
		{"loop.loopNTimes", `{"iterationCount":0}`, `[]`, ""},
		{"loop.loopNTimes", `{"iterationCount":-1}`, `[]`, `input "iterationCount" is -1: give 0 to 1000000`},
		{"loop.loopNTimes", `{"iterationCount":1000001}`, `[]`, `input "iterationCount" is 1000001: give 0 to 1000000`},
		{"loop.loopNTimes", `{"iterationCount":1.5}`, `[]`, `input "iterationCount" is 1.5: give a whole number`},
	}
	for _, tt := range tests {
		got, err := items(t, tt.action, tt.inputs)
		wantError(t, err, tt.err)
		if list := string(value.JSON(append([]any{}, got...))); list != tt.want {
			t.Errorf("%s %s: got %s, want %s", tt.action, tt.inputs, list, tt.want)
		}
	}
	if got, err := items(t, "loop.loopNTimes", `{}`); err != nil || len(got) != 1000 || got[999] != value.Number("999") {
		t.Errorf("by default it loops %d times, %v", len(got), err)
	}
	if got, err := perform(t, "loop.breakLoop", `{}`); err != nil || !got.Break {
		t.Errorf("break: got %+v, %v", got, err)
	}
	if _, a := registry().Action("loop.breakLoop"); !a.Breaks {
		t.Error("breakLoop does not say that it breaks")
	}
}

func TestBranches(t *testing.T) {
	t.Parallel()
	tests := []struct{ action, inputs, want, err string }{
		{"branch.branchOnExpression", `{"conditions":[{"key":"Low","value":["lessThan","3",5]},{"key":"High","value":["isTrue",true]}]}`, "Low", ""},
		{"branch.branchOnExpression", `{"conditions":[{"key":"Low","value":["and",["lessThan",8,5]]},{"key":"High","value":["or",["equal","8",8]]}]}`, "High", ""},
		{"branch.branchOnExpression", `{"conditions":{"Never":["and",["isTrue","no"]]}}`, "Else", ""},
		{"branch.branchOnExpression", `{"conditions":"[{\"key\":\"A\",\"value\":[\"exists\",\"x\"]}]"}`, "A", ""},
		{"branch.branchOnExpression", `{"conditions":[]}`, "Else", ""},
		{"branch.branchOnExpression", `{"conditions":[{"key":"If null","value":["isEmpty",null]}]}`, "", `condition "If null" cannot be decided: isEmpty: nothing can be neither empty nor not: give a list or a text, or ask with exists whether it is there`},
		{"branch.branchOnExpression", `{"conditions":[{"key":"A","value":null}]}`, "", `condition "A" cannot be decided: nothing is no condition: give [operator, left, right], or and/or followed by conditions`},
		{"branch.branchOnExpression", `{"conditions":[["and"]]}`, "", `input "conditions" item 0 is a list: give named values`},
		{"branch.branchOnExpression", `{"conditions":true}`, "", `input "conditions" is a boolean: give named values`},
		{"branch.branchOnValue", `{"inputValue":0,"branchValueMappings":{"Zero Fuel":"0"}}`, "Zero Fuel", ""},
		{"branch.branchOnValue", `{"inputValue":"products/update","branchValueMappings":[{"key":"Created","value":"products/create"},{"key":"Updated","value":"products/update"}]}`, "Updated", ""},
		{"branch.branchOnValue", `{"inputValue":1.0,"branchValueMappings":{"One":"1"}}`, "One", ""},
		{"branch.branchOnValue", `{"inputValue":true,"branchValueMappings":{"Yes":"true"}}`, "Yes", ""},
		{"branch.branchOnValue", `{"inputValue":"ABC","branchValueMappings":{"a":"abc"}}`, "Else", ""},
		{"branch.branchOnValue", `{"branchValueMappings":{"a":"x"}}`, "Else", ""},
	}
	for _, tt := range tests {
		got, err := perform(t, tt.action, tt.inputs)
		wantError(t, err, tt.err)
		if got.Branch != tt.want || tt.want != "" && got.Data != tt.want {
			t.Errorf("%s %s: took %q, result %v; want %q", tt.action, tt.inputs, got.Branch, got.Data, tt.want)
		}
	}
}

func TestBranchNames(t *testing.T) {
	t.Parallel()
	ref := ipaas.Input{Kind: ipaas.InputReference, Text: "trigger.results"}
	named := func(name string) ipaas.Input { in := ref; in.Name = name; return in }
	computed := ref
	computed.NameFrom = &ref
	tests := []struct {
		name  string
		input ipaas.Input
		want  []string
	}{
		{"named items", ipaas.Input{Kind: ipaas.InputComplex, Items: []ipaas.Input{named("A"), named("B")}}, []string{"Else", "A", "B"}},
		{"computed name", ipaas.Input{Kind: ipaas.InputComplex, Items: []ipaas.Input{named("A"), computed}}, nil},
		{"literal", ipaas.Input{Kind: ipaas.InputJSON, Text: `{"A":"x","B":["isTrue",true]}`}, []string{"Else", "A", "B"}},
		{"literal text of JSON", ipaas.Input{Kind: ipaas.InputValue, Text: `"[{\"key\":\"A\",\"value\":1}]"`}, []string{"Else", "A"}},
		{"literal of another kind", ipaas.Input{Kind: ipaas.InputValue, Text: `7`}, nil},
		{"reference", ref, nil},
	}
	for key, name := range map[string]string{"conditions": "branch.branchOnExpression", "branchValueMappings": "branch.branchOnValue"} {
		a := actionNamed(t, name)
		for _, tt := range tests {
			if diff := cmp.Diff(tt.want, a.BranchNames(map[string]ipaas.Input{key: tt.input})); diff != "" {
				t.Errorf("%s, %s (-want +got):\n%s", name, tt.name, diff)
			}
		}
		if got := a.BranchNames(nil); got != nil {
			t.Errorf("%s without inputs: %v", name, got)
		}
	}
}

func TestManagementTriggersRunTheFlow(t *testing.T) {
	t.Parallel()
	for _, name := range []string{ipaas.TriggerInstanceDeploy, ipaas.TriggerInstanceRemove} {
		_, tr := registry().Trigger(name)
		got, err := tr.Receive(t.Context(), component.Request{})
		if err != nil || got.Answer != nil || got.Acknowledge != nil {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}
