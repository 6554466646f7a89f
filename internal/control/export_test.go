package control

import "context"

// Expire does what the worker does once a minute.
func (p *Plane) Expire(ctx context.Context) { p.expire(ctx) }
