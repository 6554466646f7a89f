package main

import (
	"context"
	"strconv"
	"strings"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// diffCmd shows in what two definitions of an integration differ.
type diffCmd struct {
	ID   string `arg:"" help:"The integration's id."`
	From string `arg:"" optional:"" help:"The earlier definition: a version, draft, or a file; - reads the input. Default: the newest version."`
	To   string `arg:"" optional:"" help:"The later definition. Default: draft."`
	Exit bool   `name:"exit-code" help:"End with 1 if they differ."`
}

// Run carries out the command.
func (c *diffCmd) Run(ctx context.Context, a *app) error {
	from, err := a.diffSide(c.From)
	if err != nil {
		return err
	}
	to, err := a.diffSide(c.To)
	if err != nil {
		return err
	}
	res, err := a.client.Versions.DiffIntegrationVersions(ctx, &headracev1.DiffIntegrationVersionsRequest{IntegrationId: c.ID, From: from, To: to})
	if err != nil {
		return err
	}
	if err := a.show(res, func() { a.differences("", res) }); err != nil {
		return err
	}
	if n := len(res.GetDifferences()); c.Exit && n > 0 {
		return &differs{n}
	}
	return nil
}

// differs is that two definitions do, for those who asked for an exit code.
type differs struct{ n int }

func (d *differs) Error() string { return "they differ in " + plural(d.n, "element") }

// diffSide reads what names a definition; nothing is the server's default.
func (a *app) diffSide(name string) (*headracev1.DiffSide, error) {
	if name == "" {
		return nil, nil //nolint:nilnil // no side is a side: the default
	}
	if name == "draft" {
		return &headracev1.DiffSide{Side: &headracev1.DiffSide_Draft{Draft: true}}, nil
	}
	if version, err := strconv.ParseInt(strings.TrimPrefix(name, "v"), 10, 32); err == nil {
		return &headracev1.DiffSide{Side: &headracev1.DiffSide_Version{Version: int32(version)}}, nil
	}
	text, err := a.readText(name)
	if err != nil {
		return nil, err
	}
	return &headracev1.DiffSide{Side: &headracev1.DiffSide_Definition{Definition: string(text)}}, nil
}

// differences shows in what definitions differ, a line for each element and below it one for each field.
func (p *printer) differences(indent string, res *headracev1.DiffIntegrationVersionsResponse) {
	if len(res.GetDifferences()) == 0 {
		p.line("%s%s", indent, p.the("no differences", dim))
	}
	for _, d := range res.GetDifferences() {
		p.difference(indent, d)
	}
	incomplete := res.GetIncompleteInstances()
	if len(incomplete) == 0 {
		return
	}
	count := plural(len(incomplete), "instance")
	if res.GetMoreIncompleteInstances() {
		count = "more than " + count
	}
	p.line("%s%s", indent, p.the(count+" could not be deployed with it until the config is mended:", yellow))
	for _, in := range incomplete {
		p.line("%s  %s", indent, p.the(clean(in.GetInstanceId()), bold))
		for _, problem := range in.GetProblems() {
			p.line("%s    %s", indent, clean(problem.GetDescription()))
		}
	}
}

// signs is how the kinds of differences are shown.
var signs = map[headracev1.Difference_Kind]struct {
	sign  string
	style style
	word  string
}{
	headracev1.Difference_KIND_ADDED:   {"+", green, ""},
	headracev1.Difference_KIND_REMOVED: {"-", red, ""},
	headracev1.Difference_KIND_RENAMED: {"~", yellow, "renamed"},
	headracev1.Difference_KIND_CHANGED: {"~", yellow, ""},
	headracev1.Difference_KIND_MOVED:   {"~", yellow, "moved"},
}

func (p *printer) difference(indent string, d *headracev1.Difference) {
	if d.GetElement() == headracev1.Difference_ELEMENT_STEP {
		indent += "  " // below its flow
	}
	mark := signs[d.GetKind()]
	what := strings.ToLower(strings.ReplaceAll(word(d.GetElement(), "ELEMENT_"), "_", " "))
	name := clean(d.GetDisplayName())
	if d.GetKind() == headracev1.Difference_KIND_RENAMED {
		name = clean(d.GetOldDisplayName()) + " → " + name
	}
	if d.GetElement() == headracev1.Difference_ELEMENT_STEP && d.GetFlowId() != "" {
		what += " of " + clean(d.GetFlowId())
	}
	line := p.the(mark.sign+" "+what+" ", mark.style) + p.the(name, bold)
	if mark.word != "" {
		line += p.the(" ("+mark.word+")", dim)
	}
	p.line("%s%s", indent, line)
	for _, f := range d.GetFields() {
		p.line("%s    %s", indent, p.the(clean(f.GetField())+":", dim))
		if f.GetBefore() != "" {
			p.changed(indent+"      ", "- ", red, f.GetBefore())
		}
		if f.GetAfter() != "" {
			p.changed(indent+"      ", "+ ", green, f.GetAfter())
		}
	}
}

// changed shows a text of one line or many.
func (p *printer) changed(indent, sign string, s style, text string) {
	for line := range strings.Lines(text) {
		p.line("%s%s", indent, p.the(sign+clean(strings.TrimRight(line, "\n")), s))
	}
}
