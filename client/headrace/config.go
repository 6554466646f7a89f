package main

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// configFlags give config values. What a process is called with can be seen by others on its machine: secrets are better given by
// --from-file.
type configFlags struct {
	FromFile      string   `help:"YAML or JSON file with an object of values by config variable; - reads the input. Flags win over it." placeholder:"FILE"`
	Set           []string `sep:"none" help:"Set a config variable to a text. May be given several times." placeholder:"VARIABLE=VALUE"`
	SetJSON       []string `name:"set-json" sep:"none" help:"Set a config variable to any JSON." placeholder:"VARIABLE=JSON"`
	SetConnection []string `sep:"none" help:"Set one input of a connection; its other inputs stay." placeholder:"VARIABLE.INPUT=VALUE"`
	Unset         []string `sep:"none" help:"Go back to the default of a config variable." placeholder:"VARIABLE"`
}

// given are config values as a caller gave them.
type given struct {
	values map[string]*headracev1.ConfigValue
	// connections are the inputs that were set one by one: they are put over those that are already there.
	connections map[string]map[string]string
}

// given tells whether there is anything to set.
func (f *configFlags) given() bool {
	return f.FromFile != "" || len(f.Set)+len(f.SetJSON)+len(f.SetConnection)+len(f.Unset) > 0
}

func (f *configFlags) read(a *app) (given, error) {
	out := given{values: map[string]*headracev1.ConfigValue{}, connections: map[string]map[string]string{}}
	if f.FromFile != "" {
		if err := f.file(a, out); err != nil {
			return out, err
		}
	}
	set, err := entries("--set", f.Set)
	if err != nil {
		return out, err
	}
	for name, value := range set {
		out.values[name] = &headracev1.ConfigValue{Kind: &headracev1.ConfigValue_Value{Value: structpb.NewStringValue(value)}}
	}
	typed, err := entries("--set-json", f.SetJSON)
	if err != nil {
		return out, err
	}
	for name, value := range typed {
		if !json.Valid([]byte(value)) {
			return out, usage("--set-json %s: what it is set to is not JSON", name)
		}
		out.values[name] = exactly(value)
	}
	for _, name := range f.Unset {
		out.values[name] = &headracev1.ConfigValue{}
	}
	return out, f.connectionInputs(out)
}

func exactly(text string) *headracev1.ConfigValue {
	return &headracev1.ConfigValue{Kind: &headracev1.ConfigValue_Json{Json: text}}
}

// update returns the instance that sets what the flags say. Connections are merged with those that current returns.
func (f *configFlags) update(ctx context.Context, a *app, current func() (*headracev1.Instance, error)) (*headracev1.Instance, error) {
	config, err := f.read(a)
	if err != nil {
		return nil, err
	}
	update := &headracev1.Instance{}
	var before map[string]*headracev1.ConfigValue
	if len(config.connections) > 0 {
		now, err := current()
		if err != nil {
			return nil, err
		}
		// What is merged with what was read must not overwrite what came between.
		before, update.Etag = now.GetConfigValues(), now.GetEtag()
		if err := config.identify(ctx, a, now); err != nil {
			return nil, err
		}
	}
	if update.ConfigValues, err = config.over(before); err != nil {
		return nil, err
	}
	if len(update.GetConfigValues()) == 0 {
		return nil, usage("nothing to set: give --set, --set-json, --set-connection, --from-file or --unset")
	}
	return update, nil
}

// identify gives connections that are named as people see them the ids of their config variables, under which an instance has its values.
func (g given) identify(ctx context.Context, a *app, in *headracev1.Instance) error {
	known := func(name string) bool { return in.GetConfigValues()[name] != nil }
	if !slices.ContainsFunc(slices.Collect(maps.Keys(g.connections)), func(name string) bool { return !known(name) }) {
		return nil
	}
	res, err := a.client.Instances.GetConfigWizard(ctx, &headracev1.GetConfigWizardRequest{InstanceId: in.GetId()})
	if err != nil {
		return err
	}
	for _, page := range res.GetConfigWizard().GetPages() {
		for _, element := range page.GetElements() {
			v := element.GetVariable().GetConfigVariable()
			inputs := g.connections[v.GetDisplayName()]
			if inputs == nil || v.GetId() == v.GetDisplayName() {
				continue
			}
			delete(g.connections, v.GetDisplayName())
			if g.connections[v.GetId()] == nil {
				g.connections[v.GetId()] = map[string]string{}
			}
			maps.Copy(g.connections[v.GetId()], inputs)
			if value, ok := g.values[v.GetDisplayName()]; ok {
				delete(g.values, v.GetDisplayName())
				g.values[v.GetId()] = value
			}
		}
	}
	return nil
}

func (f *configFlags) file(a *app, out given) error {
	text, err := a.readFile(f.FromFile)
	if err != nil {
		return err
	}
	// What is wrong is told without the parser's words: they may quote a secret.
	root, err := parseYAML(text)
	if err != nil || root == nil || root.Kind != yaml.MappingNode {
		return usage("%s holds no config values: write an object in YAML or JSON, one entry for each config variable", f.FromFile)
	}
	pairs, err := pairsOf(root, 0)
	if err != nil {
		return usage("%s: %v", f.FromFile, err)
	}
	for _, pair := range pairs {
		value, err := yamlToJSON(pair.value)
		if err != nil {
			return usage("%s: %s has a value that JSON cannot write", f.FromFile, pair.key.Value)
		}
		out.values[pair.key.Value] = exactly(string(value))
	}
	return nil
}

func (f *configFlags) connectionInputs(out given) error {
	inputs, err := entries("--set-connection", f.SetConnection)
	if err != nil {
		return err
	}
	for name, value := range inputs {
		dot := strings.LastIndexByte(name, '.')
		if dot <= 0 || dot == len(name)-1 {
			return usage("--set-connection %s wants VARIABLE.INPUT=VALUE", name)
		}
		variable, input := name[:dot], name[dot+1:]
		if out.connections[variable] == nil {
			out.connections[variable] = map[string]string{}
		}
		out.connections[variable][input] = value
	}
	return nil
}

// over puts connection inputs that were given one by one over the ones an instance has, and returns all values to set. Secret inputs
// are never read, and stay on the server unless they are sent.
func (g given) over(before map[string]*headracev1.ConfigValue) (map[string]*headracev1.ConfigValue, error) {
	out := maps.Clone(g.values)
	for variable, inputs := range g.connections {
		base := out[variable]
		if base == nil && before[variable].GetSource() == headracev1.ConfigValue_SOURCE_INSTANCE {
			base = before[variable]
		}
		merged := map[string]json.RawMessage{}
		if text := valueText(base); text != "" && json.Unmarshal([]byte(text), &merged) != nil {
			return nil, usage("config variable %s is no connection: set it with --set or --set-json", variable)
		}
		if merged == nil { // it was null
			merged = map[string]json.RawMessage{}
		}
		for input, value := range inputs {
			text := &jsonWriter{}
			text.text(value)
			merged[input] = text.Bytes()
		}
		text, err := json.Marshal(merged)
		if err != nil {
			return nil, err
		}
		out[variable] = exactly(string(text))
	}
	return out, nil
}

// valueText is the JSON of a value, empty if there is none.
func valueText(v *headracev1.ConfigValue) string {
	switch kind := v.GetKind().(type) {
	case *headracev1.ConfigValue_Json:
		var out bytes.Buffer
		if json.Compact(&out, []byte(kind.Json)) != nil {
			return kind.Json
		}
		return out.String()
	case *headracev1.ConfigValue_Value:
		text, err := messageJSON(kind.Value)
		if err != nil {
			return err.Error()
		}
		return string(text)
	}
	return ""
}

// maskOf names the values that are set, one by one.
func maskOf(values map[string]*headracev1.ConfigValue) *fieldmaskpb.FieldMask {
	mask := &fieldmaskpb.FieldMask{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		mask.Paths = append(mask.Paths, "config_values."+name)
	}
	return mask
}

// configValues prints what an instance is set to. A secret is told to be there, never shown.
func (p *printer) configValues(values map[string]*headracev1.ConfigValue) {
	var rows [][]cell
	for _, name := range slices.Sorted(maps.Keys(values)) {
		rows = append(rows, append([]cell{{name, cyan}}, shown(values[name])...))
	}
	p.table("  ", nil, rows)
}

// shown are the cells of one value: what it is, and where it comes from.
func shown(v *headracev1.ConfigValue) []cell {
	value := text(excerpt(valueText(v), 80))
	var more []string
	if v.GetSecretSet() && len(v.GetSecretInputsSet()) == 0 {
		more = append(more, "secret, set")
	}
	for _, input := range v.GetSecretInputsSet() {
		more = append(more, input+" set")
	}
	if v.GetSource() == headracev1.ConfigValue_SOURCE_DEFAULT {
		more = append(more, "default")
	}
	if value.text == "" && len(more) == 0 {
		value = cell{"not set", dim}
	}
	return []cell{value, {strings.Join(more, ", "), dim}}
}
