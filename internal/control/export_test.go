package control

import (
	"context"
	"time"
)

// Expire does what the worker does once a minute.
func (p *Plane) Expire(ctx context.Context) { p.expire(ctx) }

// Cutting reports whether somebody who cuts an execution waits until what is being claimed is known.
func (p *Plane) Cutting() bool {
	if !p.live.beginning.TryRLock() {
		return true
	}
	p.live.beginning.RUnlock()
	return false
}

// RecursionDelay is how long the next of a recursive flow waits that so many came before.
func RecursionDelay(round int) time.Duration { return recursionDelay(round) }
