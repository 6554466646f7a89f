package main

import "time"

// grammar is what can be said on the command line.
type grammar struct {
	Server   string        `help:"Address of the server." env:"HEADRACE_SERVER" default:"127.0.0.1:9090" placeholder:"HOST:PORT"`
	Token    string        `help:"Token to sign in with." env:"HEADRACE_TOKEN" placeholder:"TOKEN"`
	TLS      bool          `name:"tls" help:"Connect by TLS."`
	CA       string        `name:"ca" help:"Connect by TLS and trust the authorities in this PEM file." placeholder:"FILE"`
	Insecure bool          `help:"Allow sending the token as plain text to another machine."`
	Output   string        `short:"o" help:"How to print: ${enum}." enum:"table,json,yaml" default:"table"`
	Timeout  time.Duration `help:"Longest time a call may take. Default: 30s, and as long as needed for what runs flows." placeholder:"DURATION"`
	NoColor  bool          `help:"Print without colours, as with NO_COLOR set."`

	Apply        applyCmd        `cmd:"" help:"Create or change components and integrations as files describe them."`
	Diff         diffCmd         `cmd:"" help:"Show in what two definitions of an integration differ, and whose config would not do."`
	Import       importCmd       `cmd:"" help:"Make a definition in a file the draft of an integration; those of Prismatic are read, too."`
	Export       exportCmd       `cmd:"" help:"Write an integration's definition, for here or for Prismatic."`
	Validate     validateCmd     `cmd:"" help:"Check definitions in files as an import would."`
	Components   componentsCmd   `cmd:"" aliases:"component" help:"List, show and delete components."`
	Integrations integrationsCmd `cmd:"" aliases:"integration" help:"List, show, publish, export and delete integrations."`
	Test         testCmd         `cmd:"" help:"Run the tests of flows that stand in files, without a server."`
	Flow         flowCmd         `cmd:"" aliases:"flows" help:"List and test the flows of an integration's draft."`
	FlowKey      flowKeyCmd      `cmd:"" aliases:"flow-keys" help:"Create, list and delete the API keys with which flows are called."`
	Customers    customersCmd    `cmd:"" aliases:"customer" help:"Create, list, show and delete customers."`
	Instance     instanceCmd     `cmd:"" aliases:"instances" help:"Create, configure, deploy and remove instances."`
	TestInstance testInstanceCmd `cmd:"" aliases:"test-instances" help:"Configure and reset the test instance of an integration."`
	Upgrade      upgradeCmd      `cmd:"" aliases:"upgrades" help:"Move many instances to another version, a few first."`
	CleanupDebts cleanupDebtsCmd `cmd:"" aliases:"cleanup-debt" help:"List, retry and forgive what other systems did not let go of."`
	State        stateCmd        `cmd:"" help:"List, show and mend what the flows of an instance keep."`
	Executions   executionsCmd   `cmd:"" aliases:"execution" help:"List, show and follow executions."`
	Version      versionCmd      `cmd:"" help:"Print the version of this program."`
	Completion   completionCmd   `cmd:"" help:"Print a script that completes commands in a shell."`
}

// listFlags choose and order what a list shows.
type listFlags struct {
	Filter  string `help:"Only what fits this expression (AIP-160), e.g. 'display_name = \"Acme*\"'." placeholder:"EXPRESSION"`
	OrderBy string `help:"Order by these fields, e.g. 'update_time desc'." placeholder:"FIELDS"`
	Limit   int    `help:"Show at most so many. 0: all." default:"0"`
}

// pageSize asks for no more than is shown.
func (f listFlags) pageSize() int32 {
	const most = 1000
	if f.Limit > 0 && f.Limit < most {
		return int32(f.Limit)
	}
	return most
}

// Validate is called by the parser.
func (f listFlags) Validate() error {
	if f.Limit < 0 {
		return usage("--limit is %d: give 0 or more", f.Limit)
	}
	return nil
}
