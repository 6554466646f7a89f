package main

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/protobuf/types/known/durationpb"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// upgradeCmd holds the commands about moving many instances at once.
type upgradeCmd struct {
	Start  upgradeStartCmd  `cmd:"" help:"Move the instances of an integration to a version, and follow it to the end."`
	Watch  upgradeWatchCmd  `cmd:"" help:"Follow an upgrade to its end."`
	List   upgradeListCmd   `cmd:"" default:"withargs" help:"List upgrades, newest first."`
	Get    upgradeGetCmd    `cmd:"" help:"Show an upgrade, and what became of each instance."`
	Cancel upgradeCancelCmd `cmd:"" help:"Begin no further deployments; those under way come to their end."`
	Resume upgradeResumeCmd `cmd:"" help:"Go on with an upgrade that was stopped or canceled, and follow it to the end."`
}

type upgradeStartCmd struct {
	Integration string `arg:"" help:"The integration whose instances are moved."`
	Version     int32  `help:"The version to move to. Default: the newest." placeholder:"N"`
	Canary      int32  `help:"How many instances are moved first, one at a time; all must succeed." default:"1" placeholder:"N"`
	MaxFailures int32  `help:"How many instances may fail before it stops." default:"0" placeholder:"N"`
	Parallelism int32  `help:"How many instances are moved side by side afterwards, at most 16." default:"4" placeholder:"N"`
	Filter      string `help:"Only instances that match this expression (AIP-160), e.g. 'customer_id != \"smith\"'." placeholder:"EXPRESSION"`
	All         bool   `help:"Also deploy instances that are on the version already."`
	Plan        bool   `help:"Show what would become of each instance, and change nothing."`
	Detach      bool   `help:"Do not wait for the end."`
}

// Run carries out the command.
func (c *upgradeStartCmd) Run(ctx context.Context, a *app) error {
	res, err := a.client.Upgrades.CreateUpgrade(ctx, &headracev1.CreateUpgradeRequest{
		Upgrade: &headracev1.Upgrade{
			IntegrationId: c.Integration, Version: c.Version, Filter: c.Filter, CanaryCount: &c.Canary, MaxFailures: c.MaxFailures,
			Parallelism: c.Parallelism, IncludeUpToDate: c.All,
		},
		ValidateOnly: c.Plan,
	})
	if err != nil {
		return err
	}
	u := res.GetUpgrade()
	switch {
	case c.Plan:
		return a.show(u, func() { a.upgradePlan(u) })
	case c.Detach:
		return a.show(u, func() { a.upgradeBegun(u) })
	}
	if a.format == "table" {
		a.upgradeBegun(u)
	}
	return a.follow(ctx, u.GetId())
}

func (p *printer) upgradeBegun(u *headracev1.Upgrade) {
	p.line("upgrade %s moves %s of %s to version %d", p.the(clean(u.GetId()), bold), plural(int(u.GetTotal()), "instance"),
		clean(u.GetIntegrationId()), u.GetVersion())
}

// upgradePlan tells what would become of each instance.
func (p *printer) upgradePlan(u *headracev1.Upgrade) {
	p.line("%s of %s would be deployed with version %d, %d skipped, %d would fail", plural(int(u.GetRemaining()), "instance"),
		p.the(clean(u.GetIntegrationId()), bold), u.GetVersion(), u.GetSkipped(), u.GetFailed())
	var rows [][]cell
	for _, r := range u.GetPlan() {
		s := cell{"would deploy", green}
		if r.GetState() != headracev1.UpgradeResult_STATE_PENDING {
			s = state(r.GetState())
		}
		rows = append(rows, []cell{s, text(r.GetInstanceId()), {versionFrom(r), dim}, {upgradeTrouble(r), red}})
	}
	p.table("  ", nil, rows)
	if more := int(u.GetTotal()) - len(u.GetPlan()); more > 0 {
		p.line("  and %d more", more)
	}
}

func versionFrom(r *headracev1.UpgradeResult) string {
	if r.GetFromVersion() == 0 {
		return ""
	}
	return fmt.Sprintf("from version %d", r.GetFromVersion())
}

// upgradeTrouble is why an instance failed or was skipped, in one line.
func upgradeTrouble(r *headracev1.UpgradeResult) string {
	said := r.GetReason()
	if r.GetMessage() != "" {
		said = strings.TrimSpace(said + " " + r.GetMessage())
	}
	for _, problem := range r.GetProblems() {
		said += "; " + problem.GetField() + ": " + problem.GetDescription()
	}
	return excerpt(said, 200)
}

// follow prints a line for every instance that comes to its end, until the upgrade does. For programs every event is a line of JSON, or a
// document of YAML.
func (a *app) follow(ctx context.Context, id string) error {
	done := 0
	for event, err := range a.client.FollowUpgrade(ctx, id) {
		switch {
		case err != nil && ctx.Err() != nil:
			return fmt.Errorf("upgrade %s goes on without you; follow it again with: headrace upgrade watch %s", id, id)
		case err != nil:
			return err
		case event.Result == nil:
			return a.upgradeEnd(event.Upgrade)
		case a.format != "table":
			if err := a.event(event.Result); err != nil {
				return err
			}
		default:
			done++
			a.upgradeStep(done, event.Upgrade.GetTotal(), event.Result)
		}
	}
	return nil
}

// upgradeStep is the line of an instance that has come to its end.
func (p *printer) upgradeStep(done int, total int32, r *headracev1.UpgradeResult) {
	s := state(r.GetState())
	note := ""
	if r.GetCanary() {
		note = "  " + p.the("canary", dim)
	}
	p.line("  %*d/%d  %s  %s  %s%s", len(fmt.Sprint(total)), done, total, p.the(fmt.Sprintf("%-9s", s.text), s.style), clean(r.GetInstanceId()),
		took(durationpb.New(r.GetEndTime().AsTime().Sub(r.GetStartTime().AsTime()))), note)
	if trouble := upgradeTrouble(r); trouble != "" {
		p.line("      %s", p.the(trouble, s.style))
	}
}

// upgradeEnd prints how an upgrade ended. One that did not get through is an error for whoever waited for it.
func (a *app) upgradeEnd(u *headracev1.Upgrade) error {
	if a.format != "table" {
		if err := a.event(u); err != nil {
			return err
		}
	} else {
		s := state(u.GetState())
		a.line("upgrade %s %s: %d succeeded, %d failed, %d skipped, %d remaining", clean(u.GetId()), a.the(s.text, s.style), u.GetSucceeded(),
			u.GetFailed(), u.GetSkipped(), u.GetRemaining())
	}
	if u.GetState() == headracev1.Upgrade_STATE_SUCCEEDED {
		return nil
	}
	return &upgradeUnfinished{u}
}

// upgradeUnfinished says that an upgrade has ended before it was through.
type upgradeUnfinished struct{ upgrade *headracev1.Upgrade }

func (e *upgradeUnfinished) Error() string {
	id := e.upgrade.GetId()
	if e.upgrade.GetState() == headracev1.Upgrade_STATE_CANCELED {
		return fmt.Sprintf("upgrade %s was canceled; go on with: headrace upgrade resume %s", id, id)
	}
	return fmt.Sprintf("upgrade %s stopped: %s; mend it, then go on with: headrace upgrade resume %s", id, e.upgrade.GetMessage(), id)
}

type upgradeWatchCmd struct {
	ID string `arg:"" help:"The upgrade's id."`
}

// Run carries out the command.
func (c *upgradeWatchCmd) Run(ctx context.Context, a *app) error { return a.follow(ctx, c.ID) }

type upgradeListCmd struct {
	Integration string `help:"Only those of this integration." placeholder:"ID"`
	State       string `help:"Only those in this state, e.g. STOPPED." placeholder:"STATE"`
	listFlags
}

// Run carries out the command.
func (c *upgradeListCmd) Run(ctx context.Context, a *app) error {
	found, err := take(a.client.AllUpgrades(ctx, &headracev1.ListUpgradesRequest{
		PageSize: c.pageSize(), Filter: allOf(equals("integration_id", c.Integration), equals("state", stateWord(c.State)), c.Filter),
		OrderBy: c.OrderBy,
	}), c.Limit)
	if err != nil {
		return err
	}
	return a.show(&headracev1.ListUpgradesResponse{Upgrades: found}, func() { a.upgrades(found) })
}

func (p *printer) upgrades(all []*headracev1.Upgrade) {
	var rows [][]cell
	for _, u := range all {
		rows = append(rows, []cell{
			text(u.GetId()), state(u.GetState()), text(u.GetIntegrationId()), number(u.GetVersion()), number(u.GetTotal()),
			number(u.GetSucceeded()), number(u.GetFailed()), number(u.GetSkipped()), number(u.GetRemaining()), p.ago(u.GetCreateTime()),
		})
	}
	p.list("no upgrades", []string{"ID", "STATE", "INTEGRATION", "VERSION", "TOTAL", "SUCCEEDED", "FAILED", "SKIPPED", "REMAINING", "BEGUN"}, rows)
}

type upgradeGetCmd struct {
	ID string `arg:"" help:"The upgrade's id."`
}

// Run carries out the command.
func (c *upgradeGetCmd) Run(ctx context.Context, a *app) error {
	res, err := a.client.Upgrades.GetUpgrade(ctx, &headracev1.GetUpgradeRequest{UpgradeId: c.ID})
	if err != nil || a.format != "table" {
		if err != nil {
			return err
		}
		return a.show(res.GetUpgrade(), nil)
	}
	results, err := take(a.client.AllUpgradeResults(ctx, &headracev1.ListUpgradeResultsRequest{UpgradeId: c.ID, PageSize: 1000}), 0)
	if err != nil {
		return err
	}
	a.upgrade(res.GetUpgrade(), results)
	return nil
}

func (p *printer) upgrade(u *headracev1.Upgrade, results []*headracev1.UpgradeResult) {
	s := state(u.GetState())
	p.line("%s  %s", p.the(clean(u.GetId()), bold), p.the(s.text, s.style))
	p.fields(
		text("integration"), text(u.GetIntegrationId()), text("version"), number(u.GetVersion()), text("filter"), text(u.GetFilter()),
		text("why"), cell{u.GetMessage(), red},
		text("instances"), text(fmt.Sprintf("%d: %d succeeded, %d failed, %d skipped, %d remaining", u.GetTotal(), u.GetSucceeded(), u.GetFailed(),
			u.GetSkipped(), u.GetRemaining())),
		text("begun"), text(moment(u.GetCreateTime())), text("ended"), text(moment(u.GetEndTime())),
	)
	var rows [][]cell
	for _, r := range results {
		rows = append(rows, []cell{state(r.GetState()), text(r.GetInstanceId()), {r.GetDeploymentId(), dim}, {upgradeTrouble(r), red}})
	}
	if len(rows) > 0 {
		p.heading("Instances")
		p.table("  ", nil, rows)
	}
}

type upgradeCancelCmd struct {
	ID string `arg:"" help:"The upgrade's id."`
}

// Run carries out the command.
func (c *upgradeCancelCmd) Run(ctx context.Context, a *app) error {
	res, err := a.client.Upgrades.CancelUpgrade(ctx, &headracev1.CancelUpgradeRequest{UpgradeId: c.ID})
	if err != nil {
		return err
	}
	return a.show(res.GetUpgrade(), func() { a.did("upgrade", c.ID, strings.ToLower(word(res.GetUpgrade().GetState(), "STATE_")), false) })
}

type upgradeResumeCmd struct {
	ID     string `arg:"" help:"The upgrade's id."`
	Detach bool   `help:"Do not wait for the end."`
}

// Run carries out the command.
func (c *upgradeResumeCmd) Run(ctx context.Context, a *app) error {
	res, err := a.client.Upgrades.ResumeUpgrade(ctx, &headracev1.ResumeUpgradeRequest{UpgradeId: c.ID})
	if err != nil {
		return err
	}
	if c.Detach {
		return a.show(res.GetUpgrade(), func() { a.did("upgrade", c.ID, "resumed", false) })
	}
	return a.follow(ctx, c.ID)
}
