package control

import (
	"time"

	"github.com/headrace/headrace/internal/fault"
)

// clock tells what time it is, and what time it is at least: the clock on the wall may be moved, by years, while the server runs.
type clock struct {
	wall    func() time.Time
	begun   time.Time            // what the wall said when the server began
	elapsed func() time.Duration // since then, by a clock that nobody moves
}

func newClock(wall func() time.Time, elapsed func() time.Duration) clock {
	if wall == nil {
		wall = fault.Now
	}
	if elapsed == nil {
		begun := time.Now()
		elapsed = func() time.Duration { return time.Since(begun) }
	}
	return clock{wall: wall, begun: wall(), elapsed: elapsed}
}

// now is what the wall says: what people are shown and what is stored. Answers show times as they are stored.
func (c clock) now() time.Time { return stored(c.wall()) }

// atLeast is the time that has certainly come. What ends when its time has come, never to be seen again, ends by this: a clock that
// jumps ahead ends nothing. One that was set back ends things late.
func (c clock) atLeast() time.Time {
	now, steady := c.now(), c.steady()
	if steady.Before(now) {
		return steady
	}
	return now
}

// steady is what the wall would say if nobody had moved its clock since the server began.
func (c clock) steady() time.Time { return stored(c.begun.Add(c.elapsed())) }

func stored(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
