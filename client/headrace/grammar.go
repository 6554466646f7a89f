package main

import "time"

// grammar is what can be said on the command line. Nouns are singular, and known by their plurals, too. Groups and commands stand in
// the order in which one comes to need them.
type grammar struct {
	globalFlags    `embed:"" group:"Global flags:"`
	definitionCmds `embed:"" group:"Definitions:"`
	instanceCmds   `embed:"" group:"Customers and instances:"`
	workCmds       `embed:"" group:"What runs, and what it leaves:"`
	aboutCmds      `embed:"" group:"This program:"`
}

type globalFlags struct {
	Server   string        `help:"Address of the server." env:"HEADRACE_SERVER" default:"127.0.0.1:9090" placeholder:"HOST:PORT"`
	Token    string        `help:"Token to sign in with." env:"HEADRACE_TOKEN" placeholder:"TOKEN"`
	TLS      bool          `name:"tls" help:"Connect by TLS."`
	CA       string        `name:"ca" help:"Connect by TLS and trust the authorities in this PEM file." placeholder:"FILE"`
	Insecure bool          `help:"Allow sending the token as plain text to another machine."`
	Output   string        `short:"o" help:"How to print: ${enum}." enum:"table,json,yaml" default:"table"`
	Timeout  time.Duration `help:"Longest time a call may take. Default: 30s, and as long as needed for what runs flows." placeholder:"DURATION"`
	NoColor  bool          `help:"Print without colours, as with NO_COLOR set."`
}

type definitionCmds struct {
	Apply       applyCmd       `cmd:"" help:"Create or change components and integrations as files describe them."`
	Validate    validateCmd    `cmd:"" help:"Check definitions in files as an import would."`
	Import      importCmd      `cmd:"" help:"Replace the draft of an integration with the definition in a file, also one of Prismatic."`
	Export      exportCmd      `cmd:"" help:"Write an integration's definition to a file, also for Prismatic."`
	Diff        diffCmd        `cmd:"" help:"Show how two definitions of an integration differ, and whose config would not do."`
	Test        testCmd        `cmd:"" aliases:"tests" help:"Run the tests of flows that are written in files. Needs no server."`
	Integration integrationCmd `cmd:"" aliases:"integrations" help:"List, show, publish and delete integrations."`
	Flow        flowCmd        `cmd:"" aliases:"flows" help:"List the flows of a draft, and test one on the test instance."`
	Component   componentCmd   `cmd:"" aliases:"components" help:"List, show and delete components."`
}

type instanceCmds struct {
	Customer     customerCmd     `cmd:"" aliases:"customers" help:"Create, list, show and delete customers."`
	Instance     instanceCmd     `cmd:"" aliases:"instances" help:"Create, configure, deploy and remove instances."`
	TestInstance testInstanceCmd `cmd:"" aliases:"test-instances" help:"Configure and reset the test instance of an integration."`
	FlowKey      flowKeyCmd      `cmd:"" aliases:"flow-keys" help:"Create, list and delete the keys that let callers in at flows' URLs."`
	Upgrade      upgradeCmd      `cmd:"" aliases:"upgrades" help:"Move many instances to another version, a few first."`
}

type workCmds struct {
	Execution   executionCmd   `cmd:"" aliases:"executions" help:"List, show, follow, cancel and replay executions."`
	State       stateCmd       `cmd:"" aliases:"states" help:"List, show and mend the state that flows keep."`
	CleanupDebt cleanupDebtCmd `cmd:"" aliases:"cleanup-debts" help:"List, retry and forgive what could not be removed from other systems."`
}

type aboutCmds struct {
	Version    versionCmd    `cmd:"" help:"Print the version of this program."`
	Completion completionCmd `cmd:"" help:"Print a script that completes commands in a shell."`
}

// listFlags choose and order what a list shows.
type listFlags struct {
	Filter  string `help:"Only what matches this expression (AIP-160), e.g. 'display_name = \"Acme*\"'." placeholder:"EXPRESSION"`
	OrderBy string `help:"Order by these fields, e.g. 'update_time desc'." placeholder:"FIELDS"`
	Limit   int    `help:"Show at most this many. 0: all." default:"0"`
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
