package sqldb

import (
	"context"
	"fmt"
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
		taken, err := db.ClaimExecutions(ctx, time.Now(), time.Now().Add(time.Hour), 1)
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
