package prismatic

import (
	"github.com/headrace/headrace/internal/expr"
	"github.com/headrace/headrace/internal/ipaas"
)

// flat lists steps and those inside them in the order of the document.
func flat(steps []ipaas.Step) []*ipaas.Step {
	var all []*ipaas.Step
	for i := range steps {
		all = append(all, &steps[i])
		for _, b := range steps[i].Branches {
			all = append(all, flat(b.Steps)...)
		}
		all = append(all, flat(steps[i].Steps)...)
	}
	return all
}

// within lists an input and those inside it.
func within(in *ipaas.Input) []*ipaas.Input {
	all := []*ipaas.Input{in}
	if in.NameFrom != nil {
		all = append(all, within(in.NameFrom)...)
	}
	for i := range in.Items {
		all = append(all, within(&in.Items[i])...)
	}
	return all
}

// stepKeys returns the step keys that references of an input begin with, but not those of inputs inside it. What cannot be read, which is
// a problem of the draft, has none.
func stepKeys(in *ipaas.Input) []string {
	switch in.Kind {
	case ipaas.InputReference:
		if ref, err := expr.ParseReference(in.Text); err == nil {
			return []string{ref.Key}
		}
	case ipaas.InputTemplate:
		t, err := expr.ParseTemplate(in.Text)
		if err != nil {
			return nil
		}
		var keys []string
		for _, part := range t.Parts() {
			if ref, ok := part.(*expr.ReferenceNode); ok {
				keys = append(keys, ref.Key)
			}
		}
		return keys
	}
	return nil
}
