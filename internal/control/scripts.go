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
	return tenantScripts{scripts: p.scripts, tenant: tenantOf(in)}
}

// tenantOf names whose share of the server an instance takes. The test instance of an integration is like a customer of its own.
func tenantOf(in ipaas.Instance) string {
	if in.CustomerID == "" {
		return "test/" + in.ID
	}
	return "customer/" + in.CustomerID
}

// Run implements component.Scripts.
func (t tenantScripts) Run(ctx context.Context, script sandbox.Script) (sandbox.Result, error) {
	script.Tenant = t.tenant
	return t.scripts.Run(ctx, script)
}
