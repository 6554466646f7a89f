//go:build faults

package faults_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/fault"
)

// deaths are the points at which a server that takes and runs events is killed.
var deaths = []string{
	"accept-begin", "accept-committed", "accept-answer", "writer-commit", "writer-committed", "execution-claimed",
	"step-begun", "step-called", "step-completed", "execution-finish", "execution-finished",
}

// fickle is the relay with an id beside each event, which is another one each time it is computed: sent with another id, an event would
// have another key, too, and a second effect.
var fickle = strings.Replace(relay, `      - displayName: Send
        action: http.httpPost
        inputs:
          url: {configVariable: URL}
          data: {reference: trigger.results.body.data}
`, `      - {displayName: Id, action: uuid.generateUUID, inputs: {version: {value: v7}}}
      - displayName: Send
        action: http.httpPost
        inputs:
          url: {configVariable: URL}
          data: {template: "{{$trigger.results.body.data}} {{$id.results}}"}
`, 1)

// TestCrash kills the server again and again while it takes and runs events (T1): what was acknowledged has its effect, once.
func TestCrash(t *testing.T) {
	t.Parallel()
	events, kills := size(t, "T1.events", 2000, 100_000), size(t, "T1.kills", 10, 500)
	got, repeats := crash(t, events, kills, breakage{})
	got.check(t)
	if got.acked < events {
		t.Errorf("%d events were acknowledged, want %d", got.acked, events)
	}
	hasty, _ := crash(t, events/5, 3, breakage{plan: "writer-commit=pause:20ms", broken: fault.AckBeforeCommit})
	if len(hasty.lost) == 0 {
		t.Errorf("with acknowledgements before the commit nothing was lost either: the checker is blind: %s", hasty)
	}
	keyless, _ := crash(t, events/5, 3, breakage{plan: "step-called=kill@40", broken: fault.NoKeys})
	if len(keyless.duplicated) == 0 {
		t.Errorf("with another idempotency key for each attempt nothing was doubled either: the checker is blind: %s", keyless)
	}
	forgetting, _ := crash(t, events/5, 3, breakage{plan: "step-called=kill@40", broken: fault.ForgetComputed})
	if len(forgetting.duplicated) == 0 {
		t.Errorf("with what was computed forgotten nothing was doubled either: the checker is blind: %s", forgetting)
	}
	results.add(t, result{
		Target: "T1", Goal: "kill -9 loses nothing and doubles nothing",
		Size: fmt.Sprintf("%d events, %d kills", events, kills), Figure: fmt.Sprintf("%s, %d requests repeated under their keys", got, repeats),
		Control: "acknowledged before the commit: " + hasty.String() + "; a key for each attempt: " + keyless.String() +
			"; what was computed forgotten: " + forgetting.String(),
	})
}

// crash sends events, kills the server so many times meanwhile, and lets the last life finish the work.
func crash(t *testing.T, events, kills int, b breakage) (got verdict, repeats int) {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 1))
	to, s := newSink(t), newServer(t)
	s.start(breakage{})
	hook := s.deployRelayAs(t, fickle, "smith", to.URL+"/smith")
	s.kill()

	sending := newSenders(t, hook, 0)
	s.start(b)
	sending.run(16)
	life := b
	for i := range kills {
		share := events / kills
		if !strings.Contains(life.plan, "kill") {
			target := sending.ackedSoFar() + share/2 + chance.IntN(share)
			until(t, time.Minute, "events to be acknowledged", func() bool { return sending.ackedSoFar() >= target })
		} else {
			until(t, time.Minute, "the server to die by "+life.plan, s.dead)
		}
		s.kill()
		next := b
		if i+1 == kills {
			next.plan = ""
		} else if i%2 == 0 && b.broken == "" {
			// Every other life ends at a point of its own choice.
			next.plan = fmt.Sprintf("%s=kill@%d", deaths[chance.IntN(len(deaths))], 20+chance.IntN(share))
		}
		s.start(next)
		life = next
	}
	until(t, time.Minute, "the last events to be acknowledged", func() bool { return sending.ackedSoFar() >= events })
	sending.halt()
	if b.broken != "" {
		s.kill()
		s.start(breakage{})
	}
	if b.broken == fault.ForgetComputed {
		// What that leaves can not always be gone on with: a step has ended, and those before it never were.
		until(t, time.Minute, "an event to have a second effect", func() bool { return len(sending.judge(to, "smith").duplicated) > 0 })
	} else {
		s.settled(t, 3*time.Minute)
	}
	return sending.judge(to, "smith"), to.repeated()
}
