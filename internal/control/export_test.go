package control

import (
	"context"
	"time"
)

// Expire does what the worker does once a minute.
func (p *Plane) Expire(ctx context.Context) { p.expire(ctx) }

// RecursionDelay is how long the next of a recursive flow waits that so many came before.
func RecursionDelay(round int) time.Duration { return recursionDelay(round) }
