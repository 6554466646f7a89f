package sqldb

import (
	"context"
	"database/sql"
	"errors"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

const insertCustomer = `
INSERT INTO customers (id, uid, display_name, external_id, description, labels, max_concurrency, revision, create_time, update_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING`

// CreateCustomer adds a customer.
func (db *DB) CreateCustomer(ctx context.Context, c ipaas.Customer, w storage.Write) error {
	return db.change(ctx, w, func(ctx context.Context, tx *tx) error {
		n, err := tx.exec(ctx, insertCustomer, c.ID, c.UID, c.DisplayName, c.ExternalID, c.Description, asJSON(c.Labels),
			c.MaxConcurrency, max(c.Revision, 1), micros(c.CreateTime), micros(c.UpdateTime))
		if err == nil && n == 0 {
			return ipaas.Taken("customer", c.ID)
		}
		return err
	})
}

const updateCustomer = `
UPDATE customers SET display_name = $2, external_id = $3, description = $4, labels = $5, max_concurrency = $6, revision = revision + 1, update_time = $7
WHERE id = $1`

// UpdateCustomer replaces a customer.
func (db *DB) UpdateCustomer(ctx context.Context, c ipaas.Customer, base int64, w storage.Write) error {
	return db.change(ctx, w, func(ctx context.Context, tx *tx) error {
		if err := checkCustomer(ctx, tx, c.ID, base); err != nil {
			return err
		}
		return tx.do(ctx, updateCustomer, c.ID, c.DisplayName, c.ExternalID, c.Description, asJSON(c.Labels), c.MaxConcurrency,
			micros(c.UpdateTime))
	})
}

const (
	selectCustomerUse = `SELECT id FROM instances WHERE customer_id = $1 AND state <> 'DELETED' ORDER BY id LIMIT 1`
	deleteCustomer    = `DELETE FROM customers WHERE id = $1`
)

// DeleteCustomer forgets a customer that has no instances.
func (db *DB) DeleteCustomer(ctx context.Context, id string, base int64, w storage.Write) error {
	return db.discard(ctx, w, func(ctx context.Context, tx *tx) error {
		if err := checkCustomer(ctx, tx, id, base); err != nil {
			return err
		}
		if err := checkUnused(ctx, tx, "customer", id, "instance", selectCustomerUse, id); err != nil {
			return err
		}
		return tx.do(ctx, deleteCustomer, id)
	})
}

// checkUnused refuses with IN_USE when the query finds the id of something that uses a thing.
func checkUnused(ctx context.Context, q querier, noun, id, user, text string, args ...any) error {
	var by string
	err := q.row(ctx, text, args, &by)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return inUse(noun, id, user+" "+by)
}

const selectCustomerRevision = `SELECT revision FROM customers WHERE id = $1`

func checkCustomer(ctx context.Context, q querier, id string, base int64) error {
	var revision int64
	err := q.row(ctx, selectCustomerRevision, []any{id}, &revision)
	if errors.Is(err, sql.ErrNoRows) {
		return ipaas.Absent("customer", id)
	}
	if err != nil {
		return err
	}
	return checkRevision("customer", id, revision, base)
}

const (
	customerColumns = `id, uid, display_name, external_id, description, labels, max_concurrency, revision, create_time, update_time`
	selectCustomer  = `SELECT ` + customerColumns + ` FROM customers WHERE id = $1`
)

// GetCustomer returns a customer.
func (db *DB) GetCustomer(ctx context.Context, id string) (c ipaas.Customer, err error) {
	err = db.view(func(q querier) error {
		c, err = scanCustomer(func(dest ...any) error { return q.row(ctx, selectCustomer, []any{id}, dest...) })
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return ipaas.Customer{}, ipaas.Absent("customer", id)
	}
	return c, err
}

func scanCustomer(scan scanner) (c ipaas.Customer, err error) {
	err = scan(&c.ID, &c.UID, &c.DisplayName, &c.ExternalID, &c.Description, intoJSON(&c.Labels), &c.MaxConcurrency, &c.Revision,
		intoTime(&c.CreateTime), intoTime(&c.UpdateTime))
	return c, err
}

var customers = list[ipaas.Customer]{
	name: "customers", columns: customerColumns, from: `customers WHERE 1 = 1`,
	key: field{"id", text}, order: storage.Order{Field: "id"}, scan: scanCustomer,
	fields: map[string]field{
		"id": {"id", text}, "display_name": {"display_name", text}, "external_id": {"external_id", text},
		"create_time": {"create_time", moment}, "update_time": {"update_time", moment},
	},
}

// ListCustomers lists customers.
func (db *DB) ListCustomers(ctx context.Context, q storage.Query) (storage.Page[ipaas.Customer], error) {
	return customers.page(ctx, db, q)
}
