package ipaas

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/value"
)

// DefaultValue returns the default, and whether there is one.
func (v *ConfigVariable) DefaultValue() (any, bool) {
	if v.Default == "" {
		return nil, false
	}
	d, err := value.Parse([]byte(v.Default))
	return d, err == nil // Validate refuses a default that is not JSON
}

// Check returns what is wrong with a value of the variable, nothing for no value: whether one is required is another question.
// Field is the path below the value: empty for the value itself, [2] for an item of a list, .name for a named one.
//
// Values are kept exactly as they were given. A NUMBER may be given as a text that is a number and a BOOLEAN as the text true or
// false: forms and environments have nothing but texts, and the input that takes the value in the end turns it into what it needs.
// Of a CONNECTION only the outer shape is checked; its inputs are known to its connection type.
func (v *ConfigVariable) Check(val any) []Violation {
	if val == nil {
		return nil
	}
	switch v.Collection {
	case CollectionList:
		return v.checkList(val)
	case CollectionKeyValueList:
		return v.checkPairs(val)
	default:
		return v.checkOne("", val)
	}
}

func (v *ConfigVariable) checkList(val any) []Violation {
	items, ok := val.([]any)
	if !ok {
		return v.wrong("", ReasonWrongType, "%s: give a list", value.Kind(val))
	}
	var found []Violation
	for i, item := range items {
		found = append(found, v.checkOne(fmt.Sprintf("[%d]", i), item)...)
	}
	return found
}

func (v *ConfigVariable) checkPairs(val any) []Violation {
	o, ok := val.(*value.Object)
	if !ok {
		return v.wrong("", ReasonWrongType, "%s: give an object of named values", value.Kind(val))
	}
	var found []Violation
	for name, item := range o.All() {
		if strings.TrimSpace(name) == "" {
			found = append(found, v.wrong("."+name, ReasonRequired, "a value with an empty name: give it one")...)
			continue
		}
		found = append(found, v.checkOne("."+name, item)...)
	}
	return found
}

// wrong is one violation. The text goes on where "config variable x is" ends.
func (v *ConfigVariable) wrong(path string, reason Reason, format string, args ...any) []Violation {
	what := fmt.Sprintf("config variable %q is ", v.DisplayName)
	if path != "" {
		what = fmt.Sprintf("%s of config variable %q is ", strings.TrimPrefix(path, "."), v.DisplayName)
	}
	return []Violation{{Field: path, Reason: reason, Description: what + fmt.Sprintf(format, args...)}}
}

func (v *ConfigVariable) checkOne(path string, val any) []Violation {
	switch v.Type {
	case ConfigNumber:
		return v.checkNumber(path, val)
	case ConfigBoolean:
		return v.checkBoolean(path, val)
	case ConfigJSON:
		return nil
	case ConfigConnection:
		if _, ok := val.(*value.Object); !ok {
			return v.wrong(path, ReasonWrongType, "%s: give an object with the inputs of connection type %s", value.Kind(val), v.ConnectionType)
		}
		return nil
	}
	text, ok := val.(string)
	if !ok {
		return v.wrong(path, ReasonWrongType, "%s: give a text", value.Kind(val))
	}
	return v.checkText(path, text)
}

func (v *ConfigVariable) checkNumber(path string, val any) []Violation {
	if text, ok := val.(string); ok {
		if n, err := value.Parse([]byte(strings.TrimSpace(text))); err == nil {
			val = n
		}
	}
	if _, ok := val.(value.Number); !ok {
		return v.wrong(path, ReasonWrongType, "%s: give a number", v.describe(val))
	}
	return nil
}

func (v *ConfigVariable) checkBoolean(path string, val any) []Violation {
	switch val := val.(type) {
	case bool:
		return nil
	case string:
		if text := strings.ToLower(strings.TrimSpace(val)); text == "true" || text == "false" {
			return nil
		}
	}
	return v.wrong(path, ReasonWrongType, "%s: give true or false", v.describe(val))
}

// checkText checks a value of the types that are written as text.
func (v *ConfigVariable) checkText(path, text string) []Violation {
	shown := v.describe(text)
	switch v.Type {
	case ConfigText, ConfigCode:
		return nil
	case ConfigPicklist:
		if !slices.Contains(v.Choices, text) {
			return v.wrong(path, ReasonNotAChoice, "%s: give one of %s", shown, strings.Join(v.Choices, ", "))
		}
	case ConfigDate:
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return v.wrong(path, ReasonWrongType, "%s: give a date such as 2026-01-31", shown)
		}
	case ConfigTimestamp:
		if _, err := time.Parse(time.RFC3339, text); err != nil {
			return v.wrong(path, ReasonWrongType, "%s: give a moment by RFC 3339, such as 2026-01-31T08:00:00Z", shown)
		}
	case ConfigSchedule:
		err := checkSchedule(text)
		if err != nil && v.Secret {
			return v.wrong(path, ReasonWrongType, "no schedule: give a cron expression of five fields, e.g. 0 8 * * 1-5, or an interval, e.g. every 15m")
		}
		if err != nil {
			return v.wrong(path, ReasonWrongType, "%s, which is no schedule: %v", shown, err)
		}
	default:
		if strings.ContainsAny(text, "\r\n") {
			return v.wrong(path, ReasonWrongType, "a text of several lines: give one line, or make it a TEXT")
		}
	}
	return nil
}

// describe shows a value in a message: which kind, and for a text what it says, unless the variable is a secret: messages are
// answered and logged.
func (v *ConfigVariable) describe(val any) string {
	if text, ok := val.(string); ok && !v.Secret {
		return fmt.Sprintf("the text %q", value.Shorten(text))
	}
	return value.Kind(val)
}
