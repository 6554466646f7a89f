package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// suite prints what the tests of a file came to.
func (p *printer) suite(s suiteResult) {
	p.line("%s", p.the(clean(s.File), bold))
	for _, one := range s.Cases {
		word, colour, about := "ok", green, seconds(one.Seconds)
		if one.Updated {
			word, colour = "new", yellow
		}
		if !one.Passed {
			word, colour, about = "FAIL", red, fmt.Sprintf("%s  (%s:%d)", about, s.File, one.Line)
		}
		p.line("  %s  %s  %s", p.the(fmt.Sprintf("%-4s", word), colour), clean(one.Name), p.the(clean(about), dim))
		for _, line := range strings.Split(one.Error, "\n") {
			if line != "" {
				p.line("        %s", clean(line))
			}
		}
		for _, m := range one.Mismatches {
			p.line("        %s", p.the(clean(m.Where), bold))
			if m.Want != "" {
				p.line("          %s", p.the("- "+clean(m.Want), red))
			}
			if m.Got != "" {
				p.line("          %s", p.the("+ "+clean(m.Got), green))
			}
		}
		p.shownCase(one.Shown)
	}
}

func seconds(s float64) string { return fmt.Sprintf("%.2f s", s) }

// tallied is how many tests came to what.
type tallied struct{ all, failed, updated int }

func tally(results []suiteResult) (n tallied) {
	for _, s := range results {
		for _, one := range s.Cases {
			n.all++
			if !one.Passed {
				n.failed++
			}
			if one.Updated {
				n.updated++
			}
		}
	}
	return n
}

// sum prints what all tests came to.
func (c *testCmd) sum(a *app, results []suiteResult, covered []covered, n tallied, took time.Duration) error {
	if a.format != "table" {
		out := map[string]any{"suites": results, "tests": n.all, "failed": n.failed}
		if c.Cover {
			out["coverage"] = covered
		}
		text, err := json.Marshal(out)
		if err != nil {
			return err
		}
		return a.document(text)
	}
	a.covered(covered)
	verdict := a.the("all passed", green)
	if n.failed > 0 {
		verdict = a.the(fmt.Sprintf("%d failed", n.failed), red)
		a.line("%s", a.the("- expected  + got", dim))
	}
	if n.updated > 0 {
		verdict += fmt.Sprintf(", %d of them updated", n.updated)
	}
	a.line("%s, %s, %s", plural(n.all, "test"), verdict, seconds(took.Seconds()))
	return nil
}
