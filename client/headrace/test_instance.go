package main

import (
	"context"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// testInstanceCmd holds the commands about test instances.
type testInstanceCmd struct {
	Get   testInstanceGetCmd   `cmd:"" help:"Show the test instance with its own webhook URLs and config."`
	Set   testInstanceSetCmd   `cmd:"" help:"Change the test instance's config values; they take effect with the next test."`
	Reset testInstanceResetCmd `cmd:"" help:"Remove what tests registered in other systems and what they keep as state; config values stay."`
}

type testInstanceGetCmd struct {
	Integration string `arg:"" help:"The integration's id."`
}

// Run carries out the command.
func (c *testInstanceGetCmd) Run(ctx context.Context, a *app) error {
	in, err := a.testInstance(ctx, c.Integration)
	if err != nil {
		return err
	}
	return a.show(in, func() { a.instance(in) })
}

func (a *app) testInstance(ctx context.Context, integrationID string) (*headracev1.Instance, error) {
	res, err := a.client.TestInstances.GetTestInstance(ctx, &headracev1.GetTestInstanceRequest{IntegrationId: integrationID})
	return res.GetTestInstance(), err
}

type testInstanceSetCmd struct {
	Integration string `arg:"" help:"The integration's id."`
	DryRun      bool   `help:"Check everything and change nothing."`
	configFlags
}

// Run carries out the command.
func (c *testInstanceSetCmd) Run(ctx context.Context, a *app) error {
	update, err := c.update(ctx, a, func() (*headracev1.Instance, error) { return a.testInstance(ctx, c.Integration) })
	if err != nil {
		return err
	}
	res, err := a.client.TestInstances.UpdateTestInstance(ctx, &headracev1.UpdateTestInstanceRequest{
		IntegrationId: c.Integration, TestInstance: update, UpdateMask: maskOf(update.GetConfigValues()), ValidateOnly: c.DryRun,
	})
	if err != nil {
		return err
	}
	return a.show(res.GetTestInstance(), func() { a.configSet("test instance of", c.Integration, res.GetTestInstance(), c.DryRun) })
}

type testInstanceResetCmd struct {
	Integration string `arg:"" help:"The integration's id."`
	DryRun      bool   `help:"Check whether it could be reset, and change nothing."`
}

// Run carries out the command.
func (c *testInstanceResetCmd) Run(ctx context.Context, a *app) error {
	res, err := a.client.TestInstances.ResetTestInstance(ctx, &headracev1.ResetTestInstanceRequest{
		IntegrationId: c.Integration, ValidateOnly: c.DryRun,
	})
	if err != nil {
		return err
	}
	return a.show(res, func() {
		a.did("test instance of", c.Integration, "reset", c.DryRun)
		a.removed(res.GetExecutions(), res.GetRemainingRegistrations())
	})
}
