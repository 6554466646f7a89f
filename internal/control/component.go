package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/headrace/headrace/internal/component/declarative"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// CreateComponent adds a declarative component to the catalogue.
func (p *Plane) CreateComponent(ctx context.Context, c ipaas.Component, m Mutation) (ipaas.Component, error) {
	return once(ctx, p, m, func(write func(ipaas.Component) (storage.Write, error)) (ipaas.Component, error) {
		now := p.now()
		chosen := c.ID != ""
		if !chosen {
			c.ID = ipaas.Slug(c.DisplayName, "component")
		}
		c.UID, c.Kind, c.Version, c.CreateTime, c.UpdateTime = ipaas.NewUID(), ipaas.ComponentDeclarative, 1, now, now
		if err := checkComponent(c); err != nil {
			return c, err
		}
		if p.catalogue.Builtin(c.ID) {
			return c, ipaas.Taken("component", c.ID)
		}
		for {
			w, err := write(c)
			if err != nil {
				return c, err
			}
			err = p.store.CreateComponent(ctx, c, w)
			if chosen || !errors.Is(err, ipaas.Exists) {
				return c, err
			}
			c.ID = ipaas.RandomID(c.DisplayName, "component")
		}
	})
}

// UpdateComponent changes a declarative component by adding a version. A change that changes nothing adds none.
func (p *Plane) UpdateComponent(ctx context.Context, id string, m Mutation, allowMissing bool, apply func(*ipaas.Component) error) (ipaas.Component, error) {
	if allowMissing {
		if _, err := p.store.GetComponent(ctx, id, 0); errors.Is(err, ipaas.NotFound) {
			c := ipaas.Component{ID: id}
			if err := apply(&c); err != nil {
				return c, err
			}
			c.ID = id
			return p.CreateComponent(ctx, c, m)
		}
	}
	return once(ctx, p, m, func(write func(ipaas.Component) (storage.Write, error)) (c ipaas.Component, err error) {
		err = patiently(m, func() error {
			c, err = p.store.GetComponent(ctx, id, 0)
			if err != nil {
				return err
			}
			if c.Kind == ipaas.ComponentBuiltin {
				return builtinReadOnly(id)
			}
			if m.Base != 0 && int64(c.Version) != m.Base {
				return ipaas.Stale("component", id)
			}
			before, base := c, c.Version
			// The text, since a change may reach into what c shares with before.
			text, err := json.Marshal(before)
			if err != nil {
				return fmt.Errorf("compare component %s: %w", id, err)
			}
			if err := apply(&c); err != nil {
				return err
			}
			c.ID, c.UID, c.Kind, c.Version = before.ID, before.UID, before.Kind, base
			c.CreateTime, c.UpdateTime = before.CreateTime, before.UpdateTime
			if err := checkComponent(c); err != nil {
				return err
			}
			changed, err := json.Marshal(c)
			if err != nil {
				return fmt.Errorf("compare component %s: %w", id, err)
			}
			same := bytes.Equal(text, changed)
			if !same {
				c.Version, c.UpdateTime = base+1, p.now()
			}
			w, err := write(c)
			if err != nil {
				return err
			}
			if !same {
				return p.store.UpdateComponent(ctx, c, base, w)
			}
			if w.Receipt != nil {
				return p.store.SaveReceipt(ctx, *w.Receipt)
			}
			return nil
		})
		return c, err
	})
}

// DeleteComponent forgets a declarative component that nothing uses.
func (p *Plane) DeleteComponent(ctx context.Context, id string, m Mutation) error {
	_, err := once(ctx, p, m, func(write func(struct{}) (storage.Write, error)) (struct{}, error) {
		c, err := p.store.GetComponent(ctx, id, 0)
		if err != nil {
			return struct{}{}, err
		}
		if c.Kind == ipaas.ComponentBuiltin {
			return struct{}{}, builtinReadOnly(id)
		}
		w, err := write(struct{}{})
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, p.store.DeleteComponent(ctx, id, int(m.Base), w)
	})
	return err
}

func checkComponent(c ipaas.Component) error {
	if wrong := declarative.Validate(c); len(wrong) > 0 {
		return ipaas.InvalidArgument(fmt.Sprintf("component %q is not well formed", c.ID), wrong...)
	}
	return nil
}

func builtinReadOnly(id string) error {
	return &ipaas.Error{
		Kind: ipaas.Precondition, Reason: ipaas.ReasonReadOnly,
		Message: fmt.Sprintf("component %q is built in and cannot be changed: create one of your own under another id", id),
		Meta:    map[string]string{"resource": "component", "id": id},
	}
}
