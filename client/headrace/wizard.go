package main

import (
	"context"
	"strings"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

type instanceWizardCmd struct {
	ID string `arg:"" help:"The instance's id."`
}

// Run carries out the command.
func (c *instanceWizardCmd) Run(ctx context.Context, a *app) error {
	res, err := a.client.Instances.GetConfigWizard(ctx, &headracev1.GetConfigWizardRequest{InstanceId: c.ID})
	if err != nil {
		return err
	}
	return a.show(res.GetConfigWizard(), func() { a.wizard(res.GetConfigWizard()) })
}

// wizard prints the configuration wizard page by page.
func (p *printer) wizard(w *headracev1.ConfigWizard) {
	complete := cell{"complete", green}
	if !w.GetComplete() {
		complete = cell{"not complete", yellow}
	}
	p.line("%s  %s", p.the(clean(w.GetInstanceId()), bold), p.the(complete.text, complete.style))
	for _, page := range w.GetPages() {
		p.line("\n%s  %s", p.the(clean(page.GetTitle()), bold), p.the(clean(page.GetTagline()), dim))
		for _, element := range page.GetElements() {
			if heading := element.GetHeading(); heading != "" {
				p.line("  %s", clean(heading))
			}
			if v := element.GetVariable(); v != nil {
				p.wizardVariable(v)
			}
		}
	}
}

func (p *printer) wizardVariable(v *headracev1.ConfigWizardVariable) {
	def := v.GetConfigVariable()
	name := clean(def.GetDisplayName())
	if def.GetRequired() {
		name += "*"
	}
	value := shown(v.GetValue())
	line := "    " + p.the(clean(def.GetId()), cyan) + "  " + name
	for _, c := range value {
		if c.text != "" {
			line += "  " + p.the(c.text, c.style)
		}
	}
	p.line("%s", line)
	for _, problem := range v.GetProblems() {
		// Of a connection one input may be wrong; the variable itself stands above.
		input := strings.TrimPrefix(strings.TrimPrefix(problem.GetField(), "configValues."+def.GetId()), ".")
		p.line("      %s", p.the("! "+strings.TrimLeft(clean(input+" "+problem.GetDescription()), " "), yellow))
	}
}
