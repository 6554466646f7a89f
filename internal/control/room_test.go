package control_test

import (
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
)

// TestLargeBodiesTakeTurnsInMemory sends bodies that take twenty times their length once they are read, more at once than there is memory
// for. What was acknowledged waits, what comes meanwhile is refused before it is, and what is small goes through.
func TestLargeBodiesTakeTurnsInMemory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, control.Limits{RunMemory: 16 << 20, Workers: 4})
	def := ipaas.Definition{DisplayName: "Large", Flows: []ipaas.Flow{
		hookFlow("Async", step("Wait", "probe.wait", inputs{"value": lit("async")})),
		syncFlow("Sync", step("Note", "probe.note", inputs{"value": lit("ran")})),
	}}
	urls := w.deployed("smith", def, nil)
	many := "[" + strings.Repeat("0,", 1<<18) + "0]"
	must[ipaas.Instance](t)(w.PauseInstance(t.Context(), "smith", "", plain))
	var ids []string
	for range 3 {
		ids = append(ids, w.accepted(urls["Async"], many))
	}
	must[ipaas.Instance](t)(w.ResumeInstance(t.Context(), "smith", plain))

	gate := w.probe.gate("async")
	<-gate.reached
	select {
	case <-gate.reached:
		t.Error("two run at once, and there is memory for one")
	case <-time.After(time.Second):
	}
	for _, flow := range []string{"Sync", "Async"} {
		_, err := w.receive(urls[flow], many)
		if e := refused(t, err, ipaas.ReasonMemoryBusy); e.Kind != ipaas.Unavailable || e.RetryAfter == 0 {
			t.Errorf("a further one for the flow %s gets %+v", flow, e)
		}
	}
	if reply := must[control.Reply](t)(w.receive(urls["Sync"], `{}`)); reply.Response.Status != 200 {
		t.Errorf("a small one gets %d %s", reply.Response.Status, reply.Response.Body)
	}

	gate.pass()
	for _, id := range ids {
		w.succeeded(id)
	}
	w.eventually("all was given back", func() bool { // just after the end of the last was stored
		reply, err := w.receive(urls["Sync"], many)
		return err == nil && reply.Response.Status == 200
	})
	for range 2 { // and is each time
		if reply := must[control.Reply](t)(w.receive(urls["Sync"], many)); reply.Response.Status != 200 {
			t.Errorf("one that comes later gets %d %s", reply.Response.Status, reply.Response.Body)
		}
	}
}

// TestTextsAreNotTakenForLists sends a text that looks like a list and takes no more than its length.
func TestTextsAreNotTakenForLists(t *testing.T) {
	t.Parallel()
	w := newWorld(t, control.Limits{RunMemory: 64 << 20})
	urls := w.deployed("smith", ipaas.Definition{DisplayName: "Large", Flows: []ipaas.Flow{
		hookFlow("Async", step("Wait", "probe.wait", inputs{"value": lit("async")})),
	}}, nil)
	text := `{"text": "` + strings.Repeat(`\"[,:\\`, 1<<18) + `"}`
	ids := []string{w.accepted(urls["Async"], text), w.accepted(urls["Async"], text)}
	gate := w.probe.gate("async")
	<-gate.reached
	<-gate.reached
	gate.pass()
	for _, id := range ids {
		w.succeeded(id)
	}
}
