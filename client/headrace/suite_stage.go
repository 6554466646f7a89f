package main

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/headrace/headrace/client"
	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// stage is a Headrace with an integration to test.
type stage struct {
	client      *client.Client
	integration string
	instance    *headracev1.Instance // the test instance
}

// build makes the components and the integration of a test.
func (s *stage) build(ctx context.Context, of *suite, definitions map[string]*definitionFile) error {
	d := definitions[of.integration]
	components := slices.Clone(d.components)
	for _, name := range of.components {
		components = append(components, definitions[name].components...)
	}
	for _, c := range components {
		if _, err := s.client.ApplyComponent(ctx, c); err != nil {
			return &located{where: "component " + c.GetId(), err: err}
		}
	}
	req := &headracev1.ImportIntegrationRequest{Definition: d.definition}
	if !d.named {
		req.IntegrationId = slugOf(d.name)
	}
	res, err := s.client.Integrations.ImportIntegration(ctx, req)
	if err != nil {
		return &located{where: d.name, err: err}
	}
	s.integration = res.GetIntegration().GetId()
	return nil
}

// slugOf makes an id of the name of a file, for a definition that says none.
func slugOf(file string) string {
	name := filepath.Base(file)
	name = strings.TrimSuffix(name, filepath.Ext(name))
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	const most = 60
	slug := strings.Join(words, "-")
	if slug = strings.Trim(slug[:min(len(slug), most)], "-"); slug == "" {
		return "integration"
	}
	return slug
}

// configure sets the config values of a test and reads the test instance with its URLs.
func (s *stage) configure(ctx context.Context, one *testCase) error {
	if len(one.config) > 0 {
		_, err := s.client.TestInstances.UpdateTestInstance(ctx, &headracev1.UpdateTestInstanceRequest{
			IntegrationId: s.integration, TestInstance: &headracev1.Instance{ConfigValues: one.config},
		})
		if err != nil {
			return &located{where: "config", err: err}
		}
	}
	res, err := s.client.TestInstances.GetTestInstance(ctx, &headracev1.GetTestInstanceRequest{IntegrationId: s.integration})
	s.instance = res.GetTestInstance()
	return err
}

// flow finds a flow by id or display name.
func (s *stage) flow(name string) (string, error) {
	var known []string
	for _, f := range s.instance.GetFlows() {
		if f.GetFlowId() == name || f.GetDisplayName() == name {
			return f.GetFlowId(), nil
		}
		known = append(known, f.GetDisplayName())
	}
	return "", usage("there is no flow %q: there are %s", name, strings.Join(known, ", "))
}
