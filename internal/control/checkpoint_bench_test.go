package control_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
)

// BenchmarkCheckpoints answers callers of synchronous flows, first as it is and then with actions that all say they write, so that every
// step is recorded when it begins and when it ends. writes/op is how often steps and ends are written to the store.
func BenchmarkCheckpoints(b *testing.B) {
	each := step("Each", "loop.loopNTimes", inputs{"iterationCount": num("20000")})
	each.Steps = []ipaas.Step{step("Sum", "math.add", inputs{"numbers": {Kind: ipaas.InputComplex, Items: []ipaas.Input{ref("each.index"), lit("1")}}})}
	small := step("Stop", "stop-execution.stopExecution", nil) // of 20,000 results nobody wants the answer
	to := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer to.Close()
	send := step("Send", "http.httpPost", inputs{"url": lit(to.URL), "data": ref("c.results")})
	for _, story := range []struct {
		name    string
		steps   []ipaas.Step
		callers int
	}{
		{"20000 rounds", []ipaas.Step{each, small}, 1},
		{"three and a request", []ipaas.Step{compute("A"), compute("B"), compute("C"), send}, 1},
		{"three and a request, 32 callers", []ipaas.Step{compute("A"), compute("B"), compute("C"), send}, 32},
	} {
		for _, way := range []struct {
			name  string
			alter func(*component.Action)
		}{
			{"as it is", nil},
			{"each step", func(a *component.Action) { a.Effect = ipaas.EffectWrite }},
		} {
			b.Run(story.name+"/"+way.name, func(b *testing.B) {
				w, d := watched(b, control.Limits{SyncTimeout: time.Hour, Unrecorded: 200 * time.Millisecond, Workers: story.callers})
				w.stop()
				w.alter = way.alter
				w.start()
				urls := w.deployed("smith", ipaas.Definition{DisplayName: "Smith", Flows: []ipaas.Flow{syncFlow("On Event", story.steps...)}}, nil)
				before := len(d.read())
				callAll(b, w, urls["On Event"], story.callers)
				b.ReportMetric(float64(len(d.read())-before)/float64(b.N), "writes/op")
			})
		}
	}
}

// callAll calls a synchronous flow b.N times, from so many callers.
func callAll(b *testing.B, w *world, hook string, callers int) {
	b.Helper()
	b.ResetTimer()
	var taken atomic.Int64
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for taken.Add(1) <= int64(b.N) {
				if reply, err := w.receive(hook, `{}`); err != nil || reply.Response.Status != http.StatusOK {
					b.Errorf("answered %+v, %v", reply.Response, err)
					return
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()
}
