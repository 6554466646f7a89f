//go:build faults

package fault

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// strike is what happens at a point.
type strike struct {
	what string // kill, panic or pause
	nth  int    // 0: every time
	wait time.Duration
}

var (
	mu   sync.Mutex
	hits = map[string]int{}

	plan = sync.OnceValue(func() map[string][]strike {
		p, err := parse(os.Getenv(PlanVariable))
		if err != nil {
			panic(PlanVariable + ": " + err.Error())
		}
		return p
	})
	broken = sync.OnceValue(func() []string { return strings.Split(os.Getenv(BrokenVariable), ",") })
)

// Point lets happen what the environment plans for the point.
func Point(name string) {
	strikes := plan()[name]
	if len(strikes) == 0 {
		return
	}
	mu.Lock()
	hits[name]++
	hit := hits[name]
	mu.Unlock()
	for _, s := range strikes {
		if s.nth == 0 || s.nth == hit {
			s.happen(name, hit)
		}
	}
}

func (s strike) happen(name string, hit int) {
	switch s.what {
	case "kill":
		fmt.Fprintf(os.Stderr, "fault: killed at %s, time %d\n", name, hit)
		if p, err := os.FindProcess(os.Getpid()); err == nil {
			_ = p.Kill() // as kill -9 does
		}
		select {} // not one instruction more
	case "panic":
		panic("fault at " + name)
	default:
		time.Sleep(s.wait)
	}
}

var ahead = sync.OnceValue(func() time.Duration {
	text := os.Getenv(AheadVariable)
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		panic(AheadVariable + ": " + err.Error())
	}
	return d
})

// Now is what the clock says, or will say in a while if the environment wants that.
func Now() time.Time { return time.Now().Add(ahead()) }

// Broken reports whether the environment wants a promise broken.
func Broken(promise string) bool { return slices.Contains(broken(), promise) }

func parse(text string) (map[string][]strike, error) {
	p := map[string][]strike{}
	for part := range strings.SplitSeq(text, ";") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, what, _ := strings.Cut(part, "=")
		if Points[name] == "" {
			return nil, fmt.Errorf("there is no point %q", name)
		}
		s, err := parseStrike(what)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		p[name] = append(p[name], s)
	}
	return p, nil
}

func parseStrike(text string) (s strike, err error) {
	what, nth, counted := strings.Cut(text, "@")
	if counted {
		if s.nth, err = strconv.Atoi(nth); err != nil || s.nth < 1 {
			return s, fmt.Errorf("%q is no number of times: give 1 or more", nth)
		}
	}
	what, wait, _ := strings.Cut(what, ":")
	s.what = what
	switch what {
	case "kill", "panic":
		return s, nil
	case "pause":
		s.wait, err = time.ParseDuration(wait)
		return s, err
	default:
		return s, fmt.Errorf("%q can not happen: use kill, panic or pause:DURATION", text)
	}
}
