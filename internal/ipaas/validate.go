package ipaas

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/headrace/headrace/internal/value"
)

// The bounds of a definition.
const (
	MaxFlows            = 100
	MaxConfigVariables  = 100
	MaxConfigPages      = 50
	MaxConfigElements   = 200
	MaxSteps            = 1000   // of one flow, nested ones included
	MaxDefinitionSteps  = 10_000 // of all flows
	MaxStepDepth        = 16     // how deep branches and loops may nest
	MaxNameLength       = 200
	MaxLabels           = 64
	MaxDeployTimeout    = 15 * time.Minute
	MinDeployTimeout    = time.Second
	maxLabelKeyLength   = 63
	maxLabelValueLength = 255
)

// Validate returns all that is malformed in a normalised definition: what must be refused even in a draft. What is merely unresolved, such
// as an action nobody knows, is no violation. Paths are spelled as in the JSON of the API, e.g. flows[2].steps[0].inputs.url.
func (d *Definition) Validate() []Violation {
	c := &checker{}
	c.name("", "displayName", "the integration", d.DisplayName)
	c.found = append(c.found, validateLabels("labels", d.Labels)...)
	c.flows(d)
	c.configVariables(d.ConfigVariables)
	c.configPages(d.ConfigPages)
	c.deploy(d.Deploy)
	if d.Endpoint != nil {
		c.endpoint("endpoint", d)
	}
	return c.found
}

// ValidateNamed returns what is wrong with what every resource has: an id, a display name and labels. noun says what it is.
func ValidateNamed(noun, id, displayName string, labels map[string]string) []Violation {
	c := &checker{}
	c.name("", "displayName", "the "+noun, displayName)
	if !ValidID(id) {
		c.add("id", ReasonMalformed, "must be lower-case letters, digits and single hyphens, at most %d characters", MaxIDLength)
	}
	return append(c.found, validateLabels("labels", labels)...)
}

// validateLabels returns what is wrong with labels that stand at path.
func validateLabels(path string, labels map[string]string) []Violation {
	c := &checker{}
	if len(labels) > MaxLabels {
		c.add(path, ReasonTooLarge, "there are %d labels: keep at most %d", len(labels), MaxLabels)
	}
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		at := path + "." + key
		switch {
		case strings.TrimSpace(key) == "":
			c.add(at, ReasonRequired, "a label has an empty key: give it one")
		case hasControl(key), hasControl(labels[key]):
			c.add(at, ReasonMalformed, "label %q holds a line break or another control character: remove it", value.Shorten(key))
		case utf8.RuneCountInString(key) > maxLabelKeyLength:
			c.add(at, ReasonTooLarge, "the key of label %q has more than %d characters: shorten it", value.Shorten(key), maxLabelKeyLength)
		case utf8.RuneCountInString(labels[key]) > maxLabelValueLength:
			c.add(at, ReasonTooLarge, "the value of label %q has more than %d characters: shorten it", key, maxLabelValueLength)
		}
	}
	return c.found
}

// checker collects violations.
type checker struct{ found []Violation }

func (c *checker) add(path string, reason Reason, format string, args ...any) {
	c.found = append(c.found, Violation{Field: path, Reason: reason, Description: fmt.Sprintf(format, args...)})
}

// name checks a name people see; noun says whose it is. It reports whether it is one.
func (c *checker) name(path, field, noun, name string) bool {
	at := join(path, field)
	switch {
	case strings.TrimSpace(name) == "":
		c.add(at, ReasonRequired, "%s has no name: give it one", noun)
	case hasControl(name):
		c.add(at, ReasonMalformed, "the name %q holds a line break or another control character: remove it", value.Shorten(name))
	case utf8.RuneCountInString(name) > MaxNameLength:
		c.add(at, ReasonTooLarge, "the name %q has more than %d characters: shorten it", value.Shorten(name), MaxNameLength)
	default:
		return true
	}
	return false
}

// unique remembers what was seen where and complains of what is seen again.
type unique map[string]string

func (c *checker) unique(seen unique, at, owner, what, text string) {
	if text == "" {
		return
	}
	if first, ok := seen[text]; ok {
		c.add(at, ReasonDuplicate, "%s %q is that of %s already: choose another", what, value.Shorten(text), first)
		return
	}
	seen[text] = owner
}

func (c *checker) id(at, id string) {
	if id == "" {
		c.add(at, ReasonRequired, "an id is missing: give one of lower-case letters, digits and single hyphens")
		return
	}
	if !ValidID(id) {
		c.add(at, ReasonMalformed, "the id %q is malformed: use lower-case letters, digits and single hyphens, at most %d", value.Shorten(id), MaxIDLength)
	}
}

// qualified is how actions, triggers and connection types are named: component.key. Components of other products have capital letters.
var qualified = regexp.MustCompile(`^[A-Za-z0-9]+([-_][A-Za-z0-9]+)*\.[A-Za-z][A-Za-z0-9_-]*$`)

func (c *checker) qualified(at, what, name, example string) {
	if name != "" && !qualified.MatchString(name) {
		c.add(at, ReasonMalformed, "the %s %q is malformed: give component and key, e.g. %s", what, value.Shorten(name), example)
	}
}

func (c *checker) atMost(at, what string, n, most int) {
	if n > most {
		c.add(at, ReasonTooLarge, "there are %d %s: keep at most %d", n, what, most)
	}
}

func (c *checker) configVariables(variables []ConfigVariable) {
	c.atMost("configVariables", "config variables", len(variables), MaxConfigVariables)
	names, ids, stable := unique{}, unique{}, unique{}
	owner := make(map[string]int, len(variables))
	for i := range variables {
		owner[variables[i].ID] = i
	}
	for i := range variables {
		v, path := &variables[i], fmt.Sprintf("configVariables[%d]", i)
		c.id(path+".id", v.ID)
		c.unique(ids, path+".id", path, "the id", v.ID)
		if c.name(path, "displayName", "the config variable", v.DisplayName) {
			c.unique(names, path+".displayName", path, "the display name", v.DisplayName)
		}
		c.stableKey(stable, path, v.StableKey)
		if j, ok := owner[v.DisplayName]; ok && j != i {
			// Inputs may name a variable either way: it must be clear which one is meant.
			c.add(path+".displayName", ReasonDuplicate, "the display name %q is the id of configVariables[%d]: choose another", v.DisplayName, j)
		}
		c.configVariable(path, v)
	}
}

var (
	configTypes = []ConfigType{
		"", ConfigString, ConfigText, ConfigNumber, ConfigBoolean, ConfigPicklist, ConfigDate, ConfigTimestamp, ConfigCode,
		ConfigSchedule, ConfigJSON, ConfigConnection,
	}
	collections = []Collection{"", CollectionList, CollectionKeyValueList}
	policies    = []FailurePolicy{"", Rollback, Keep}
	bodyKinds   = []BodyKind{"", BodyText, BodyJSON, BodyBinary}
)

func (c *checker) configVariable(path string, v *ConfigVariable) {
	if !slices.Contains(configTypes, v.Type) {
		c.add(path+".type", ReasonNotAChoice, "the type %q is unknown: give one of %s", v.Type, list(configTypes))
	}
	if !slices.Contains(collections, v.Collection) {
		c.add(path+".collection", ReasonNotAChoice, "the collection %q is unknown: give one of %s", v.Collection, list(collections))
	}
	c.defaultValue(path, v)
	c.choices(path, v)
	c.connection(path, v)
}

// DefaultField is the name of the field in which the default was written.
func (v *ConfigVariable) DefaultField() string {
	if v.DefaultJSON {
		return "defaultValueJson"
	}
	return "defaultValue"
}

func (c *checker) defaultValue(path string, v *ConfigVariable) {
	if v.Default == "" {
		return
	}
	at := path + "." + v.DefaultField()
	if v.Secret {
		c.add(at, ReasonMisplaced, "config variable %q is a secret, and a secret has no default: remove the default, and set the value in each instance", v.DisplayName)
		return
	}
	if _, err := value.Parse([]byte(v.Default)); err != nil {
		c.add(at, ReasonMalformed, "the default of config variable %q is not JSON: %v", v.DisplayName, err)
	}
}

func (c *checker) choices(path string, v *ConfigVariable) {
	at := path + ".choices"
	if v.Type != ConfigPicklist {
		if len(v.Choices) > 0 {
			c.add(at, ReasonMisplaced, "config variable %q has choices, but only a PICKLIST can: remove them, or make it one", v.DisplayName)
		}
		return
	}
	if len(v.Choices) == 0 {
		c.add(at, ReasonRequired, "config variable %q is a PICKLIST without choices: add some", v.DisplayName)
	}
	seen := unique{}
	for i, choice := range v.Choices {
		item := fmt.Sprintf("%s[%d]", at, i)
		if strings.TrimSpace(choice) == "" {
			c.add(item, ReasonRequired, "a choice of config variable %q is empty: remove it, or say what can be chosen", v.DisplayName)
			continue
		}
		c.unique(seen, item, item, "the choice", choice)
	}
}

func (c *checker) connection(path string, v *ConfigVariable) {
	at := path + ".connectionType"
	if v.Type != ConfigConnection {
		if v.ConnectionType != "" {
			c.add(at, ReasonMisplaced, "config variable %q has a connection type, but is no CONNECTION: remove it, or make it one", v.DisplayName)
		}
		if v.SharedConnection != "" {
			c.add(path+".sharedConnection", ReasonMisplaced, "config variable %q was a shared connection, but is no CONNECTION: remove it, or make it one",
				v.DisplayName)
		}
		return
	}
	if v.ConnectionType == "" {
		c.add(at, ReasonRequired, "config variable %q is a CONNECTION without a connection type: name one, e.g. acme-erp.apiKey", v.DisplayName)
	}
	c.qualified(at, "connection type", v.ConnectionType, "acme-erp.apiKey")
	if v.Collection != "" {
		c.add(path+".collection", ReasonMisplaced, "config variable %q is a CONNECTION, and a connection is always single: remove the collection", v.DisplayName)
	}
}

func (c *checker) configPages(pages []ConfigPage) {
	c.atMost("configPages", "config pages", len(pages), MaxConfigPages)
	ids := unique{}
	for i := range pages {
		p, path := &pages[i], fmt.Sprintf("configPages[%d]", i)
		c.id(path+".id", p.ID)
		c.unique(ids, path+".id", path, "the id", p.ID)
		c.name(path, "title", "the config page", p.Title)
		c.atMost(path+".elements", "elements", len(p.Elements), MaxConfigElements)
		for j, e := range p.Elements {
			if (e.Heading == "") == (e.ConfigVariable == "") {
				c.add(fmt.Sprintf("%s.elements[%d]", path, j), ReasonRequired, "the element is a heading or a config variable: give exactly one of them")
			}
		}
	}
}

func (c *checker) deploy(s DeploySettings) {
	if !slices.Contains(policies, s.Policy) {
		c.add("deploySettings.failurePolicy", ReasonNotAChoice, "the failure policy %q is unknown: give one of %s", s.Policy, list(policies))
	}
	if s.Timeout != 0 && (s.Timeout < MinDeployTimeout || s.Timeout > MaxDeployTimeout) {
		c.add("deploySettings.timeout", ReasonMalformed, "the timeout of deployments is %s: give one from %s to %s, or none for %s",
			s.Timeout, MinDeployTimeout, MaxDeployTimeout, DefaultDeployTimeout)
	}
}

// list writes the choices of a closed set, without its zero value.
func list[T ~string](set []T) string {
	var b strings.Builder
	for _, s := range set {
		if s == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(s))
	}
	return b.String()
}

func join(path, field string) string {
	if path == "" {
		return field
	}
	return path + "." + field
}

// hasControl reports whether a text holds a control character: one that would end a line, or a header.
func hasControl(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}
