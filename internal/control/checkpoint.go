package control

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// checkpoint is what has happened in a run and is not recorded yet. Steps that only compute need not be recorded one by one: if they are
// lost, the next attempt computes them again, perhaps with another result, and nobody can tell, since nothing came of the first one.
// They are recorded, in order and in one step, with what comes next that somebody could tell: the beginning of a step that reads or
// writes, what flows keep, the end of the run.
type checkpoint struct {
	fresh    bool   // nothing of what comes now was recorded by an earlier attempt
	recalled int64  // the sequence of the last step that was
	ended    string // the path of the last one of them that had ended
	progress storage.Progress
	places   map[string]int // of steps in progress, by path
	size     int            // of their texts
	begun    time.Time      // when the first of it happened, by the steady clock
}

// The bounds of what is not recorded, beside the plane's of its time: what is lost has to be computed again, is held in memory, and is not
// shown to who watches the run.
const (
	maxUnrecordedSteps = 256
	maxUnrecordedSize  = 1 << 20
)

// put notes how a step stands, and what it logged.
func (c *checkpoint) put(row ipaas.StepResult, logs []ipaas.Log, now time.Time) {
	if c.empty() {
		c.begun, c.places = now, map[string]int{}
	}
	i, there := c.places[row.Path]
	if !there {
		i = len(c.progress.Steps)
		c.places[row.Path] = i
		c.progress.Steps = append(c.progress.Steps, ipaas.StepResult{})
	}
	c.size += sizeOfStep(row) - sizeOfStep(c.progress.Steps[i])
	c.progress.Steps[i] = row
	c.progress.Logs = append(c.progress.Logs, logs...)
	for i := range logs {
		c.size += len(logs[i].Message)
	}
}

func sizeOfStep(row ipaas.StepResult) int { return len(row.Inputs) + len(row.Result) + len(row.Exact) }

func (c *checkpoint) empty() bool { return len(c.progress.Steps) == 0 }

// due reports whether it is to be recorded at a moment, since there is much of it or it is older than it may be.
func (c *checkpoint) due(now time.Time, oldest time.Duration) bool {
	return len(c.progress.Steps) >= maxUnrecordedSteps || c.size >= maxUnrecordedSize || now.Sub(c.begun) >= oldest
}

// forget forgets what is recorded now.
func (c *checkpoint) forget() { *c = checkpoint{fresh: c.fresh, recalled: c.recalled, ended: c.ended} }

// note notes how a step stands. It is recorded at once, with all that is not, unless the step is quiet.
func (h *host) note(ctx context.Context, quiet bool, row ipaas.StepResult, logs []ipaas.Log) error {
	now := h.plane.clock.steady()
	h.checkpoint.put(row, logs, now)
	if quiet && !h.checkpoint.due(now, h.plane.limits.Unrecorded) {
		return nil
	}
	return h.record(ctx)
}

// record records what is not recorded yet.
func (h *host) record(ctx context.Context) error {
	if h.checkpoint.empty() {
		return nil
	}
	ex := &h.job.execution
	if err := h.plane.store.RecordProgress(ctx, ex.ID, ex.Attempts, h.checkpoint.progress); err != nil {
		return err
	}
	h.checkpoint.forget()
	h.plane.tails.notify(ex.ID)
	return nil
}

// begin records that a step begins, or returns with done true what an earlier attempt recorded of it.
func (h *host) begin(ctx context.Context, quiet bool, row ipaas.StepResult) (recorded ipaas.StepResult, done bool, err error) {
	if h.checkpoint.fresh {
		return row, false, h.note(ctx, quiet, row, nil)
	}
	if recorded, done, err = h.recorded(ctx, row); err != nil || done {
		return recorded, done, err
	}
	recorded, done, err = h.plane.store.BeginStep(ctx, h.job.execution.Attempts, row)
	if err != nil {
		return recorded, false, err
	}
	h.checkpoint.recalled = recorded.Sequence
	h.checkpoint.fresh = !done && !decided(recorded)
	h.plane.tails.notify(h.job.execution.ID)
	return recorded, done, nil
}

// recorded looks for a step that an earlier attempt recorded the end of. Steps come in the same order as then, so it is the next one, and
// nothing has to be written to find out. Where others are recorded and not this one, or not its end, the record has a gap.
func (h *host) recorded(ctx context.Context, row ipaas.StepResult) (recorded ipaas.StepResult, done bool, err error) {
	next, there, err := h.next(ctx)
	switch {
	case err != nil || !there:
		return ipaas.StepResult{}, false, err
	case next.Path != row.Path:
		return ipaas.StepResult{}, false, &gapError{missing: row.Path, recorded: next.Path}
	}
	h.checkpoint.recalled = next.Sequence
	switch {
	case next.State != ipaas.StepRunning:
		h.checkpoint.ended = next.Path
		return next, true, nil
	case decided(next):
		return ipaas.StepResult{}, false, nil
	}
	behind, there, err := h.next(ctx)
	if err == nil && there {
		err = &gapError{missing: row.Path, recorded: behind.Path}
	}
	return ipaas.StepResult{}, false, err
}

// next returns what is recorded behind the last step that was recalled. The rounds of a loop that has ended are not run through again.
func (h *host) next(ctx context.Context) (row ipaas.StepResult, there bool, err error) {
	c := &h.checkpoint
	for {
		rows, err := h.plane.store.ListStepResults(ctx, h.job.execution.ID, c.recalled, 1)
		if err != nil || len(rows) == 0 {
			return ipaas.StepResult{}, false, err
		}
		if c.ended == "" || !strings.HasPrefix(rows[0].Path, c.ended+"[") {
			return rows[0], true, nil
		}
		c.recalled = rows[0].Sequence
	}
}

// decided reports whether a step that has not ended has decided what its inner steps run for. Steps run one after another, so nothing is
// begun behind one that has neither ended nor decided that.
func decided(row ipaas.StepResult) bool { return row.Exact != "" }

// gapError says that what is recorded of an execution is no beginning of a run: the store has lost what it had. Nobody knows then what the
// step that is missing has done, so it is not run again with perhaps other inputs, and what came after it is not taken for its outcome.
type gapError struct{ missing, recorded string }

func (e *gapError) Error() string {
	return fmt.Sprintf("the record of the execution has a gap: of step %q the end is missing, and step %q, which comes after it, is recorded. "+
		"The database has lost what it held, or was changed by hand: look at it with headrace-server verify, find out what the execution has "+
		"done in other systems, and then replay it", e.missing, e.recorded)
}
