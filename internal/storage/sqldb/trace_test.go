package sqldb

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// TestDryRunLeavesNoTrace compares everything in the database before and after each method that takes a Write, and then proves
// that the real step, for which it stood, does change something.
func TestDryRunLeavesNoTrace(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0).UTC()
	def := func(name string) ipaas.Definition {
		return ipaas.Definition{DisplayName: name, Flows: []ipaas.Flow{{ID: "orders", DisplayName: name}}}
	}
	integration := ipaas.Integration{ID: "erp", UID: "u-erp", Draft: def("First"), CreateTime: now, UpdateTime: now}
	test := func(id string) ipaas.Instance {
		return ipaas.Instance{ID: id + "--test", UID: "u-" + id + "-test", State: ipaas.InstanceActive, CreateTime: now, UpdateTime: now}
	}
	instance := ipaas.Instance{
		ID: "i", UID: "u-i", Kind: ipaas.InstanceStandard, CustomerID: "progix", IntegrationID: "erp", State: ipaas.InstanceCreated,
		Config: ipaas.Config{Revision: 1, Values: map[string]ipaas.ConfigValue{"a": {JSON: "1"}}}, CreateTime: now, UpdateTime: now,
	}
	customer := ipaas.Customer{ID: "progix", UID: "u-progix", CreateTime: now, UpdateTime: now}
	component := ipaas.Component{ID: "acme", UID: "u-acme", Version: 1, CreateTime: now, UpdateTime: now}
	hooks := func(token string) []ipaas.Webhook {
		return []ipaas.Webhook{{TokenHash: token, FlowID: "orders", CreateTime: now}}
	}
	for name, call := range map[string]func(ctx context.Context, db *DB, w storage.Write) error{
		"CreateComponent": func(ctx context.Context, db *DB, w storage.Write) error {
			return db.CreateComponent(ctx, ipaas.Component{ID: "new", Version: 1}, w)
		},
		"UpdateComponent": func(ctx context.Context, db *DB, w storage.Write) error {
			return db.UpdateComponent(ctx, ipaas.Component{ID: "acme", Version: 2}, 1, w)
		},
		"DeleteComponent": func(ctx context.Context, db *DB, w storage.Write) error { return db.DeleteComponent(ctx, "acme", 0, w) },
		"CreateIntegration": func(ctx context.Context, db *DB, w storage.Write) error {
			return db.CreateIntegration(ctx, ipaas.Integration{ID: "new", Draft: def("New")}, test("new"), w)
		},
		"UpdateIntegration": func(ctx context.Context, db *DB, w storage.Write) error {
			return db.UpdateIntegration(ctx, ipaas.Integration{ID: "erp", Draft: def("Second")}, 0, w)
		},
		"PublishIntegration": func(ctx context.Context, db *DB, w storage.Write) error {
			v := ipaas.IntegrationVersion{Version: 1, Definition: def("Second")}
			return db.PublishIntegration(ctx, ipaas.Integration{ID: "erp", Draft: def("Third")}, 0, v, w)
		},
		"DeleteIntegration": func(ctx context.Context, db *DB, w storage.Write) error {
			return db.DeleteIntegration(ctx, "unused", 0, w)
		},
		"CreateCustomer": func(ctx context.Context, db *DB, w storage.Write) error {
			return db.CreateCustomer(ctx, ipaas.Customer{ID: "new"}, w)
		},
		"UpdateCustomer": func(ctx context.Context, db *DB, w storage.Write) error {
			return db.UpdateCustomer(ctx, customer, 1, w)
		},
		"DeleteCustomer": func(ctx context.Context, db *DB, w storage.Write) error {
			return db.DeleteCustomer(ctx, "unused", 0, w)
		},
		"CreateInstance": func(ctx context.Context, db *DB, w storage.Write) error {
			in := instance
			in.ID, in.UID = "new", "u-new"
			return db.CreateInstance(ctx, in, hooks("new-token"), w)
		},
		"UpdateInstance": func(ctx context.Context, db *DB, w storage.Write) error {
			in := instance
			in.Config.Revision = 2
			return db.UpdateInstance(ctx, in, 0, w)
		},
		"PauseInstance": func(ctx context.Context, db *DB, w storage.Write) error {
			_, err := db.PauseInstance(ctx, "i", ipaas.PauseHold, 0, now, w)
			return err
		},
		"ResumeInstance": func(ctx context.Context, db *DB, w storage.Write) error {
			_, err := db.ResumeInstance(ctx, "paused", 0, now, w)
			return err
		},
		"BeginRemoval": func(ctx context.Context, db *DB, w storage.Write) error {
			_, err := db.BeginRemoval(ctx, "paused", ipaas.InstanceDeleting, 0, now, w)
			return err
		},
		"RotateWebhooks": func(ctx context.Context, db *DB, w storage.Write) error {
			_, err := db.RotateWebhooks(ctx, "i", hooks("rotated"), now, 0, now, w)
			return err
		},
		"CancelExecution": func(ctx context.Context, db *DB, w storage.Write) error {
			_, err := db.CancelExecution(ctx, "held", now, w)
			return err
		},
		"ReplayExecution": func(ctx context.Context, db *DB, w storage.Write) error {
			_, err := db.ReplayExecution(ctx, ipaas.Execution{ID: "again", ReplayOf: "ended", InstanceID: "paused", FlowID: "orders"}, nil,
				storage.Admission{MaxHeld: 10}, w)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, db, w := t.Context(), fresh(t), storage.Write{}
			setUp := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			setUp(db.CreateComponent(ctx, component, w))
			setUp(db.CreateIntegration(ctx, integration, test("erp"), w))
			setUp(db.CreateIntegration(ctx, ipaas.Integration{ID: "unused", Draft: def("Unused")}, test("unused"), w))
			setUp(db.CreateCustomer(ctx, customer, w))
			setUp(db.CreateCustomer(ctx, ipaas.Customer{ID: "unused"}, w))
			setUp(db.CreateInstance(ctx, instance, hooks("token"), w))
			setUpPaused(t, db, instance, now)

			before := dump(t, db)
			w = storage.Write{DryRun: true, Receipt: &storage.Receipt{Key: "k", RequestHash: "h", Answer: []byte("a"), ExpireTime: now}}
			if err := call(ctx, db, w); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before, dump(t, db)); diff != "" {
				t.Errorf("the dry run left a trace (-before +after):\n%s", diff)
			}
			w.DryRun = false
			if err := call(ctx, db, w); err != nil {
				t.Fatalf("the dry run went well and the real one did not: %v", err)
			}
			receipt := "receipts | k | h | [97] | 1700000000000000"
			after := dump(t, db)
			if !strings.Contains(after, receipt) || strings.ReplaceAll(after, receipt+"\n", "") == before {
				t.Error("the real one changed nothing but the receipt")
			}
		})
	}
}

// setUpPaused adds an instance that serves, with a registration and events, and is paused.
func setUpPaused(t *testing.T, db *DB, in ipaas.Instance, now time.Time) {
	t.Helper()
	ctx := t.Context()
	in.ID, in.UID = "paused", "u-paused"
	steps := []func() error{
		func() error { return db.CreateInstance(ctx, in, nil, storage.Write{}) },
		func() error {
			draft, err := db.GetIntegration(ctx, "erp")
			if err != nil {
				return err
			}
			_, _, err = db.BeginDeployment(ctx, ipaas.Deployment{
				ID: "d", InstanceID: "paused", Candidate: ipaas.Generation{DefinitionHash: draft.Draft.Hash(), ConfigRevision: 1}, CreateTime: now,
			}, nil, 0)
			return err
		},
		func() error {
			_, err := db.BeginRegistration(ctx, ipaas.Registration{ID: "r", InstanceID: "paused", DeploymentID: "d"})
			return err
		},
		func() error { _, err := db.CommitDeployment(ctx, "d", now, storage.Takeover{}); return err },
		func() error { return db.accept(ctx, "ended", now) },
		func() error {
			claimed, err := db.ClaimExecutions(ctx, now, now, 1, storage.Workers{})
			if err != nil {
				return err
			}
			claimed[0].State, claimed[0].EndTime = ipaas.ExecutionFailed, now
			return db.FinishExecution(ctx, claimed[0])
		},
		func() error { return db.accept(ctx, "before", now) },
		func() error {
			_, err := db.PauseInstance(ctx, "paused", ipaas.PauseHold, 0, now, storage.Write{})
			return err
		},
		func() error { return db.accept(ctx, "held", now) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
}

func (db *DB) accept(ctx context.Context, id string, now time.Time) error {
	_, err := db.AcceptExecution(ctx, ipaas.Execution{ID: id, InstanceID: "paused", FlowID: "orders", Invoke: ipaas.InvokeWebhook, CreateTime: now}, storage.Admission{ServingHasFlow: true, MaxHeld: 10})
	return err
}

// dump returns every row of every table.
func dump(t *testing.T, db *DB) string {
	t.Helper()
	var tables []string
	err := db.view(func(q querier) error {
		return q.rows(t.Context(), `SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`, nil, func(scan scanner) error {
			var name string
			err := scan(&name)
			tables = append(tables, name)
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, table := range tables {
		rows, err := db.readers.QueryContext(t.Context(), `SELECT * FROM `+table+` ORDER BY 1, 2`)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		err = eachRow(rows, func(scan scanner) error {
			values, dest := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				dest[i] = &values[i]
			}
			err := scan(dest...)
			b.WriteString(table)
			for _, v := range values {
				fmt.Fprintf(&b, " | %v", v)
			}
			b.WriteByte('\n')
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}
