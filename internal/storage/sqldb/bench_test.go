package sqldb

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// served is a store with an instance "i" that serves a flow "orders".
func served(b *testing.B) *DB {
	b.Helper()
	db, now, ctx := fresh(b), time.Unix(1_700_000_000, 0), b.Context()
	def := ipaas.Definition{DisplayName: "ERP", Flows: []ipaas.Flow{{ID: "orders"}}}
	for _, err := range []error{
		db.CreateIntegration(ctx, ipaas.Integration{ID: "erp", Draft: def}, ipaas.Instance{ID: "erp--test", UID: "t", State: ipaas.InstanceActive}, storage.Write{}),
		db.CreateCustomer(ctx, ipaas.Customer{ID: "progix"}, storage.Write{}),
		db.CreateInstance(ctx, ipaas.Instance{
			ID: "i", UID: "u", Kind: ipaas.InstanceStandard, CustomerID: "progix", IntegrationID: "erp", State: ipaas.InstanceCreated,
		}, nil, storage.Write{}),
	} {
		if err != nil {
			b.Fatal(err)
		}
	}
	d := ipaas.Deployment{ID: "d", InstanceID: "i", Candidate: ipaas.Generation{DefinitionHash: def.Hash()}, CreateTime: now}
	if _, _, err := db.BeginDeployment(ctx, d, nil, 0); err != nil {
		b.Fatal(err)
	}
	if _, err := db.CommitDeployment(ctx, "d", now, storage.Takeover{}); err != nil {
		b.Fatal(err)
	}
	return db
}

func event(body []byte) ipaas.Execution {
	return ipaas.Execution{
		ID: ipaas.NewID("exe"), InstanceID: "i", FlowID: "orders", FlowDisplayName: "Orders", Invoke: ipaas.InvokeWebhook, CreateTime: time.Now(),
		Payload: ipaas.Payload{
			Method: "POST", ContentType: "application/json", Body: body,
			Headers: []ipaas.NamedText{{Name: "Content-Type", Text: "application/json"}, {Name: "User-Agent", Text: "acme/1.0"}},
		},
	}
}

// BenchmarkAccept puts events of 2 KiB on disk, with so many callers at once.
func BenchmarkAccept(b *testing.B) {
	for _, callers := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			db, body := served(b), make([]byte, 2048)
			spread(b, callers, func(ctx context.Context) error {
				_, err := db.AcceptExecution(ctx, event(body), storage.Admission{ServingHasFlow: true})
				return err
			})
		})
	}
}

// BenchmarkLife takes an execution through its whole life: accepted, claimed, two steps, finished.
func BenchmarkLife(b *testing.B) {
	db, body := served(b), make([]byte, 2048)
	spread(b, 64, func(ctx context.Context) error {
		if _, err := db.AcceptExecution(ctx, event(body), storage.Admission{ServingHasFlow: true}); err != nil {
			return err
		}
		taken, err := db.ClaimExecutions(ctx, time.Now(), time.Now().Add(time.Hour), 1, storage.Workers{})
		if err != nil || len(taken) == 0 {
			return fmt.Errorf("claimed %d: %w", len(taken), err)
		}
		ex := taken[0]
		for _, path := range []string{"trigger", "post"} {
			s, _, err := db.BeginStep(ctx, ex.Attempts, ipaas.StepResult{ExecutionID: ex.ID, Path: path, Inputs: `{"a":1}`, StartTime: time.Now()})
			if err != nil {
				return err
			}
			s.State, s.Result, s.EndTime = ipaas.StepSucceeded, `{"b":2}`, time.Now()
			if err := db.CompleteStep(ctx, ex.Attempts, s, nil, nil); err != nil {
				return err
			}
		}
		ex.State, ex.EndTime = ipaas.ExecutionSucceeded, time.Now()
		return db.FinishExecution(ctx, ex)
	})
}

// BenchmarkLookupWebhook is what each request at a hook begins with.
func BenchmarkLookupWebhook(b *testing.B) {
	db := served(b)
	if _, err := db.AddWebhooks(b.Context(), "i", []ipaas.Webhook{{TokenHash: "token", FlowID: "orders"}}); err != nil {
		b.Fatal(err)
	}
	spread(b, 8, func(ctx context.Context) error {
		_, _, err := db.LookupWebhook(ctx, "token", time.Now())
		return err
	})
}

// BenchmarkSmallBesideLarge keeps values of 900 KB from so many callers, and puts events of 2 KiB on disk beside them from four others:
// how long these wait is what is reported.
func BenchmarkSmallBesideLarge(b *testing.B) {
	for _, writers := range []int{0, 1, 32} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			db, body := served(b), make([]byte, 2048)
			stop := keepLarge(b, db, writers)
			var mu sync.Mutex
			var took []time.Duration
			spread(b, 4, func(ctx context.Context) error {
				begun := time.Now()
				_, err := db.AcceptExecution(ctx, event(body), storage.Admission{ServingHasFlow: true})
				mu.Lock()
				defer mu.Unlock()
				took = append(took, time.Since(begun))
				return err
			})
			large := stop()
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
			b.ReportMetric(large, "large/s")
		})
	}
}

// keepLarge has so many callers keep values of 900 KB until it is stopped, which tells how many were kept in a second.
func keepLarge(b *testing.B, db *DB, writers int) (stop func() float64) {
	b.Helper()
	sealed := strings.Repeat("s", 900_000)
	ctx, cancel := context.WithCancel(b.Context())
	var kept atomic.Int64
	var all sync.WaitGroup
	for n := range writers {
		change := storage.StateChange{
			Place: ipaas.StatePlace{Scope: ipaas.StateInstance, Owner: "u"}, Key: fmt.Sprint(n),
			Adds: len(sealed),
			Next: func(*storage.StateValue, *ipaas.StepResult) (*storage.StateValue, error) {
				return &storage.StateValue{Sealed: sealed, Size: len(sealed)}, nil
			},
		}
		all.Go(func() {
			for ctx.Err() == nil {
				if err := db.ChangeState(b.Context(), []storage.StateChange{change}, 0, time.Now(), storage.Write{}); err != nil {
					b.Error(err)
					return
				}
				kept.Add(1)
			}
		})
	}
	begun := time.Now()
	return func() float64 {
		rate := float64(kept.Load()) / time.Since(begun).Seconds()
		cancel()
		all.Wait()
		return rate
	}
}

// spread runs do b.N times from so many callers and reports how many a second were done.
func spread(b *testing.B, callers int, do func(ctx context.Context) error) {
	b.Helper()
	b.ResetTimer()
	begun := time.Now()
	var taken atomic.Int64
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for taken.Add(1) <= int64(b.N) {
				if err := do(b.Context()); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/time.Since(begun).Seconds(), "rows/s")
}
