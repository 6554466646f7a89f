package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
)

// maxCreates is how often a creation is called whose answers are lost, with a look for the object in between.
const maxCreates = 2

// create makes the remote object of a step be there: kept, updated, found or created. Each is announced before and recorded after.
func (r *runner) create(ctx context.Context, s *step, at Step) (Done, error) {
	c, err := r.creation(s, at)
	if err != nil {
		return Done{Error: err.Error()}, nil //nolint:nilerr // it fails the step
	}
	decision, err := r.host.Intent(context.WithoutCancel(ctx), *c)
	if err != nil {
		return Done{}, fmt.Errorf("announce step %s: %w", at.Path, err)
	}
	if decision.Kept {
		return Done{Result: decision.Result}, nil
	}
	c.ID = decision.ID
	m := &making{r: r, c: c, decision: decision, log: &logbook{path: at.Path, now: r.now}}
	var result component.Result
	err = r.guard(ctx, s, func(ctx context.Context) (err error) {
		result.Data, err = m.make(ctx)
		return err
	})
	if m.refused != nil {
		return Done{}, fmt.Errorf("announce step %s: %w", at.Path, m.refused)
	}
	var done Done
	if err == nil {
		done, err = r.performed(s, at, result)
	}
	if err != nil {
		if done, err = r.failed(ctx, err); err != nil {
			return Done{}, err
		}
	}
	if done.Unknown && !c.Updated && c.Action.Find == nil {
		done.Error += fmt.Sprintf("; what %s was to create may exist, and cannot be looked up: look in the other system", c.Step.Action)
	}
	done.Creation = c
	done.Logs = m.log.close()
	return done, nil
}

// making is how one object comes to be.
type making struct {
	r        *runner
	c        *Creation
	decision Decision
	log      *logbook
	replaced bool  // one without a known secret was removed: this is another creation, with another idempotency key
	refused  error // by the host
}

func (m *making) make(ctx context.Context) (any, error) {
	if m.decision.Update {
		m.c.Updated = true
		result, err := m.update(ctx, m.decision.Result)
		if !gone(err) {
			return result, err
		}
		m.log.write(ipaas.SeverityWarn, "what was to be updated is gone: another one is created")
		m.c.Updated, m.c.Anew = false, true
		if m.decision, m.refused = m.r.host.Intent(context.WithoutCancel(ctx), *m.c); m.refused != nil {
			return nil, m.refused
		}
		m.c.ID = m.decision.ID
	}
	if m.c.Action.Find == nil {
		if m.decision.Doubtful {
			return nil, &uncertainError{message: "an earlier attempt was cut off while it called " + m.c.Step.Action}
		}
		return m.call(ctx)
	}
	return m.findOrCall(ctx)
}

// findOrCall looks for the object where it may be there, and creates it where it is not. It calls again only after a look.
func (m *making) findOrCall(ctx context.Context) (any, error) {
	if m.decision.Doubtful || m.c.Ensure {
		if result, found, err := m.look(ctx, m.decision.Doubtful); found || err != nil {
			return result, err
		}
	}
	for try := 1; ; try++ {
		result, err := m.call(ctx)
		if err == nil {
			return result, nil
		}
		if exists(err) && !m.replaced {
			if result, found, err := m.look(ctx, false); found || err != nil {
				return result, err
			}
			if m.replaced {
				continue
			}
		}
		if !uncertain(ctx, err) || ctx.Err() != nil {
			return nil, err
		}
		m.log.write(ipaas.SeverityWarn, err.Error()+": looking whether it was created")
		if result, found, err := m.look(ctx, true); found || err != nil {
			return result, err
		}
		if try == maxCreates {
			return nil, err
		}
	}
}

// call runs the action that creates. An answer that does not tell how to remove what was created, such as the page of some proxy on the
// way, is none: what nobody could ever remove is not taken for created.
func (m *making) call(ctx context.Context) (any, error) {
	path := m.c.Step.Path
	if m.replaced {
		path += "#anew"
	}
	result, err := m.r.host.Call(ctx, m.c.Step, m.c.Action, component.Call{
		Inputs: m.c.Step.Inputs, Hop: m.r.run.Hop, Log: m.log.write, Now: m.r.now(),
		IdempotencyKey: idempotencyKey(m.r.run.ExecutionID, path, canonical(m.c.Step.Inputs)),
	})
	if err != nil {
		return nil, err
	}
	if _, err := component.UndoInputs(m.c.Action, result.Data, m.c.Step.Inputs); err != nil {
		return nil, &uncertainError{message: fmt.Sprintf("%s was answered, but not as it should be: %v", m.c.Step.Action, err)}
	}
	return result.Data, nil
}

// do runs another action of the component, as part of the step.
func (m *making) do(ctx context.Context) component.Do {
	return func(action *component.Action, inputs component.Inputs) (any, error) {
		result, err := m.r.host.Call(ctx, m.c.Step, action, component.Call{
			Inputs: inputs, Hop: m.r.run.Hop, Log: m.log.write, Now: m.r.now(),
			IdempotencyKey: idempotencyKey(m.r.run.ExecutionID, m.c.Step.Path+"#"+action.Key, canonical(inputs)),
		})
		return result.Data, err
	}
}

func (m *making) update(ctx context.Context, recorded any) (any, error) {
	return component.Update(m.c.Component, m.c.Action, m.c.Step.Inputs, recorded, m.do(ctx))
}

// look looks for the object and adopts it. Patiently: the other system may still be about to create it. Where the creation may have
// been called, an error leaves it unknown whether the object is there.
func (m *making) look(ctx context.Context, patiently bool) (result any, found bool, err error) {
	var all []any
	for i := 0; ; i++ {
		all, err = component.Find(m.c.Component, m.c.Action, m.c.Step.Inputs, m.do(ctx))
		if err == nil {
			all, err = m.free(all)
		}
		if len(all) > 0 || !patiently || i == len(m.r.lookAgain) || !component.Pause(ctx, m.r.lookAgain[i]) {
			break
		}
	}
	if err != nil {
		if patiently {
			err = &uncertainError{message: "whether it was created is not known, since it could not be looked for: " + err.Error()}
		}
		return nil, false, err
	}
	if len(all) == 0 {
		return nil, false, nil
	}
	return m.adopt(ctx, all)
}

// free returns those of the objects found that are not known as others: what the generation that serves has is not taken from it.
func (m *making) free(found []any) ([]any, error) {
	var free []any
	for _, result := range found {
		taken := false
		if id := component.RemoteID(m.c.Action, result, m.c.Step.Inputs); id != "" && m.decision.Taken != nil {
			var err error
			if taken, err = m.decision.Taken(id); err != nil {
				return nil, err
			}
		}
		if !taken {
			free = append(free, result)
		}
	}
	return free, nil
}

// adopt takes the first of the objects found for the step's own. All of them are what this step, and no other, would have created: those
// that are too many would have everything happen twice, and are removed. An object whose secret cannot be known is not adopted: its
// secret is set again, or it makes room for another.
func (m *making) adopt(ctx context.Context, found []any) (result any, adopted bool, err error) {
	for _, extra := range found[1:] {
		if err := component.Undo(m.c.Component, m.c.Action, m.c.Step.Inputs, extra, m.do(ctx)); err != nil && !gone(err) {
			return nil, false, &uncertainError{message: "it is there more than once, and could not be removed: " + err.Error()}
		}
	}
	if m.c.Action.Update == nil && component.HoldsSecret(m.c.Action, m.c.Step.Inputs) {
		m.log.write(ipaas.SeverityInfo, "it is there already, with a secret that is not known: it makes room for another")
		if err := component.Undo(m.c.Component, m.c.Action, m.c.Step.Inputs, found[0], m.do(ctx)); err != nil && !gone(err) {
			return nil, false, &uncertainError{message: "it is there already, with a secret that is not known, and could not be removed: " + err.Error()}
		}
		m.replaced = true
		return nil, false, nil
	}
	m.log.write(ipaas.SeverityInfo, "it is there already, and is adopted")
	result = found[0]
	if m.c.Action.Update != nil {
		if result, err = m.update(ctx, result); err != nil {
			return nil, false, &uncertainError{message: "it is there already, and could not be updated: " + err.Error()}
		}
	}
	m.c.Adopted = true
	return result, true, nil
}

// gone reports whether the other system said that a thing is not there.
func gone(err error) bool {
	var failure *component.Failure
	return errors.As(err, &failure) && failure.Gone()
}

// exists reports whether the other system may have refused to create a thing since it is there.
func exists(err error) bool {
	var failure *component.Failure
	return errors.As(err, &failure) && failure.Exists() && !failure.Unknown
}
