package control_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
	"github.com/headrace/headrace/internal/value"
)

// echo is a definition with an asynchronous and a synchronous flow that show what the trigger brought.
func echo() ipaas.Definition {
	return ipaas.Definition{DisplayName: "Echo", Flows: []ipaas.Flow{
		hookFlow("Async", note("Note", ref("trigger.results.body"))),
		syncFlow("Sync", note("Note", ref("trigger.results"))),
		syncFlow("Raw", step("Note", "probe.note", inputs{"value": ref("trigger.results.rawBody.data")})),
	}}
}

func TestEventIsAcknowledgedOnceItIsOnDisk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := ipaas.Definition{DisplayName: "Slow", Flows: []ipaas.Flow{hookFlow("Slow", step("Wait", "probe.wait", inputs{"value": lit("gate")}))}}
	urls := w.deployed("disk", def, nil)
	reply := must[control.Reply](t)(w.receive(urls["Slow"], `{"n":1}`))
	if reply.Response.Status != 200 || string(reply.Response.Body) != `{"executionId":"`+reply.ExecutionID+`"}` {
		t.Errorf("answered %d %s", reply.Response.Status, reply.Response.Body)
	}
	twin := w.crashCopy() // what a crash at this moment leaves
	twin.start()
	twin.probe.gate("gate").pass()
	ex := twin.succeeded(reply.ExecutionID)
	if string(ex.Payload.Body) != `{"n":1}` || ex.Invoke != ipaas.InvokeWebhook {
		t.Errorf("the event on disk is %+v", ex)
	}
	w.probe.gate("gate").pass()
	w.succeeded(reply.ExecutionID)
}

func TestBodiesAreParsedByTheirContentType(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	urls := w.deployed("bodies", echo(), nil)
	binary := "\x00\xff\xfe" + strings.Repeat("\x80", 5)
	tests := []struct {
		name, contentType, body string
		want                    string // body as the flow sees it, as JSON
	}{
		{"JSON keeps digits and order", "application/json", `{"b":1.50,"a":12345678901234567890}`, `{"data":{"b":1.50,"a":12345678901234567890},"contentType":"application/json"}`},
		{"JSON with a charset", "application/json; charset=utf-8", `[1]`, `{"data":[1],"contentType":"application/json; charset=utf-8"}`},
		{"JSON by suffix", "application/vnd.api+json", `true`, `{"data":true,"contentType":"application/vnd.api+json"}`},
		{"form", "application/x-www-form-urlencoded", "a=1&b=x+y%21&a=2&c", `{"data":{"a":["1","2"],"b":"x y!","c":""},"contentType":"application/x-www-form-urlencoded"}`},
		{"text", "text/plain", "héllo", `{"data":"héllo","contentType":"text/plain"}`},
		{"XML is text", "application/xml", "<a/>", `{"data":"<a/>","contentType":"application/xml"}`},
		{"no content type", "", "anything", `{"data":"anything"}`},
		{"nothing", "", "", `{"data":null}`},
		{"nothing, said to be JSON", "application/json", "", `{"data":null,"contentType":"application/json"}`},
		{"binary", "application/octet-stream", binary, `{"data":` + string(value.JSON(value.Bytes{Data: []byte(binary), ContentType: "application/octet-stream"})) + `,"contentType":"application/octet-stream"}`},
		{"text that is none", "text/plain", "\xff", `{"data":` + string(value.JSON(value.Bytes{Data: []byte("\xff"), ContentType: "text/plain"})) + `,"contentType":"text/plain"}`},
		{"broken content type", "application/json; =", `{"a":1}`, `{"data":{"a":1},"contentType":"application/json; ="}`},
	}
	for _, tt := range tests {
		before := len(w.probe.notes())
		reply := must[control.Reply](t)(w.ReceiveWebhook(t.Context(), tokenOf(urls["Async"]),
			ipaas.Payload{Method: "POST", ContentType: tt.contentType, Body: []byte(tt.body)}, control.Preferences{}))
		ex := w.succeeded(reply.ExecutionID)
		if got := w.probe.notes()[before]; got != tt.want {
			t.Errorf("%s: the flow saw %s, want %s", tt.name, got, tt.want)
		}
		if string(ex.Payload.Body) != tt.body {
			t.Errorf("%s: the stored body is %q", tt.name, ex.Payload.Body)
		}
		raw := must[control.Reply](t)(w.ReceiveWebhook(t.Context(), tokenOf(urls["Raw"]),
			ipaas.Payload{Method: "POST", ContentType: tt.contentType, Body: []byte(tt.body)}, control.Preferences{}))
		if tt.body != "" && string(raw.Response.Body) != tt.body {
			t.Errorf("%s: the raw body came back as %q", tt.name, raw.Response.Body)
		}
	}
}

func TestMultipartFormsAreParsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	urls := w.deployed("parts", echo(), nil)
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	part := func(header textproto.MIMEHeader, data string) {
		p, err := m.CreatePart(header)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Write([]byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	part(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="note"`}}, "hello")
	part(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="file"; filename="a.png"`}, "Content-Type": {"image/png"}}, "\x89PNG")
	part(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="file"; filename="b.txt"`}, "Content-Type": {"text/plain"}}, "")
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	payload := ipaas.Payload{Method: "POST", ContentType: m.FormDataContentType(), Body: body.Bytes()}
	w.succeeded(must[control.Reply](t)(w.ReceiveWebhook(t.Context(), tokenOf(urls["Async"]), payload, control.Preferences{})).ExecutionID)
	png := string(value.JSON(value.Bytes{Data: []byte("\x89PNG"), ContentType: "image/png"}))
	want := `{"data":{"note":{"data":"hello","contentType":""},"file":[{"data":` + png + `,"contentType":"image/png","fileName":"a.png"},` +
		`{"data":"","contentType":"text/plain","fileName":"b.txt"}]},"contentType":` + string(value.JSON(m.FormDataContentType())) + `}`
	if diff := cmp.Diff(want, w.probe.notes()[0]); diff != "" {
		t.Errorf("the flow saw (-want +got):\n%s", diff)
	}
}

func TestMalformedBodiesAreRefusedAndRunNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	urls := w.deployed("bad", echo(), nil)
	tests := []struct{ contentType, body string }{
		{"application/json", `{"a":`},
		{"application/json", `{} {}`},
		{"text/json", `nope`},
		{"application/json", "\xff"},
		{"application/x-www-form-urlencoded", "a=%zz"},
		{"multipart/form-data", "--x"},
		{"multipart/form-data; boundary=x", "no part at all"},
		{"multipart/form-data; boundary=x", strings.Repeat("--x\r\n\r\n\r\n", 1001) + "--x--"},
	}
	for _, tt := range tests {
		for _, flow := range []string{"Async", "Sync"} {
			_, err := w.ReceiveWebhook(t.Context(), tokenOf(urls[flow]),
				ipaas.Payload{Method: "POST", ContentType: tt.contentType, Body: []byte(tt.body)}, control.Preferences{})
			if e := refused(t, err, ipaas.ReasonMalformedPayload); e.Kind != ipaas.Invalid {
				t.Errorf("%s %.20q: %s", tt.contentType, tt.body, e.Kind)
			}
		}
	}
	page := must[storage.Page[ipaas.Execution]](t)(w.store.ListExecutions(t.Context(), storage.Query{Size: 10}))
	if len(page.Items) != 0 {
		t.Errorf("%d executions were begun", len(page.Items))
	}
}

func TestFlowSeesTheWholeRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := ipaas.Definition{DisplayName: "Echo", Flows: []ipaas.Flow{syncFlow("Sync",
		note("Header", ref("trigger.results.headers.x-custom")),
		note("Method", ref("trigger.results.method")),
		note("Path", ref("trigger.results.pathFragment")),
		note("Query", ref("trigger.results.queryParameters.q")),
		note("URL", ref("trigger.results.invokeUrl")),
		note("Flow", ref("trigger.results.flow.name")),
	)}}
	urls := w.deployed("whole", def, nil)
	for _, method := range []string{"GET", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"} {
		before := len(w.probe.notes())
		req, err := http.NewRequestWithContext(t.Context(), method, urls["Sync"]+"/orders/7?q=a%20b", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-CUSTOM", "here")
		resp, err := w.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Error(err)
		}
		if resp.StatusCode != 200 || resp.Header.Get("Headrace-Execution-Id") == "" {
			t.Errorf("%s: answered %d with %v", method, resp.StatusCode, resp.Header)
		}
		want := []string{`"here"`, `"` + method + `"`, `"orders/7"`, `"a b"`, `"` + urls["Sync"] + `"`, `"Sync"`}
		if diff := cmp.Diff(want, w.probe.notes()[before:]); diff != "" {
			t.Errorf("%s: the flow saw (-want +got):\n%s", method, diff)
		}
	}
}

func TestAcknowledgementAsTheTriggerSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	flow := hookFlow("Custom")
	flow.Trigger.Inputs = inputs{
		"statusCode": num("202"), "contentType": lit("text/xml"), "body": lit("<ok/>"),
		"headers": {Kind: ipaas.InputComplex, Items: []ipaas.Input{{Name: "X-Trace", Kind: ipaas.InputValue, Text: `"t-1"`}}},
	}
	urls := w.deployed("ack", ipaas.Definition{DisplayName: "Ack", Flows: []ipaas.Flow{flow}}, nil)
	reply := must[control.Reply](t)(w.receive(urls["Custom"], `{}`))
	headers := map[string]string{}
	for _, h := range reply.Response.Headers {
		headers[h.Name] = h.Text
	}
	if reply.Response.Status != 202 || string(reply.Response.Body) != "<ok/>" || headers["X-Trace"] != "t-1" ||
		headers["Content-Type"] != "text/xml" || headers[control.ExecutionIDHeader] != reply.ExecutionID {
		t.Errorf("answered %d %s with %v", reply.Response.Status, reply.Response.Body, headers)
	}
	w.succeeded(reply.ExecutionID)
}

func TestSynchronousAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := ipaas.Definition{DisplayName: "Sync", Flows: []ipaas.Flow{
		syncFlow("Result", note("Note", ref("trigger.results.body.data"))),
		syncFlow("Nothing"),
		syncFlow("Stop", step("Stop", "stop-execution.stopExecution", inputs{
			"statusCode": num("201"), "contentType": lit("text/plain"), "jsonBody": tmpl("hi {{$trigger.results.body.data.name}}"),
		}), note("Never", lit("never"))),
		syncFlow("Fail", step("Break", "probe.fail", inputs{"value": lit("broken: " + "for good")})),
	}}
	urls := w.deployed("sync", def, nil)
	tests := []struct {
		flow, body string
		status     int
		want       string
	}{
		{"Result", `{"a":1.0}`, 200, `{"a":1.0}`},
		{"Result", `"just text"`, 200, `just text`},
		{"Nothing", `{}`, 200, `null`},
		{"Stop", `{"name":"Ada"}`, 201, `hi Ada`},
		{"Fail", `{}`, 400, `{"error":"step \"Break\" (probe.fail): broken: for good","reason":"STEP_FAILED","executionId":`},
	}
	for _, tt := range tests {
		status, body := w.call("POST", urls[tt.flow], "application/json", tt.body)
		if status != tt.status || !strings.HasPrefix(body, tt.want) {
			t.Errorf("%s of %s: answered %d %s, want %d %s", tt.flow, tt.body, status, body, tt.status, tt.want)
		}
	}
	if notes := w.probe.notes(); len(notes) != 2 {
		t.Errorf("ran: %v", notes)
	}
}

func TestSynchronousCallerIsNotKeptWaitingForEver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, control.Limits{SyncTimeout: 100 * time.Millisecond})
	def := ipaas.Definition{DisplayName: "Slow", Flows: []ipaas.Flow{syncFlow("Slow", step("Wait", "probe.wait", inputs{"value": lit("gate")}))}}
	urls := w.deployed("slow", def, nil)
	reply := must[control.Reply](t)(w.receive(urls["Slow"], `{}`))
	if reply.Response.Status != 504 || !strings.Contains(string(reply.Response.Body), reply.ExecutionID) {
		t.Errorf("answered %d %s", reply.Response.Status, reply.Response.Body)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.ReceiveWebhook(ctx, tokenOf(urls["Slow"]), jsonPayload(`{}`), control.Preferences{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that is gone gets %v", err)
	}
	w.probe.gate("gate").pass()
	w.succeeded(reply.ExecutionID)
}

func TestPreferredWaitIsShorterThanTheLimitOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := ipaas.Definition{DisplayName: "Slow", Flows: []ipaas.Flow{syncFlow("Slow", step("Wait", "probe.wait", inputs{"value": lit("gate")}))}}
	urls := w.deployed("prefer", def, nil)
	reply := must[control.Reply](t)(w.ReceiveWebhook(t.Context(), tokenOf(urls["Slow"]), jsonPayload(`{}`), control.Preferences{Wait: 50 * time.Millisecond}))
	if reply.Response.Status != 504 {
		t.Errorf("answered %d", reply.Response.Status)
	}
	w.probe.gate("gate").pass()
	w.succeeded(reply.ExecutionID)
}

func TestSynchronousCallerIsToldThatTheServerStops(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := ipaas.Definition{DisplayName: "Slow", Flows: []ipaas.Flow{syncFlow("Slow", step("Wait", "probe.wait", inputs{"value": lit("gate")}))}}
	urls := w.deployed("stop", def, nil)
	ended := make(chan error, 1)
	go func() {
		_, err := w.receive(urls["Slow"], `{}`)
		ended <- err
	}()
	<-w.probe.gate("gate").reached
	w.stop()
	if e := refused(t, <-ended, ipaas.ReasonShuttingDown); e.Kind != ipaas.Unavailable {
		t.Errorf("it is %s", e.Kind)
	}
}

func TestPausedInstanceHoldsAndThenRunsInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, control.Limits{MaxHeld: 5, Workers: 1})
	urls := w.deployed("held", echo(), nil)
	must[ipaas.Instance](t)(w.PauseInstance(t.Context(), "held", "", plain))
	var ids, want []string
	for i := range 5 {
		ids = append(ids, w.accepted(urls["Async"], fmt.Sprintf(`{"n":%d}`, i)))
		want = append(want, fmt.Sprintf(`{"data":{"n":%d},"contentType":"application/json"}`, i))
	}
	_, err := w.receive(urls["Async"], `{}`)
	if e := refused(t, err, ipaas.ReasonTooManyHeld); e.Kind != ipaas.Exhausted {
		t.Errorf("it is %s", e.Kind)
	}
	_, err = w.receive(urls["Sync"], `{}`)
	if e := refused(t, err, ipaas.ReasonInstancePaused); e.Kind != ipaas.Unavailable || e.RetryAfter == 0 {
		t.Errorf("a synchronous request gets %+v", e)
	}
	w.restart()
	for _, id := range ids {
		if ex := must[ipaas.Execution](t)(w.store.GetExecution(t.Context(), id)); ex.State != ipaas.ExecutionQueued || !ex.Held {
			t.Errorf("event %s is %s, held %t", id, ex.State, ex.Held)
		}
	}
	in := must[ipaas.Instance](t)(w.ResumeInstance(t.Context(), "held", plain))
	if in.Paused {
		t.Error("it is still paused")
	}
	for _, id := range ids {
		w.succeeded(id)
	}
	if diff := cmp.Diff(want, w.probe.notes()); diff != "" {
		t.Errorf("ran (-want +got):\n%s", diff)
	}
}

func TestInstancePausedToRefuse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	urls := w.deployed("refuse", echo(), nil)
	must[ipaas.Instance](t)(w.PauseInstance(t.Context(), "refuse", ipaas.PauseRefuse, plain))
	for _, flow := range []string{"Async", "Sync"} {
		_, err := w.receive(urls[flow], `{}`)
		if e := refused(t, err, ipaas.ReasonInstancePaused); e.Kind != ipaas.Unavailable {
			t.Errorf("%s: it is %s", flow, e.Kind)
		}
	}
	must[ipaas.Instance](t)(w.ResumeInstance(t.Context(), "refuse", plain))
	w.succeeded(w.accepted(urls["Async"], `{}`))
}

func TestUnknownTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish("echo", echo())
	in := w.instance("new", "echo", nil)
	view := must[control.InstanceView](t)(w.DescribeInstance(t.Context(), in, true))
	never := tokenOf(view.Flows[0].URL) // of an instance that was never deployed
	for _, token := range []string{"", "x", strings.Repeat("a", 32), strings.Repeat("A", 32), strings.Repeat("é", 16), never, strings.ToUpper(never)} {
		if err := w.LookupWebhook(t.Context(), token); !errors.Is(err, ipaas.NotFound) {
			t.Errorf("a look at %q says %v", token, err)
		}
		_, err := w.ReceiveWebhook(t.Context(), token, ipaas.Payload{}, control.Preferences{})
		if !errors.Is(err, ipaas.NotFound) || strings.Contains(err.Error(), never) {
			t.Errorf("%q says %v", token, err)
		}
	}
}

func TestFlowThatAVersionDroppedIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	urls := w.deployed("drop", echo(), nil)
	def := echo()
	def.Flows = def.Flows[1:]
	w.publish("int-drop", def)
	must[control.DeployResult](t)(w.DeployInstance(t.Context(), "drop", 2, plain))
	if _, err := w.receive(urls["Async"], `{}`); !errors.Is(err, ipaas.Gone) {
		t.Errorf("its hook says %v", err)
	}
}

func TestEventDuringTheFirstDeploymentRunsWhenItHasEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := echo()
	def.Flows = append(def.Flows, deployFlow("Init", step("Wait", "probe.wait", inputs{"value": lit("gate")})))
	w.publish("first", def)
	in := w.instance("first", "first", nil)
	ended := make(chan error, 1)
	go func() {
		_, err := w.DeployInstance(t.Context(), "first", 0, plain)
		ended <- err
	}()
	<-w.probe.gate("gate").reached
	view := must[control.InstanceView](t)(w.DescribeInstance(t.Context(), in, true))
	id := w.accepted(view.Flows[0].URL, `{"n":1}`)
	if ex := must[ipaas.Execution](t)(w.store.GetExecution(t.Context(), id)); !ex.Held {
		t.Error("the event is not held")
	}
	// A synchronous request runs at once, on the candidate; so does a handshake.
	if reply := must[control.Reply](t)(w.receive(view.Flows[1].URL, `{"n":2}`)); reply.Response.Status != 200 {
		t.Errorf("the synchronous flow answered %d", reply.Response.Status)
	}
	if status, body := w.call("GET", view.Flows[0].URL+"?challenge=c-1", "", ""); status != 200 || body != "c-1" {
		t.Errorf("the handshake was answered %d %s", status, body)
	}
	w.probe.gate("gate").pass()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if ex := w.succeeded(id); ex.Generation != 1 || ex.Version != 1 {
		t.Errorf("it ran on generation %d of version %d", ex.Generation, ex.Version)
	}
}

func TestEventAfterAFailedFirstDeploymentWaitsForTheNextOneOrExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t, control.Limits{HeldFor: time.Hour})
	def := echo()
	def.Flows = append(def.Flows, deployFlow("Init", register("Hook", "customer.updated", "Async")))
	def.ConfigVariables = []ipaas.ConfigVariable{erpVariable()}
	w.publish("later", def)
	in := w.instance("later", "later", map[string]string{"ERP": `{"baseUrl":"` + w.erpURL + `","apiKey":"wrong"}`})
	_, err := w.DeployInstance(t.Context(), "later", 0, plain)
	refused(t, err, ipaas.ReasonInitFlowFailed)
	view := must[control.InstanceView](t)(w.DescribeInstance(t.Context(), in, true))
	id := w.accepted(view.Flows[0].URL, `{"n":1}`)
	w.configure("later", w.erpConfig())
	w.deploy("later")
	w.succeeded(id)
}

func TestEventOfARedeploymentIsServedByTheOldGeneration(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	def := echo()
	urls := w.deployed("mid", def, nil)
	def.Flows = append(def.Flows, hookFlow("New", note("Note", lit("new"))), deployFlow("Init", step("Wait", "probe.wait", inputs{"value": lit("gate")})))
	w.publish("int-mid", def)
	ended := make(chan error, 1)
	go func() {
		_, err := w.DeployInstance(t.Context(), "mid", 2, plain)
		ended <- err
	}()
	<-w.probe.gate("gate").reached
	if ex := w.succeeded(w.accepted(urls["Async"], `{}`)); ex.Generation != 1 {
		t.Errorf("an old flow's event ran on generation %d", ex.Generation)
	}
	hooks := must[[]ipaas.Webhook](t)(w.store.ListWebhooks(t.Context(), "mid"))
	if len(hooks) != 5 {
		t.Fatalf("%d hooks", len(hooks))
	}
	w.probe.gate("gate").pass()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if ex := w.succeeded(w.accepted(urls["Async"], `{}`)); ex.Generation != 2 {
		t.Errorf("after the deployment an event ran on generation %d", ex.Generation)
	}
}

func TestRotatedTokenWorksDuringTheOverlap(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.deployed("rotate", echo(), nil)
	m := as("RotateWebhookToken", "r-1", "h")
	in := must[ipaas.Instance](t)(w.store.GetInstance(t.Context(), "rotate"))
	m.Base = in.Revision
	first := must[ipaas.Instance](t)(w.RotateWebhookToken(t.Context(), "rotate", "async", false, time.Hour, m))
	again := must[ipaas.Instance](t)(w.RotateWebhookToken(t.Context(), "rotate", "async", false, time.Hour, m))
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("the same request got another answer:\n%s", diff)
	}
	view := must[control.InstanceView](t)(w.DescribeInstance(t.Context(), first, true))
	if view.Flows[0].URL == old["Async"] || view.Flows[1].URL != old["Sync"] {
		t.Errorf("URLs are %+v, were %v", view.Flows, old)
	}
	w.succeeded(w.accepted(old["Async"], `{}`))
	w.succeeded(w.accepted(view.Flows[0].URL, `{}`))
	w.ahead.Store(int64(2 * time.Hour))
	if _, err := w.receive(old["Async"], `{}`); !errors.Is(err, ipaas.NotFound) {
		t.Errorf("after the overlap the old URL says %v", err)
	}
	w.succeeded(w.accepted(view.Flows[0].URL, `{}`))
	_, err := w.RotateWebhookToken(t.Context(), "rotate", "nothing", false, 0, plain)
	refused(t, err, ipaas.ReasonNotFound)
	must[ipaas.Instance](t)(w.RotateWebhookToken(t.Context(), "rotate", "", false, 0, plain))
	if _, err := w.receive(view.Flows[0].URL, `{}`); !errors.Is(err, ipaas.NotFound) {
		t.Errorf("without an overlap the old URL says %v", err)
	}
}

func TestPausingTwiceGivesTheSameAnswerToTheSameRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deployed("pause", echo(), nil)
	calls := []func(m control.Mutation) (ipaas.Instance, error){
		func(m control.Mutation) (ipaas.Instance, error) { return w.ResumeInstance(t.Context(), "pause", m) },
		func(m control.Mutation) (ipaas.Instance, error) {
			return w.PauseInstance(t.Context(), "pause", ipaas.PauseRefuse, m)
		},
		func(m control.Mutation) (ipaas.Instance, error) {
			return w.PauseInstance(t.Context(), "pause", ipaas.PauseRefuse, m)
		},
		func(m control.Mutation) (ipaas.Instance, error) { return w.ResumeInstance(t.Context(), "pause", m) },
	}
	for i, call := range calls {
		m := as("State", fmt.Sprint("r-", i), "h")
		first := must[ipaas.Instance](t)(call(m))
		again := must[ipaas.Instance](t)(call(m))
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("call %d: the same request got another answer (-first +again):\n%s", i, diff)
		}
		stored := must[ipaas.Instance](t)(w.store.GetInstance(t.Context(), "pause"))
		if diff := cmp.Diff(first, stored); diff != "" {
			t.Errorf("call %d: the answer is not what is stored (-answer +stored):\n%s", i, diff)
		}
	}
}

// TestEventsAfterAFailedDeploymentAreReceivedLikeOthers sends to an instance that no generation serves yet.
func TestEventsAfterAFailedDeploymentAreReceivedLikeOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	number := ref("trigger.results.body.data.n")
	flow := hookFlow("Events", note("Note", number))
	flow.DeduplicationKey, flow.Ordering = &number, &ipaas.Ordering{Scope: ipaas.OrderByFlow}
	def := ipaas.Definition{DisplayName: "Failing", Flows: []ipaas.Flow{flow, deployFlow("Begin", step("Fail", "probe.fail", inputs{"value": lit("no")}))}}
	w.publish("failing", def)
	in := w.instance("failing", "failing", nil)
	_, err := w.DeployInstance(t.Context(), "failing", 0, plain)
	refused(t, err, ipaas.ReasonInitFlowFailed)
	hook := must[control.InstanceView](t)(w.DescribeInstance(t.Context(), in, true)).Flows[0].URL

	if status, answer := w.call(http.MethodGet, hook+"?challenge=abc", "", ""); status != http.StatusOK || answer != "abc" {
		t.Errorf("the handshake was answered %d %q", status, answer)
	}
	first, second := w.accepted(hook, `{"n":1}`), w.accepted(hook, `{"n":2}`)
	if again := w.accepted(hook, `{"n":1}`); again != first {
		t.Errorf("the event that was sent twice is execution %s and execution %s", first, again)
	}
	for _, id := range []string{first, second} {
		if ex := must[ipaas.Execution](t)(w.store.GetExecution(t.Context(), id)); !ex.Held || ex.Lane == "" || ex.FlowDisplayName != "Events" {
			t.Errorf("execution %s is held %t, in lane %q, of flow %q", id, ex.Held, ex.Lane, ex.FlowDisplayName)
		}
	}
	def.Flows = def.Flows[:1]
	w.publish("failing", def)
	must[control.DeployResult](t)(w.DeployInstance(t.Context(), "failing", 0, plain))
	w.succeeded(first)
	w.succeeded(second)
	if diff := cmp.Diff([]string{"1", "2"}, w.probe.notes()); diff != "" {
		t.Errorf("ran (-want +got):\n%s", diff)
	}
}

// TestACallerMayWaitForAnAsynchronousFlow has callers choose, request by request, whether they want the flow's result.
func TestACallerMayWaitForAnAsynchronousFlow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	yes, no := true, false
	stop := step("Stop", "stop-execution.stopExecution", inputs{"statusCode": lit("201"), "jsonBody": ref("trigger.results.body.data"), "headers": ipaas.Input{
		Kind: ipaas.InputComplex, Items: []ipaas.Input{named("X-Own", lit("set"))},
	}})
	failing := hookFlow("Failing", step("Fail", "probe.fail", inputs{"value": lit("no good")}))
	retried := hookFlow("Retried", step("Flaky", "probe.flaky", inputs{"value": lit("f")}))
	retried.Retry = &ipaas.Retry{MaxAttempts: 2, Delay: time.Hour}
	ordered := hookFlow("Ordered", note("Note", ref("trigger.results.body.data")))
	ordered.Ordering = &ipaas.Ordering{Scope: ipaas.OrderByFlow}
	urls := w.deployed("wait", ipaas.Definition{DisplayName: "Wait", Flows: []ipaas.Flow{
		hookFlow("Async", stop), failing, retried, ordered, syncFlow("Sync", note("Note", ref("trigger.results.body.data"))),
		hookFlow("Slow", step("Wait", "probe.wait", inputs{"value": lit("gate")})),
	}}, nil)
	w.probe.fail("f", 1)
	for _, c := range []struct {
		name, flow string
		prefs      control.Preferences
		status     int
		body       string // a part of it
	}{
		{"who does not ask is acknowledged", "Async", control.Preferences{}, 200, `{"executionId":"exe-`},
		{"who waits gets the result", "Async", control.Preferences{Wait: patience()}, 201, `{"n":1}`},
		{"who wants it gets the result", "Async", control.Preferences{Synchronous: &yes}, 201, `{"n":1}`},
		{"an order is kept", "Ordered", control.Preferences{Wait: patience()}, 200, `{"n":1}`},
		{"and so the error", "Failing", control.Preferences{Wait: patience()}, 400, `no good`},
		{"what is tried again has no result yet", "Retried", control.Preferences{Wait: 50 * time.Millisecond}, 200, `{"executionId":"exe-`},
		{"who waits in vain is acknowledged", "Slow", control.Preferences{Wait: 50 * time.Millisecond}, 200, `{"executionId":"exe-`},
		{"who wants nothing else is told", "Slow", control.Preferences{Wait: 50 * time.Millisecond, Synchronous: &yes}, 504, `it goes on","reason":"EXECUTION_RUNNING"`},
		{"who does without is acknowledged", "Sync", control.Preferences{Synchronous: &no}, 200, `{"executionId":"exe-`},
		{"and does not wait", "Async", control.Preferences{Synchronous: &no, Wait: patience()}, 200, `{"executionId":"exe-`},
		{"the flow decides", "Sync", control.Preferences{Synchronous: &yes}, 200, `{"n":1}`},
	} {
		reply := must[control.Reply](t)(w.ReceiveWebhook(t.Context(), tokenOf(urls[c.flow]), jsonPayload(`{"n":1}`), c.prefs))
		if reply.Response.Status != c.status || !strings.Contains(string(reply.Response.Body), c.body) || reply.ExecutionID == "" {
			t.Errorf("%s: answered %d %s, want %d with %s", c.name, reply.Response.Status, reply.Response.Body, c.status, c.body)
		}
		own := slices.ContainsFunc(reply.Response.Headers, func(h ipaas.NamedText) bool { return h.Name == "X-Own" && h.Text == "set" })
		if own != (c.status == 201) {
			t.Errorf("%s: answered the headers %v", c.name, reply.Response.Headers)
		}
	}
	must[ipaas.Instance](t)(w.PauseInstance(t.Context(), "wait", ipaas.PauseHold, plain))
	held := must[control.Reply](t)(w.ReceiveWebhook(t.Context(), tokenOf(urls["Async"]), jsonPayload(`{"n":2}`), control.Preferences{Wait: patience()}))
	if held.Response.Status != 200 {
		t.Errorf("while it is paused: answered %d %s", held.Response.Status, held.Response.Body)
	}
	w.probe.gate("gate").pass()
}

func TestWhoWaitsAndGoesLeavesTheEventBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	urls := w.deployed("gone", ipaas.Definition{DisplayName: "Slow", Flows: []ipaas.Flow{hookFlow("Slow", step("Wait", "probe.wait", inputs{"value": lit("gate")}))}}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		_, err := w.ReceiveWebhook(ctx, tokenOf(urls["Slow"]), jsonPayload(`{}`), control.Preferences{Wait: patience()})
		gone <- err
	}()
	<-w.probe.gate("gate").reached
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("who is gone gets %v", err)
	}
	w.probe.gate("gate").pass()
	w.succeeded(w.executions("flow_id", "slow")[0].ID)
}
