package storage

import (
	"context"

	"github.com/headrace/headrace/internal/ipaas"
)

// Customers keeps customers.
type Customers interface {
	CreateCustomer(ctx context.Context, c ipaas.Customer, w Write) error
	// UpdateCustomer replaces the customer whose stored revision is base by c.
	UpdateCustomer(ctx context.Context, c ipaas.Customer, base int64, w Write) error
	// DeleteCustomer forgets a customer. Precondition IN_USE while it has instances that are not deleted.
	DeleteCustomer(ctx context.Context, id string, base int64, w Write) error
	GetCustomer(ctx context.Context, id string) (ipaas.Customer, error)
	// ListCustomers lists customers. Fields: id, display_name, external_id, create_time, update_time. Default order: id.
	ListCustomers(ctx context.Context, q Query) (Page[ipaas.Customer], error)
}
