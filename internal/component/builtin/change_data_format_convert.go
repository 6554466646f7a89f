package builtin

import (
	"fmt"
	"math"
	"strings"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// converters are the actions that make a value one of another type.
func converters() []component.Action {
	field := func(what string) []ipaas.InputField {
		return []ipaas.InputField{{Key: "value", DisplayName: "Value", Type: ipaas.FieldData, Description: "The value to be converted to " + what + "."}}
	}
	return []component.Action{
		dataAction("convertToString", "Convert To String", "Converts a value to a text: numbers by their digits, lists and objects as JSON, nothing as an empty text, "+
			"bytes as UTF-8 or else as base64.", "The text.", field("a text"),
			func(in component.Inputs) (any, error) { return in.Text("value"), nil }),
		dataAction("convertToNumber", "Convert To Number", "Converts a value to a number: a text that is one, true to 1 and false to 0. Nothing and an empty text are 0. The digits stay as they are.",
			"The number.", field("a number"), func(in component.Inputs) (any, error) { return convertNumber(in.Value("value")) }),
		dataAction("convertToInt", "Convert To Integer", "Converts a value to a whole number as convertToNumber does and cuts off what follows the decimal point.",
			"The number.", field("a whole number"), convertInteger),
		dataAction("convertToBoolean", "Convert To Boolean", "Converts a value to a boolean. True are true, t, yes, y, on, 1 and numbers other than 0, in any case; "+
			"false are false, f, no, n, off, 0, an empty text and nothing.", "The boolean.", field("a boolean"), convertBoolean),
	}
}

func convertNumber(v any) (value.Number, error) {
	switch v := v.(type) {
	case value.Number:
		return v, nil
	case nil:
		return "0", nil
	case bool:
		if v {
			return "1", nil
		}
		return "0", nil
	case string, value.Bytes:
		text := strings.TrimPrefix(strings.TrimSpace(value.Text(v)), "+")
		if text == "" {
			return "0", nil
		}
		if n, ok := value.ParseNumber(text); ok {
			return n, nil
		}
		return "", fmt.Errorf("input %q is a text that is no number: give digits, with a point before decimals", "value")
	default:
		return "", wrongKind("value", v, "a number, a text or a boolean")
	}
}

func convertInteger(in component.Inputs) (any, error) {
	n, err := convertNumber(in.Value("value"))
	if err != nil {
		return nil, err
	}
	if i, ok := n.Int64(); ok {
		return value.FromInt(i), nil
	}
	if !strings.ContainsAny(string(n), "eE") {
		whole, _, _ := strings.Cut(string(n), ".")
		if whole == "-0" {
			whole = "0"
		}
		return value.Number(whole), nil
	}
	f, ok := n.Float64()
	if !ok || math.Abs(f) > 1<<53 {
		return nil, fmt.Errorf("input %q has an exponent too large for a whole number: write out its digits", "value")
	}
	return value.FromInt(int64(f)), nil
}

func convertBoolean(in component.Inputs) (any, error) {
	switch v := in.Value("value").(type) {
	case bool:
		return v, nil
	case nil:
		return false, nil
	case value.Number:
		c, ok := v.Compare("0")
		return !ok || c != 0, nil
	case string, value.Bytes:
		switch strings.ToLower(strings.TrimSpace(value.Text(v))) {
		case "true", "t", "yes", "y", "on", "1":
			return true, nil
		case "false", "f", "no", "n", "off", "0", "":
			return false, nil
		}
		return nil, fmt.Errorf("input %q is a text that is neither true nor false: give one of those, yes, no, 1 or 0", "value")
	default:
		return nil, wrongKind("value", v, "a boolean, a number or a text")
	}
}
