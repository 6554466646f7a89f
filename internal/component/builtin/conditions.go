package builtin

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/headrace/headrace/internal/value"
)

// evaluate decides a condition: `["and"|"or", condition…]` or `[operator, left, right]`. The meaning of each operator is that of
// Prismatic, whose definitions are imported: a text that is JSON counts as what it says, and unlike kinds are compared as JavaScript
// compares them. All operators are checked before anything is decided; then `and` and `or` stop where the outcome is known.
func evaluate(condition any) (bool, error) {
	if err := checkCondition(condition); err != nil {
		return false, err
	}
	return decide(condition)
}

// checkCondition refuses what is no condition, however deep it stands.
func checkCondition(condition any) error {
	list, ok := condition.([]any)
	if !ok || len(list) == 0 {
		return fmt.Errorf("%s is no condition: give [operator, left, right], or and/or followed by conditions", value.Kind(condition))
	}
	name, ok := list[0].(string)
	if !ok {
		return fmt.Errorf("a condition begins with %s: begin it with an operator", value.Kind(list[0]))
	}
	if name == "and" || name == "or" {
		for _, inner := range list[1:] {
			if err := checkCondition(inner); err != nil {
				return err
			}
		}
		return nil
	}
	if unary[name] == nil && binary[name] == nil {
		return fmt.Errorf("operator %q is unknown", value.Shorten(name))
	}
	return nil
}

func decide(condition any) (bool, error) {
	list, _ := condition.([]any)
	name, _ := list[0].(string)
	if name == "and" || name == "or" {
		return decideAll(list[1:], name == "or")
	}
	left, right := term(list, 1), term(list, 2)
	var holds bool
	var err error
	if one := unary[name]; one != nil {
		holds, err = one(left)
	} else {
		holds, err = binary[name](left, right)
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	return holds, nil
}

// decideAll goes on until one condition is as decisive says: true for or, false for and.
func decideAll(conditions []any, decisive bool) (bool, error) {
	for _, c := range conditions {
		holds, err := decide(c)
		if err != nil || holds == decisive {
			return holds, err
		}
	}
	return !decisive, nil
}

// operand is a term of a condition.
type operand struct {
	raw    any
	parsed any // raw, but a text that is JSON is what it says
}

// absent is a term that is not there: like nothing, but not the same, and no number.
type absent struct{}

func term(list []any, i int) operand {
	if i >= len(list) {
		return operand{raw: absent{}, parsed: absent{}}
	}
	raw := list[i]
	if b, ok := raw.(value.Bytes); ok {
		raw = value.Text(b)
	}
	text, ok := raw.(string)
	if !ok {
		return operand{raw: raw, parsed: raw}
	}
	parsed, err := value.Parse([]byte(text))
	if err != nil {
		parsed = text
	}
	return operand{raw: raw, parsed: parsed}
}

func isAbsent(v any) bool { _, ok := v.(absent); return ok }

func termKind(x operand) string {
	if isAbsent(x.raw) {
		return "a term that is missing"
	}
	return value.Kind(x.parsed)
}

var unary = map[string]func(operand) (bool, error){
	"isTrue":       func(x operand) (bool, error) { return isTrue(x.parsed), nil },
	"isFalse":      func(x operand) (bool, error) { return !isTrue(x.parsed), nil },
	"exists":       func(x operand) (bool, error) { return truthy(x.parsed), nil },
	"doesNotExist": func(x operand) (bool, error) { return !truthy(x.parsed), nil },
	"isEmpty":      isEmpty,
	"isNotEmpty":   not1(isEmpty),
}

var binary = map[string]func(left, right operand) (bool, error){
	"equal":               equal,
	"notEqual":            not(equal),
	"exactlyMatches":      exactlyMatches,
	"doesNotExactlyMatch": not(exactlyMatches),
	"greaterThan":         ordered(func(c int) bool { return c > 0 }),
	"greaterThanOrEqual":  ordered(func(c int) bool { return c >= 0 }),
	"lessThan":            ordered(func(c int) bool { return c < 0 }),
	"lessThanOrEqual":     ordered(func(c int) bool { return c <= 0 }),
	"in":                  in,
	"notIn":               not(in),
	"startsWith":          startsWith,
	"doesNotStartWith":    not(startsWith),
	"endsWith":            endsWith,
	"doesNotEndWith":      not(endsWith),
	"dateTimeAfter":       dated(func(c int) bool { return c > 0 }),
	"dateTimeBefore":      dated(func(c int) bool { return c < 0 }),
	"dateTimeSame":        dated(func(c int) bool { return c == 0 }),
}

func not(f func(left, right operand) (bool, error)) func(left, right operand) (bool, error) {
	return func(left, right operand) (bool, error) {
		holds, err := f(left, right)
		return !holds && err == nil, err
	}
}

func not1(f func(operand) (bool, error)) func(operand) (bool, error) {
	return func(x operand) (bool, error) {
		holds, err := f(x)
		return !holds && err == nil, err
	}
}

// isTrue knows the words for yes and no; any other text is true if it is not empty.
func isTrue(v any) bool {
	if text, ok := v.(string); ok && slices.Contains([]string{"f", "false", "n", "no"}, strings.ToLower(text)) {
		return false
	}
	return truthy(v)
}

func isEmpty(x operand) (bool, error) {
	if list, ok := x.parsed.([]any); ok {
		return len(list) == 0, nil
	}
	if text, ok := x.raw.(string); ok {
		return text == "", nil
	}
	return false, fmt.Errorf("%s can be neither empty nor not: give a list or a text, or ask with exists whether it is there", termKind(x))
}

func equal(left, right operand) (bool, error) {
	return looselyEqual(left.parsed, right.parsed) || deepEqual(left.parsed, right.parsed), nil
}

func exactlyMatches(left, right operand) (bool, error) {
	if isAbsent(left.parsed) || isAbsent(right.parsed) {
		return isAbsent(left.parsed) && isAbsent(right.parsed), nil
	}
	return value.Equal(left.parsed, right.parsed), nil
}

// ordered compares texts with texts by their characters, everything else as numbers. With what is no number nothing holds.
func ordered(wanted func(c int) bool) func(left, right operand) (bool, error) {
	return func(left, right operand) (bool, error) {
		c, ok := compare(left.parsed, right.parsed)
		return ok && wanted(c), nil
	}
}

// in reports whether right, a text, a list or an object, has left as a part, an item or a key.
func in(left, right operand) (bool, error) {
	switch container := right.parsed.(type) {
	case string:
		return strings.Contains(container, text(left.raw)), nil
	case []any:
		return slices.ContainsFunc(container, func(item any) bool { return same(item, left.raw) || same(item, left.parsed) }), nil
	case *value.Object:
		_, ok := container.Get(text(left.raw))
		return ok, nil
	default:
		return false, fmt.Errorf("nothing can be contained in %s: give a text, a list or an object on the right", termKind(right))
	}
}

// startsWith asks whether left starts right, as its name reads between its two terms in Prismatic.
func startsWith(left, right operand) (bool, error) {
	return strings.HasPrefix(text(right.parsed), text(left.parsed)), nil
}

func endsWith(left, right operand) (bool, error) {
	return strings.HasSuffix(text(right.parsed), text(left.parsed)), nil
}

func dated(wanted func(c int) bool) func(left, right operand) (bool, error) {
	return func(left, right operand) (bool, error) {
		a, err := dateOf(left.parsed)
		if err != nil {
			return false, err
		}
		b, err := dateOf(right.parsed)
		if err != nil {
			return false, err
		}
		if !a.valid || !b.valid {
			return false, nil
		}
		return wanted(compareInts(a.millis, b.millis)), nil
	}
}

func compareInts(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

var errNoDate = errors.New("give a date such as 2026-01-31 or 2026-01-31T12:00:00Z, or seconds since 1970")

func noDate(v any) error {
	return fmt.Errorf("%s is no date: %w", strconv.Quote(value.Shorten(text(v))), errNoDate)
}
