package control

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/config"
	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// Wizard is the configuration wizard of one instance as data.
type Wizard struct {
	Instance ipaas.Instance
	Pages    []WizardPage
	Complete bool
}

// WizardPage is one page with an instance's values.
type WizardPage struct {
	ID, Title, Tagline string
	Elements           []WizardElement
	Complete           bool
}

// WizardElement is a heading or a config variable.
type WizardElement struct {
	Heading  string
	Variable *WizardVariable
}

// WizardVariable is a config variable with an instance's value and what is wrong with it.
type WizardVariable struct {
	Variable ipaas.ConfigVariable
	Value    config.View
	Problems []ipaas.Violation
}

// otherPage is the id of the page for variables that stand on none. Its double hyphen keeps it apart from chosen ids.
const otherPage = "other--settings"

// ConfigWizard returns the wizard of an instance, standard or test, for a version; 0 is the one it is on.
func (p *Plane) ConfigWizard(ctx context.Context, instanceID string, version int) (Wizard, error) {
	in, err := p.store.GetInstance(ctx, instanceID)
	if err != nil {
		return Wizard{}, err
	}
	program, err := p.programAt(ctx, in, version)
	if err != nil {
		return Wizard{}, err
	}
	return p.wizard(in, program)
}

func (p *Plane) wizard(in ipaas.Instance, program *engine.Program) (Wizard, error) {
	s, err := p.configs.Settings(in.UID, program, in.Config)
	if err != nil {
		return Wizard{}, err
	}
	def := program.Definition()
	w := Wizard{Instance: in, Complete: len(s.Problems) == 0}
	for _, page := range wizardPages(def) {
		shown := WizardPage{ID: page.ID, Title: page.Title, Tagline: page.Tagline, Complete: true}
		for _, e := range page.Elements {
			v, _ := def.ConfigVariable(e.ConfigVariable)
			if v == nil {
				shown.Elements = append(shown.Elements, WizardElement{Heading: e.Heading})
				continue
			}
			problems := problemsOf(s.Problems, v.ID)
			shown.Complete = shown.Complete && len(problems) == 0
			shown.Elements = append(shown.Elements, WizardElement{Variable: &WizardVariable{
				Variable: *v, Value: config.Show(v, in.Config.Values[v.ID], program), Problems: problems,
			}})
		}
		w.Pages = append(w.Pages, shown)
	}
	return w, nil
}

// wizardPages returns the pages of a definition, and a last one for variables that stand on none.
func wizardPages(def *ipaas.Definition) []ipaas.ConfigPage {
	placed := map[string]bool{}
	for _, page := range def.ConfigPages {
		for _, e := range page.Elements {
			if v, _ := def.ConfigVariable(e.ConfigVariable); v != nil {
				placed[v.ID] = true
			}
		}
	}
	other := ipaas.ConfigPage{ID: otherPage, Title: "Other settings"}
	if len(def.ConfigPages) == 0 {
		other.Title = "Configuration"
	}
	for i := range def.ConfigVariables {
		if id := def.ConfigVariables[i].ID; !placed[id] {
			other.Elements = append(other.Elements, ipaas.ConfigElement{ConfigVariable: id})
		}
	}
	if len(other.Elements) == 0 {
		return def.ConfigPages
	}
	return append(slices.Clone(def.ConfigPages), other)
}

func problemsOf(problems []ipaas.Violation, variableID string) []ipaas.Violation {
	field := "configValues." + variableID
	var own []ipaas.Violation
	for _, problem := range problems {
		if problem.Field == field || strings.HasPrefix(problem.Field, field+".") {
			own = append(own, problem)
		}
	}
	return own
}

// UpdateConfigWizardPage sets values of one page and returns the page with what is missing or wrong on it.
func (p *Plane) UpdateConfigWizardPage(
	ctx context.Context, instanceID, pageID string, version int, values map[string]config.Input, m Mutation,
) (WizardPage, error) {
	in, err := once(ctx, p, m, func(write func(ipaas.Instance) (storage.Write, error)) (ipaas.Instance, error) {
		return p.changeInstance(ctx, instanceID, m, func(in *ipaas.Instance) error {
			program, err := p.programAt(ctx, *in, version)
			if err != nil {
				return err
			}
			if err := checkPage(instanceID, pageID, values, program.Definition()); err != nil {
				return err
			}
			in.Config, err = p.configs.Apply(in.UID, []*engine.Program{program}, in.Config, config.Change{Values: values})
			return err
		}, write)
	})
	if err != nil {
		return WizardPage{}, err
	}
	program, err := p.programAt(ctx, in, version)
	if err != nil {
		return WizardPage{}, err
	}
	w, err := p.wizard(in, program)
	if err != nil {
		return WizardPage{}, err
	}
	for _, page := range w.Pages {
		if page.ID == pageID {
			return page, nil
		}
	}
	return WizardPage{}, absentPage(instanceID, pageID)
}

func checkPage(instanceID, pageID string, values map[string]config.Input, def *ipaas.Definition) error {
	pages := wizardPages(def)
	at := slices.IndexFunc(pages, func(page ipaas.ConfigPage) bool { return page.ID == pageID })
	if at < 0 {
		return absentPage(instanceID, pageID)
	}
	var wrong []ipaas.Violation
	for _, name := range slices.Sorted(maps.Keys(values)) {
		v, _ := def.ConfigVariable(name)
		if v == nil {
			continue // Apply says so, with the others
		}
		if !slices.ContainsFunc(pages[at].Elements, func(e ipaas.ConfigElement) bool {
			return e.ConfigVariable == v.ID || e.ConfigVariable == v.DisplayName
		}) {
			wrong = append(wrong, ipaas.Violation{
				Field: "values." + name, Reason: ipaas.ReasonMisplaced,
				Description: fmt.Sprintf("config variable %q is not on page %q: set it with its own page", name, pageID),
			})
		}
	}
	if len(wrong) > 0 {
		return ipaas.InvalidArgument("values do not belong to the page", wrong...)
	}
	return nil
}

func absentPage(instanceID, pageID string) error {
	err := ipaas.Absent("config page", pageID)
	err.Message = fmt.Sprintf("the configuration wizard of instance %q has no page %q: read the wizard for its pages", instanceID, pageID)
	return err
}
