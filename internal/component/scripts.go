package component

import (
	"context"

	"github.com/headrace/headrace/internal/sandbox"
)

// Scripts runs JavaScript that people wrote.
type Scripts interface {
	// Run runs a script to its end, however bad it is, and returns what it came to. The host says whom it is run for: Tenant is
	// overwritten. The error is a *sandbox.Failure if the script is to blame, else ctx's cause or what the script's Fetch returned.
	Run(ctx context.Context, script sandbox.Script) (sandbox.Result, error)
}
