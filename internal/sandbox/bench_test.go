package sandbox_test

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/sandbox"
	"github.com/headrace/headrace/internal/value"
)

// ordinary is a script as people write them.
const ordinary = `module.exports = async ({configVars}, stepResults) => {
  const {body} = stepResults.trigger.results;
  const open = body.data.lines.filter((l) => l.open).map(({id, price, ...rest}) => ({id, total: price * 2, ...rest}));
  return {data: {endpoint: configVars.Endpoint + '/orders', open, count: open.length}};
};`

func order(t testing.TB, lines int) any {
	t.Helper()
	list := make([]any, lines)
	for i := range list {
		list[i] = value.Obj(value.Field{Key: "id", Value: value.FromInt(int64(i))}, value.Field{Key: "open", Value: i%2 == 0},
			value.Field{Key: "price", Value: value.Number("12.50")}, value.Field{Key: "name", Value: "a line of the order"})
	}
	return value.Obj(value.Field{Key: "results", Value: value.Obj(value.Field{Key: "body", Value: value.Obj(
		value.Field{Key: "data", Value: value.Obj(value.Field{Key: "lines", Value: list})})})})
}

// BenchmarkWarm is a run for a customer who has run something before: all of it, from the values to the values. pause is what a server
// does between two runs, in which the process makes itself ready for the next one.
func BenchmarkWarm(b *testing.B) {
	for _, bench := range []struct {
		name  string
		lines int
		pause time.Duration
	}{{"small", 3, 0}, {"small-with-pauses", 3, 2 * time.Millisecond}, {"100KB", 1200, 2 * time.Millisecond}} {
		b.Run(bench.name, func(b *testing.B) {
			pool, err := sandbox.New(sandbox.Options{}, slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			defer pool.Close()
			trigger := order(b, bench.lines)
			script := sandbox.Script{
				Tenant: "smith", Form: sandbox.Step, Code: ordinary, Steps: []string{"trigger"},
				Values: []sandbox.Named{{Name: "configVars", Value: value.Obj(value.Field{Key: "Endpoint", Value: "https://erp.example.com"})}},
				Fetch:  func(context.Context, string) (any, error) { return trigger, nil },
			}
			took := make([]time.Duration, 0, b.N)
			for b.Loop() {
				begun := time.Now()
				if _, err := pool.Run(b.Context(), script); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(begun))
				time.Sleep(bench.pause)
			}
			report(b, took)
		})
	}
}

func report(b *testing.B, took []time.Duration) {
	b.Helper()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs/p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "µs/p99")
}
