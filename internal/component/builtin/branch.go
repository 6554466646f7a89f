package builtin

import (
	"context"
	"fmt"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

func branch() *component.Component {
	return &component.Component{
		ID: "branch", DisplayName: "Branch", Description: "Choose one of several ways to go on.",
		Actions: []component.Action{
			{
				Action: ipaas.Action{
					Key: "branchOnExpression", DisplayName: "Branch on Expression", Effect: ipaas.EffectPure, Branches: true,
					Description: "Takes the first branch whose condition holds, else the branch `Else`.",
					Output:      "The name of the branch that is taken.",
					Inputs: []ipaas.InputField{{
						Key: "conditions", DisplayName: "Conditions", Type: ipaas.FieldConditions, Required: true,
						Description: "Conditions by branch name, in order. A condition is `[operator, left, right]`, or `and` or `or` followed by conditions. Operators of one value: " +
							"isTrue, isFalse, exists, doesNotExist, isEmpty, isNotEmpty; of two: equal, notEqual, exactlyMatches, doesNotExactlyMatch, greaterThan, greaterThanOrEqual, " +
							"lessThan, lessThanOrEqual, in, notIn, startsWith, doesNotStartWith, endsWith, doesNotEndWith, dateTimeAfter, dateTimeBefore, dateTimeSame. " +
							"Mind the order: `in` asks whether left is contained in right, and `startsWith` and `endsWith` whether right begins or ends with left. " +
							"As one `value` all of it is taken as it stands: give what refers to something as `complex`, whose items name the branches and whose items are the conditions, term by term.",
						Example: `{"complex": {"items": [{"name": "Urgent", "complex": {"items": [{"value": "equal"}, {"reference": "trigger.results.body.data.priority"}, {"value": "high"}]}}]}}`,
					}},
				},
				Perform: branchOnExpression, BranchNames: namesOf("conditions"),
			},
			{
				Action: ipaas.Action{
					Key: "branchOnValue", DisplayName: "Branch on Value", Effect: ipaas.EffectPure, Branches: true,
					Description: "Takes the first branch whose value is the input value, else the branch `Else`.",
					Output:      "The name of the branch that is taken.",
					Inputs: []ipaas.InputField{
						{
							Key: "inputValue", DisplayName: "Input Value", Type: ipaas.FieldData,
							Description: "The value that decides. Values are compared as texts, numbers by what they count.",
						},
						{
							Key: "branchValueMappings", DisplayName: "Branch Value Mappings", Collection: ipaas.CollectionKeyValueList, Required: true,
							Description: "The value of each branch, by branch name, in order.",
						},
					},
				},
				Perform: branchOnValue, BranchNames: namesOf("branchValueMappings"),
			},
			pure("selectExecutedStepResult", "Select Executed Step Result",
				"Brings branches together: of steps in different branches, of which only one ran, it gives the result.",
				"The first of the results that is there; nothing if none is.",
				selectExecuted, ipaas.InputField{
					Key: "stepResults", DisplayName: "Step Results", Type: ipaas.FieldData, Collection: ipaas.CollectionList, Required: true,
					Description: "References to the results of steps, in the order in which they are looked at. A step that did not run has none, nor has one that gave nothing.",
				}),
		},
	}
}

func branchOnExpression(_ context.Context, call component.Call) (component.Result, error) {
	conditions, err := namedConditions(call.Inputs.Value("conditions"))
	if err != nil {
		return component.Result{}, err
	}
	for _, c := range conditions {
		holds, err := evaluate(c.Value)
		if err != nil {
			return component.Result{}, fmt.Errorf("condition %q cannot be decided: %w", c.Key, err)
		}
		if holds {
			return chosen(c.Key), nil
		}
	}
	return chosen(ipaas.ElseBranch), nil
}

// namedConditions takes the input apart: a list of {key, value}, an object, or JSON text of either.
func namedConditions(v any) ([]component.Pair, error) {
	in, wrong := component.Resolve([]ipaas.InputField{{Key: "conditions", Type: ipaas.FieldConditions, Collection: ipaas.CollectionKeyValueList}},
		map[string]any{"conditions": v})
	if len(wrong) > 0 {
		return nil, fmt.Errorf("input %q %s", "conditions", wrong[0].Description)
	}
	return in.Pairs("conditions"), nil
}

func branchOnValue(_ context.Context, call component.Call) (component.Result, error) {
	v := call.Inputs.Value("inputValue")
	for _, p := range call.Inputs.Pairs("branchValueMappings") {
		if sameText(v, p.Value) {
			return chosen(p.Key), nil
		}
	}
	return chosen(ipaas.ElseBranch), nil
}

func selectExecuted(in component.Inputs) (any, error) {
	for _, result := range in.List("stepResults") {
		if result != nil {
			return result, nil
		}
	}
	return nil, nil
}

// sameText compares values as people write them: most come from forms, where all is text.
func sameText(a, b any) bool {
	x, y := value.Text(a), value.Text(b)
	if x == y {
		return true
	}
	m, ok := value.ParseNumber(x)
	n, ok2 := value.ParseNumber(y)
	return ok && ok2 && value.Equal(m, n)
}

func chosen(name string) component.Result { return component.Result{Data: name, Branch: name} }

// namesOf returns the branches that a list of named inputs may choose.
func namesOf(key string) func(map[string]ipaas.Input) []string {
	return func(inputs map[string]ipaas.Input) []string {
		input, ok := inputs[key]
		if !ok {
			return nil
		}
		names := []string{ipaas.ElseBranch}
		switch input.Kind {
		case ipaas.InputComplex:
			for _, item := range input.Items {
				if item.NameFrom != nil {
					return nil
				}
				names = append(names, item.Name)
			}
		case ipaas.InputValue, ipaas.InputJSON:
			v, err := value.Parse([]byte(input.Text))
			if err != nil {
				return nil
			}
			pairs, err := namedConditions(v)
			if err != nil {
				return nil
			}
			for _, p := range pairs {
				names = append(names, p.Key)
			}
		default:
			return nil
		}
		return names
	}
}
