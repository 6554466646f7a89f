package compat_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// oracle says which steps of a flow run, one after the other, from the file alone: their order in it, the branch that the recorded inputs of
// a branch choose, as many rounds as a loop was given items, what breaks a loop and what ends the flow. It is compared with what ran.
type oracle struct {
	ran  []*headracev1.StepResult // without the trigger
	next int
}

// ending is how a list of steps ends.
type ending int

const (
	goesOn ending = iota
	breaks        // the innermost loop
	stops         // the execution
)

// check returns what is wrong with what ran.
func checkOrder(f docFlow, ex *headracev1.Execution) error {
	o := &oracle{}
	for _, s := range ex.GetStepResults() {
		if s.GetStepId() != "trigger" {
			o.ran = append(o.ran, s)
		}
	}
	if _, err := o.steps(f.steps, ""); err != nil {
		return err
	}
	if o.next < len(o.ran) {
		return fmt.Errorf("%s ran, and nothing was to run any more", o.ran[o.next].GetPath())
	}
	return nil
}

// rounds are the numbers of loop rounds in a path.
var rounds = regexp.MustCompile(`\[\d+\]`)

func (o *oracle) steps(steps []docStep, round string) (ending, error) {
	for _, s := range steps {
		if o.next >= len(o.ran) {
			return 0, fmt.Errorf("%q was to run in round %q, and nothing more ran", s.name, round)
		}
		r := o.ran[o.next]
		o.next++
		if at := strings.Join(rounds.FindAllString(r.GetPath(), -1), ""); r.GetDisplayName() != s.name || at != round {
			return 0, fmt.Errorf("%q was to run in round %q, and %s ran", s.name, round, r.GetPath())
		}
		if r.GetState() != headracev1.StepResult_STATE_SUCCEEDED {
			if s.inner { // what failed may be in it
				if _, err := o.loop(s, r, round); err != nil {
					return 0, err
				}
			}
			if s.ignores {
				continue
			}
			return stops, nil
		}
		ends, err := o.step(s, r, round)
		if err != nil || ends != goesOn {
			return ends, err
		}
	}
	return goesOn, nil
}

func (o *oracle) step(s docStep, r *headracev1.StepResult, round string) (ending, error) {
	switch {
	case s.component == "loop" && s.key == "breakLoop":
		return breaks, nil
	case s.component == "stop-execution":
		return stops, nil
	case len(s.branches) > 0:
		return o.branch(s, r, round)
	case s.inner:
		return o.loop(s, r, round)
	default:
		return goesOn, nil
	}
}

func (o *oracle) branch(s docStep, r *headracev1.StepResult, round string) (ending, error) {
	var inputs map[string]any
	if err := json.Unmarshal([]byte(r.GetInputsJson()), &inputs); err != nil {
		return 0, err
	}
	chosen := "Else"
	switch s.key {
	case "branchOnExpression":
		for _, pair := range pairs(inputs["conditions"]) {
			holds, err := condition(pair.value)
			if err != nil {
				return 0, fmt.Errorf("%q: %w", s.name, err)
			}
			if holds {
				chosen = pair.key
				break
			}
		}
	case "branchOnValue":
		for _, pair := range pairs(inputs["branchValueMappings"]) {
			if textOf(pair.value) == textOf(inputs["inputValue"]) {
				chosen = pair.key
				break
			}
		}
	default: // a stand-in's
		chosen = r.GetBranch()
	}
	if r.GetBranch() != chosen {
		return 0, fmt.Errorf("%q was to take the branch %q, and took %q with %s", s.name, chosen, r.GetBranch(), r.GetInputsJson())
	}
	for _, b := range s.branches {
		if b.name == chosen {
			return o.steps(b.steps, round)
		}
	}
	return goesOn, nil
}

type pair struct {
	key   string
	value any
}

// pairs reads named values, which are shown as an object, or as a list of objects with key and value where names may come twice.
func pairs(v any) []pair {
	var out []pair
	for key, one := range mapOf(v) {
		out = append(out, pair{key, one})
	}
	for _, one := range listOf(v) {
		out = append(out, pair{textOf(mapOf(one)["key"]), mapOf(one)["value"]})
	}
	return out
}

// condition decides the conditions that are usual in definitions, for values whose meaning nobody disputes.
func condition(v any) (bool, error) {
	list := listOf(v)
	if len(list) == 0 {
		return false, fmt.Errorf("the condition %v is none", v)
	}
	operator := textOf(list[0])
	if operator == "and" || operator == "or" {
		for _, one := range list[1:] {
			holds, err := condition(one)
			if err != nil || holds == (operator == "or") {
				return holds, err
			}
		}
		return operator == "and", nil
	}
	var left, right any
	if len(list) > 1 {
		left = list[1]
	}
	if len(list) > 2 {
		right = list[2]
	}
	a, b := number(left), number(right)
	switch operator {
	case "exists":
		return left != nil && left != "", nil
	case "doesNotExist":
		return left == nil || left == "", nil
	case "isEmpty":
		return isEmpty(left), nil
	case "isNotEmpty":
		return !isEmpty(left), nil
	case "isTrue":
		return textOf(left) == "true", nil
	case "isFalse":
		return textOf(left) == "false", nil
	case "equal":
		return textOf(left) == textOf(right), nil
	case "notEqual":
		return textOf(left) != textOf(right), nil
	case "greaterThan":
		return a > b, nil
	case "greaterThanOrEqual":
		return a >= b, nil
	case "lessThan":
		return a < b, nil
	case "lessThanOrEqual":
		return a <= b, nil
	case "in":
		for _, one := range listOf(right) {
			if textOf(one) == textOf(left) {
				return true, nil
			}
		}
		whole, isText := right.(string)
		return isText && strings.Contains(whole, textOf(left)), nil
	default:
		return false, fmt.Errorf("this oracle does not know the operator %s", operator)
	}
}

func number(v any) float64 {
	n, _ := strconv.ParseFloat(textOf(v), 64)
	return n
}

func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

func (o *oracle) loop(s docStep, r *headracev1.StepResult, round string) (ending, error) {
	var inputs map[string]any
	if err := json.Unmarshal([]byte(r.GetInputsJson()), &inputs); err != nil {
		return 0, err
	}
	n := 0
	switch s.key {
	case "loopNTimes":
		n = int(number(inputs["iterationCount"]))
	default:
		items := inputs["items"]
		if items == nil {
			items = inputs["collection"]
		}
		switch items := items.(type) {
		case []any:
			n = len(items)
		case map[string]any:
			n = len(items)
		}
	}
	for i := range n {
		ends, err := o.steps(s.steps, fmt.Sprintf("%s[%d]", round, i))
		if err != nil || ends == stops {
			return ends, err
		}
		if ends == breaks {
			break
		}
	}
	return goesOn, nil
}
