package component

import "fmt"

// Update makes an object that action created be what it would be with these inputs. result is what is recorded of its creation; what
// it is from now on is returned. Among the inputs must be the connection.
func Update(c *Component, action *Action, inputs Inputs, result any, do Do) (any, error) {
	update := action.Update
	if update == nil {
		return nil, fmt.Errorf("action %q declares no update", action.Key)
	}
	change := c.Action(update.Action)
	if change == nil {
		return nil, fmt.Errorf("update of action %q: component %s has no action %q", action.Key, c.ID, update.Action)
	}
	given := inputs.Object()
	raw, err := evalAll(update.Inputs, Roots{"inputs": given, "result": result})
	if err != nil {
		return nil, fmt.Errorf("update of action %q: %w", action.Key, err)
	}
	in, err := PassOn(change, raw, inputs)
	if err != nil {
		return nil, err
	}
	updated, err := do(change, in)
	if err != nil || update.Result == "" {
		return result, err
	}
	return eval(update.Result, Roots{"updated": updated, "result": result, "inputs": given})
}

// Undo removes an object that action created. Among the inputs must be the connection.
func Undo(c *Component, action *Action, inputs Inputs, result any, do Do) error {
	raw, err := UndoInputs(action, result, inputs)
	if err != nil {
		return err
	}
	undo := c.Action(action.Undo.Action)
	if undo == nil {
		return fmt.Errorf("component %s has no action %s to undo with", c.ID, action.Undo.Action)
	}
	in, err := PassOn(undo, raw, inputs)
	if err != nil {
		return err
	}
	_, err = do(undo, in)
	return err
}
