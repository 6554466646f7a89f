package builtin

import (
	"context"
	"fmt"
	"time"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
)

// maxSleep bounds the input ms. A step has less time by default; this is for those who give it more.
const maxSleep = 15 * time.Minute

func sleep() *component.Component {
	return &component.Component{
		ID: "sleep", DisplayName: "Sleep", Description: "Wait before the flow goes on.",
		Actions: []component.Action{{
			Action: ipaas.Action{
				Key: "sleep", DisplayName: "Sleep", Effect: ipaas.EffectPure,
				Description: "Waits. A wait that is longer than the time the step has left fails it at once, instead of at the end of that time.",
				Output:      "Nothing.",
				Inputs: []ipaas.InputField{{
					Key: "ms", DisplayName: "Milliseconds", Type: ipaas.FieldNumber, Default: "1000",
					Description: "How long to wait, in milliseconds, 0 to 900000.",
				}},
			},
			Lasts: true,
			Perform: func(ctx context.Context, call component.Call) (component.Result, error) {
				return component.Result{}, rest(ctx, call.Inputs)
			},
		}},
	}
}

func rest(ctx context.Context, in component.Inputs) error {
	wait, err := milliseconds(in, "ms", maxSleep)
	if err != nil {
		return err
	}
	if component.Pause(ctx, wait) {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("the wait was cut short: %w", context.Cause(ctx))
	}
	deadline, _ := ctx.Deadline() // there is one: nothing else lets a pause end at once
	return fmt.Errorf("input %q is %d, and the step has only %d milliseconds left: wait less", "ms", wait.Milliseconds(), time.Until(deadline).Milliseconds())
}
