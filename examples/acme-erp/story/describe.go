package story

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"

	yaml "go.yaml.in/yaml/v4"
	"google.golang.org/protobuf/proto"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// describe imports the component and the integration.
func (p *play) describe(ctx context.Context) error {
	p.tell.Say("Progix sells software to companies that run Acme ERP. They want their customers and inventory in Progix. " +
		"How that works is described once, for all of them, in two files.")
	component, err := p.importComponent(ctx)
	if err != nil {
		return fmt.Errorf("component.yaml: %w", err)
	}
	p.tell.Check("component.yaml: the component %q can %s", component.GetDisplayName(), actionNames(component))
	if err := p.importIntegration(ctx); err != nil {
		return fmt.Errorf("integration.yaml: %w", err)
	}
	rows := [][]string{{"flow", "starts with", "steps"}}
	for _, f := range p.integration.GetFlows() {
		rows = append(rows, []string{f.GetDisplayName(), f.GetTrigger().GetType(), strconv.Itoa(len(f.GetSteps()))})
	}
	p.tell.Show("The integration", rows...)
	p.tell.Say("The flows share %d config variables: who signs in to Acme ERP or Progix does it once, not once per flow.",
		len(p.integration.GetConfigVariables()))
	return p.importAgain(ctx)
}

func actionNames(c *headracev1.Component) string {
	names := ""
	for i, a := range c.GetActions() {
		if i > 0 {
			names += ", "
		}
		names += a.GetKey()
	}
	return names
}

// importComponent sends the component by REST, as JSON with the very words of the file.
func (p *play) importComponent(ctx context.Context) (*headracev1.Component, error) {
	id, definition, err := componentJSON(p.world.Definitions)
	if err != nil {
		return nil, err
	}
	var stored headracev1.Component
	if err := p.rest.do(ctx, http.MethodPatch, "/v1/components/"+id+"?allowMissing=true", definition, &stored); err != nil {
		return nil, err
	}
	read, err := p.api.Components.GetComponent(ctx, &headracev1.GetComponentRequest{ComponentId: id})
	if err != nil {
		return nil, err
	}
	return &stored, errors.Join(
		expect("the kind of the component", stored.GetKind(), headracev1.Component_KIND_DECLARATIVE),
		expect("the version of the component", stored.GetVersion(), 1),
		expect("the number of its actions", len(stored.GetActions()), 4),
		expectTrue(proto.Equal(&stored, read.GetComponent()), "gRPC and REST to tell the same of the component, found\n%v\nand\n%v", read.GetComponent(), &stored),
	)
}

// componentJSON reads component.yaml, whose words are those of the API.
func componentJSON(definitions fs.FS) (id string, definition []byte, err error) {
	file, err := fs.ReadFile(definitions, "component.yaml")
	if err != nil {
		return "", nil, err
	}
	var fields map[string]any
	if err := yaml.Unmarshal(file, &fields); err != nil {
		return "", nil, err
	}
	id, _ = fields["id"].(string)
	delete(fields, "kind") // it says what the file describes; the API is told by the path
	definition, err = json.Marshal(fields)
	return id, definition, errors.Join(err, expectTrue(id != "", "the component to have an id"))
}

// importIntegration checks the file by REST and imports it by gRPC, as it is.
func (p *play) importIntegration(ctx context.Context) error {
	definition, err := fs.ReadFile(p.world.Definitions, "integration.yaml")
	if err != nil {
		return err
	}
	var validity headracev1.ValidateIntegrationResponse
	if err := p.rest.do(ctx, http.MethodPost, "/v1/integrations:validate",
		&headracev1.ValidateIntegrationRequest{Definition: string(definition)}, &validity); err != nil {
		return err
	}
	if err := expectTrue(validity.GetValid(), "the definition to be valid, found %v", validity.GetProblems()); err != nil {
		return err
	}
	imported, err := p.api.ImportIntegration(ctx, "", string(definition))
	if err != nil {
		return err
	}
	p.integration = imported.GetIntegration()
	var names []string
	for _, f := range p.integration.GetFlows() {
		names = append(names, f.GetDisplayName())
	}
	errs := []error{
		expectTrue(imported.GetCreated(), "the import to create the integration, found that it was there"),
		expectList("flows", names, flowNames),
		expectTrue(len(p.integration.GetProblems()) == 0, "no problems in the draft, found %v", p.integration.GetProblems()),
		expect("the latest version before any was published", p.integration.GetLatestVersion(), 0),
	}
	for _, name := range []string{connectionVariable, urlVariable, tokenVariable, sourceVariable} {
		errs = append(errs, expectTrue(p.variable(name) != nil, "a config variable %q, found none", name))
	}
	return errors.Join(errs...)
}

// importAgain imports the same file once more, by REST.
func (p *play) importAgain(ctx context.Context) error {
	definition, err := fs.ReadFile(p.world.Definitions, "integration.yaml")
	if err != nil {
		return err
	}
	var again headracev1.ImportIntegrationResponse
	if err := p.rest.do(ctx, http.MethodPost, "/v1/integrations:import",
		&headracev1.ImportIntegrationRequest{Definition: string(definition)}, &again); err != nil {
		return err
	}
	var before, after []string
	for _, f := range p.integration.GetFlows() {
		before = append(before, f.GetDisplayName()+" "+f.GetUid())
	}
	for _, f := range again.GetIntegration().GetFlows() {
		after = append(after, f.GetDisplayName()+" "+f.GetUid())
	}
	if err := errors.Join(
		expectTrue(!again.GetCreated(), "the second import to find the integration, found that it created one"),
		expectList("flows after a second import", after, before),
	); err != nil {
		return err
	}
	p.tell.Check("Importing the file again changes nothing: the flows are the same ones, and would keep their URLs")
	return nil
}
