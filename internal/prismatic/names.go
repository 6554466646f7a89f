package prismatic

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/headrace/headrace/internal/expr"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// renaming gives other names to the steps of a flow that could not be told apart by the keys of their names, as long as nothing in the
// flow says such a key: what says it would mean one of them, and nobody knows which, so that Validate refuses it.
type renaming struct {
	r     *reader
	keys  map[string]bool // those that are taken
	said  map[string]bool // those that references begin with, and the words of code
	tried map[string]int  // by name: the last number that was put behind it
}

// distinct renames what must be renamed. native is the path of the flow in our words.
func (r *reader) distinct(native string, f *ipaas.Flow) {
	n := &renaming{r: r, keys: map[string]bool{}, said: map[string]bool{}, tried: map[string]int{}}
	n.name(native+".trigger", &f.Trigger.DisplayName)
	if n.unique(f.Steps) {
		return
	}
	n.inputs(f.Trigger.Inputs)
	n.listen(f.Steps)
	n.keys = map[string]bool{ipaas.TriggerStepID: true, expr.Key(f.Trigger.DisplayName): true}
	n.steps(native+".steps", f.Steps)
}

// unique reports whether all steps are told apart as they are, which is nearly always so.
func (n *renaming) unique(steps []ipaas.Step) bool {
	seen := n.keys
	seen[ipaas.TriggerStepID] = true
	return !slices.ContainsFunc(flat(steps), func(s *ipaas.Step) bool {
		key := expr.Key(s.DisplayName)
		taken := key == "" || seen[key]
		seen[key] = true
		return taken && s.DisplayName != ""
	})
}

// listen remembers the keys that are said in steps.
func (n *renaming) listen(steps []ipaas.Step) {
	for _, s := range flat(steps) {
		n.inputs(s.Inputs)
	}
}

func (n *renaming) inputs(inputs map[string]ipaas.Input) {
	for name, in := range inputs {
		isCode := strings.Contains(strings.ToLower(name), "code")
		for _, one := range within(&in) {
			for _, key := range stepKeys(one) {
				n.said[key] = true
			}
			if isCode {
				n.words(one)
			}
		}
	}
}

// words remembers the words of code, of which any may be a key.
func (n *renaming) words(in *ipaas.Input) {
	text := in.Text
	if code, ok := literal(*in).(string); ok {
		text = code
	}
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		n.said[word] = true
	}
}

func (n *renaming) steps(native string, steps []ipaas.Step) {
	for i := range steps {
		s, at := &steps[i], item(native, i)
		n.name(at, &s.DisplayName)
		for j := range s.Branches {
			n.steps(item(at+".branches", j)+".steps", s.Branches[j].Steps)
		}
		n.steps(at+".steps", s.Steps)
	}
}

// name renames what stands at a path, if it must be, and takes its key.
func (n *renaming) name(native string, name *string) {
	key := expr.Key(*name)
	if isNothing(*name) || key != "" && (!n.keys[key] || n.said[key]) {
		n.keys[key] = true
		return
	}
	was := *name
	i := max(n.tried[was], 1)
	for key == "" || n.keys[key] || n.said[key] {
		i++
		*name = fmt.Sprintf("%s %d", strings.TrimSpace(was), i)
		key = expr.Key(*name)
	}
	n.tried[was] = i
	n.keys[key] = true
	n.r.notes.add(keyed(n.r.places.find(native), "name"), Changed,
		"the name %q does not tell it from other steps, and nothing refers to it: it is called %q", value.Shorten(was), value.Shorten(*name))
}
