package control

import (
	"context"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/sandbox"
)

// tenantScripts runs code for one customer.
type tenantScripts struct {
	scripts component.Scripts
	tenant  string
}

// scriptsOf returns what runs the code of an instance's steps. Instances of one customer are one tenant; a test instance, which has no
// customer, is one of its own.
func (p *Plane) scriptsOf(in ipaas.Instance) component.Scripts {
	if p.scripts == nil {
		return nil
	}
	tenant := "customer/" + in.CustomerID
	if in.CustomerID == "" {
		tenant = "test/" + in.ID
	}
	return tenantScripts{scripts: p.scripts, tenant: tenant}
}

// Run implements component.Scripts.
func (t tenantScripts) Run(ctx context.Context, script sandbox.Script) (sandbox.Result, error) {
	script.Tenant = t.tenant
	return t.scripts.Run(ctx, script)
}
