package control

import (
	"context"
	"errors"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// CreateCustomer adds a customer.
func (p *Plane) CreateCustomer(ctx context.Context, c ipaas.Customer, m Mutation) (ipaas.Customer, error) {
	return once(ctx, p, m, func(write func(ipaas.Customer) (storage.Write, error)) (ipaas.Customer, error) {
		now := p.now()
		chosen := c.ID != ""
		if !chosen {
			c.ID = ipaas.Slug(c.DisplayName, "customer")
		}
		c.UID, c.Revision, c.CreateTime, c.UpdateTime = ipaas.NewUID(), 1, now, now
		if err := checkCustomer(c); err != nil {
			return c, err
		}
		for {
			w, err := write(c)
			if err != nil {
				return c, err
			}
			err = p.store.CreateCustomer(ctx, c, w)
			if chosen || !errors.Is(err, ipaas.Exists) {
				return c, err
			}
			c.ID = ipaas.RandomID(c.DisplayName, "customer")
		}
	})
}

// UpdateCustomer changes a customer.
func (p *Plane) UpdateCustomer(ctx context.Context, id string, m Mutation, allowMissing bool, apply func(*ipaas.Customer) error) (ipaas.Customer, error) {
	if allowMissing {
		if _, err := p.store.GetCustomer(ctx, id); errors.Is(err, ipaas.NotFound) {
			c := ipaas.Customer{ID: id}
			if err := apply(&c); err != nil {
				return c, err
			}
			c.ID = id
			return p.CreateCustomer(ctx, c, m)
		}
	}
	return once(ctx, p, m, func(write func(ipaas.Customer) (storage.Write, error)) (c ipaas.Customer, err error) {
		err = patiently(m, func() error {
			if c, err = p.store.GetCustomer(ctx, id); err != nil {
				return err
			}
			if m.Base != 0 && c.Revision != m.Base {
				return ipaas.Stale("customer", id)
			}
			before, base := c, c.Revision
			if err := apply(&c); err != nil {
				return err
			}
			c.ID, c.UID, c.CreateTime = before.ID, before.UID, before.CreateTime
			c.Revision, c.UpdateTime = base+1, p.now()
			if err := checkCustomer(c); err != nil {
				return err
			}
			w, err := write(c)
			if err != nil {
				return err
			}
			return p.store.UpdateCustomer(ctx, c, base, w)
		})
		return c, err
	})
}

// DeleteCustomer forgets a customer that has no instances.
func (p *Plane) DeleteCustomer(ctx context.Context, id string, m Mutation) error {
	_, err := once(ctx, p, m, func(write func(struct{}) (storage.Write, error)) (struct{}, error) {
		w, err := write(struct{}{})
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, p.store.DeleteCustomer(ctx, id, m.Base, w)
	})
	return err
}

func checkCustomer(c ipaas.Customer) error {
	if wrong := ipaas.ValidateNamed("customer", c.ID, c.DisplayName, c.Labels); len(wrong) > 0 {
		return ipaas.InvalidArgument("customer is not well formed", wrong...)
	}
	return nil
}
