package ipaas

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/headrace/headrace/internal/value"
)

// SecretFields tells which inputs of components are secrets.
type SecretFields interface {
	// SecretOfConnection reports whether an input of a connection type, component.key, is a secret. known is false for a type, or an
	// input of one, that nobody knows.
	SecretOfConnection(connectionType, key string) (secret, known bool)
	// SecretOfAction reports whether an input of an action or a trigger, component.key, is a secret.
	SecretOfAction(action, key string) bool
}

// RemoveSecrets takes out of a definition what is a secret, or looks like one where nobody knows: a definition is read by everybody. It
// returns what it took out, each with its path, its trouble and the way out. Nothing that it changes is shared with the definition before.
func (d *Definition) RemoveSecrets(known SecretFields) []Violation {
	c := &secretRemover{known: known}
	d.ConfigVariables = slices.Clone(d.ConfigVariables)
	for i := range d.ConfigVariables {
		c.variable(fmt.Sprintf("configVariables[%d]", i), &d.ConfigVariables[i])
	}
	d.Flows = slices.Clone(d.Flows)
	for i := range d.Flows {
		f, path := &d.Flows[i], fmt.Sprintf("flows[%d]", i)
		f.Trigger.Inputs = c.inputs(path+".trigger", f.Trigger.Type, f.Trigger.Inputs)
		f.Steps = c.steps(path+".steps", f.Steps, 1)
	}
	return c.removed
}

type secretRemover struct {
	known   SecretFields
	removed []Violation
}

func (c *secretRemover) add(path, format string, args ...any) {
	c.removed = append(c.removed, Violation{Field: path, Reason: ReasonMisplaced, Description: fmt.Sprintf(format, args...)})
}

func (c *secretRemover) variable(path string, v *ConfigVariable) {
	given, ok := v.DefaultValue()
	if !ok {
		return
	}
	at := path + "." + v.DefaultField()
	if v.Secret {
		v.Default = ""
		c.add(at, "config variable %q is a secret, and a secret has no default: set the value in each instance", value.Shorten(v.DisplayName))
		return
	}
	inputs, ok := given.(*value.Object)
	if v.Type != ConfigConnection || !ok {
		return
	}
	kept := value.Obj()
	for key, one := range inputs.All() {
		text := value.Text(one)
		secret, known := c.known.SecretOfConnection(v.ConnectionType, key)
		if text == "" || !secret && (known || !looksSecret(key)) && !secretText.MatchString(text) {
			kept.Set(key, one)
			continue
		}
		c.add(at+"."+key, "it is a secret, or looks like one, and a definition holds none: set it in each instance")
	}
	switch {
	case kept.Len() == 0:
		v.Default = ""
	case kept.Len() < inputs.Len():
		v.Default = string(value.JSON(kept))
	}
}

func (c *secretRemover) steps(path string, steps []Step, depth int) []Step {
	if depth > MaxStepDepth {
		return steps // Validate refuses them
	}
	steps = slices.Clone(steps)
	for i := range steps {
		s, at := &steps[i], fmt.Sprintf("%s[%d]", path, i)
		s.Inputs = c.inputs(at, s.Action, s.Inputs)
		s.Branches = slices.Clone(s.Branches)
		for j := range s.Branches {
			s.Branches[j].Steps = c.steps(fmt.Sprintf("%s.branches[%d].steps", at, j), s.Branches[j].Steps, depth+1)
		}
		s.Steps = c.steps(at+".steps", s.Steps, depth+1)
	}
	return steps
}

func (c *secretRemover) inputs(path, action string, inputs map[string]Input) map[string]Input {
	var kept map[string]Input
	for _, key := range slices.Sorted(maps.Keys(inputs)) {
		in := inputs[key]
		if !c.known.SecretOfAction(action, key) && !signsIn(in, 0) || !holdsLiteral(in, 0) {
			continue
		}
		if kept == nil {
			kept = maps.Clone(inputs)
		}
		delete(kept, key)
		c.add(path+".inputs."+key, "it holds a secret, and a definition holds none: put it into a config variable that is one")
	}
	if kept == nil {
		return inputs
	}
	return kept
}

// holdsLiteral reports whether something of an input is written in the definition itself.
func holdsLiteral(in Input, depth int) bool {
	switch in.Kind {
	case InputValue, InputJSON:
		return in.Text != `""` && in.Text != "null" && in.Text != ""
	case InputTemplate:
		return !strings.Contains(in.Text, "{{#") && !strings.Contains(in.Text, "{{$")
	case InputComplex:
		return depth <= MaxInputDepth && slices.ContainsFunc(in.Items, func(one Input) bool { return holdsLiteral(one, depth+1) })
	default:
		return false
	}
}

// signsIn reports whether an input is a literal that nobody would write down but to sign in: a private key, or the header for it.
func signsIn(in Input, depth int) bool {
	switch in.Kind {
	case InputValue, InputJSON, InputTemplate:
		if strings.EqualFold(in.Name, "authorization") || strings.EqualFold(in.Name, "proxy-authorization") {
			return holdsLiteral(in, depth)
		}
		return strings.Contains(in.Text, "PRIVATE KEY-----") && secretText.MatchString(in.Text)
	case InputComplex:
		return depth <= MaxInputDepth && slices.ContainsFunc(in.Items, func(one Input) bool { return signsIn(one, depth+1) })
	default:
		return false
	}
}

// secretText finds what nobody would write down but a secret: a private key, a URL with a password.
var secretText = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\\nr]*[A-Za-z0-9+/]{32}|://[^/\s:@{}]+:[^/\s@{}]+@`)

// looksSecret reports whether an input of a connection that nobody knows is a secret by its key.
func looksSecret(key string) bool {
	words := wordsOf(key)
	if len(words) == 0 || slices.Contains(openEndings, words[len(words)-1]) {
		return false
	}
	if slices.ContainsFunc(words, func(word string) bool { return slices.Contains(secretWords, word) }) {
		return true
	}
	joined := strings.Join(words, "")
	return slices.ContainsFunc(secretParts, func(part string) bool { return strings.Contains(joined, part) })
}

var (
	// Where a token comes from is no secret, nor is what can be done with it.
	openEndings = []string{"url", "uri", "endpoint", "type", "host", "path", "scope", "scopes", "expiration", "algorithm"}
	secretWords = []string{
		"password", "passwd", "pwd", "pass", "secret", "secrets", "token", "tokens", "key", "credential", "credentials", "pem", "pat", "bearer",
		"authorization", "pin", "cookie", "signature", "salt",
	}
	secretParts = []string{"password", "secret", "apikey", "privatekey", "accesskey", "signingkey", "encryptionkey", "sharedkey", "authkey", "passphrase", "token"}
)

// wordsOf splits a key as people write them, clientSecret, client_secret or Client Secret, into its words in lower case.
func wordsOf(key string) []string {
	var spaced strings.Builder
	lower := false
	for _, r := range key {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			r = ' '
		case unicode.IsUpper(r) && lower:
			spaced.WriteByte(' ')
		}
		lower = unicode.IsLower(r) || unicode.IsDigit(r)
		spaced.WriteRune(unicode.ToLower(r))
	}
	return strings.Fields(spaced.String())
}
