//go:build faults

package faults_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// counter is an integration whose flow counts its executions, and sends on which one it is.
const counter = `
id: relay
displayName: Counter
configVariables:
  - {displayName: URL, required: true}
flows:
  - displayName: Count
    steps:
      - {displayName: Count, action: persist-data.incrementCrossFlowValue, inputs: {keyInput: {value: n}}}
      - {displayName: Send, action: http.httpPost, inputs: {url: {configVariable: URL}, data: {reference: count.results}}}
`

// naive counts by reading and writing.
const naive = `
id: relay
displayName: Naive Counter
configVariables:
  - {displayName: URL, required: true}
flows:
  - displayName: Count
    steps:
      - {displayName: Get, action: persist-data.getCrossFlowValue, inputs: {keyInput: {value: n}, defaultValueInput: {value: "0"}}}
      - {displayName: Was, action: persist-data.incrementExecutionValue, inputs: {keyInput: {value: m}, amountInput: {reference: get.results}}}
      - {displayName: Count, action: persist-data.incrementExecutionValue, inputs: {keyInput: {value: m}}}
      - {displayName: Set, action: persist-data.saveCrossFlowValue, inputs: {keyInput: {value: n}, valueInput: {reference: count.results}}}
      - {displayName: Send, action: http.httpPost, inputs: {url: {configVariable: URL}, data: {reference: count.results}}}
`

// TestCounts kills the server again and again while many executions count up what their flow keeps (T30): the count is the number of
// steps that succeeded, and each of them got a number of its own.
func TestCounts(t *testing.T) {
	t.Parallel()
	kills := size(t, "T30.kills", 5, 200)
	got := counts(t, counter, kills)
	if got.count != got.executions || got.numbers != got.executions || got.repeated > 0 {
		t.Errorf("%s: want as many of each, and none twice", got)
	}
	wrong := counts(t, naive, 1)
	if wrong.count == wrong.executions {
		t.Errorf("a flow that reads and writes has counted right, too: the check is blind: %s", wrong)
	}
	results.add(t, result{
		Target: "T30", Goal: "what executions count is the number of steps that succeeded, killed wherever", Size: fmt.Sprintf("%d kills", kills),
		Figure: got.String(), Control: "read and written: " + wrong.String(),
	})
}

type counted struct {
	executions int // that counted
	count      int // that is kept
	numbers    int // that were given out
	repeated   int // of them more than once
}

func (c counted) String() string {
	return fmt.Sprintf("%d executions, a count of %d, %d numbers given out, %d of them twice", c.executions, c.count, c.numbers, c.repeated)
}

func counts(t *testing.T, definition string, kills int) (got counted) {
	t.Helper()
	b := batter(t, definition, kills, "step-begun", "step-called", "step-completed", "writer-commit", "writer-committed", "execution-finish")
	got.executions = len(b.executionIDs(t))
	got.count, _ = strconv.Atoi(b.kept(t, "smith")["n"])
	for _, times := range b.to.seen("smith") {
		got.numbers++
		if times > 1 {
			got.repeated++
		}
	}
	return got
}

// battered is a server that died again and again while events came in, and has finished its work since.
type battered struct {
	*server
	to   *sink
	sent *senders
}

// batter sends events to the first flow of an integration, and lets the server die so many times, each time at one of the points.
func batter(t *testing.T, definition string, kills int, points ...string) battered {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 1))
	b := battered{server: newServer(t), to: newSink(t)}
	b.start(breakage{})
	b.sent = newSenders(t, b.deployRelayAs(t, definition, "smith", b.to.URL+"/smith"), 0)
	b.kill()
	b.sent.pace(100)
	for i := range kills {
		b.dieOf(breakage{plan: fmt.Sprintf("%s=kill@%d", points[(i+chance.IntN(2))%len(points)], 20+chance.IntN(60))})
	}
	b.start(breakage{})
	enough := b.sent.ackedSoFar() + 50
	until(t, time.Minute, "more events to be acknowledged", func() bool { return b.sent.ackedSoFar() >= enough })
	b.sent.halt()
	b.settled(t, time.Minute)
	b.mustSucceed(t)
	return b
}

// kept returns what an instance and its flows keep, as JSON.
func (s *server) kept(t *testing.T, instance string) map[string]string {
	t.Helper()
	kept := map[string]string{}
	for e, err := range s.api.AllStateEntries(within(t, time.Minute), &headracev1.ListStateEntriesRequest{InstanceId: instance}) {
		if err != nil {
			t.Fatal(err)
		}
		res, err := s.api.State.GetStateEntry(within(t, time.Minute), &headracev1.GetStateEntryRequest{InstanceId: instance, StateEntryId: e.GetId()})
		if err != nil {
			t.Fatal(err)
		}
		kept[e.GetKey()] = res.GetStateEntry().GetValueJson()
	}
	return kept
}
