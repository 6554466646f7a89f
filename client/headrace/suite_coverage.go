package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// coverage is which steps and branches tests ran, by the file of the definition. A nil one is asked for by nobody.
type coverage struct {
	mu    sync.Mutex
	files map[string]*coveredFile // guarded by mu
}

type coveredFile struct {
	flows []*headracev1.Flow
	ran   map[string]bool // by flow, by flow and step, by flow, step and branch
}

// covered is how much of a definition tests ran.
type covered struct {
	File    string   `json:"file"`
	Steps   int      `json:"steps"`
	Ran     int      `json:"ran"`
	Missing []string `json:"missing"`
}

// add notes what an execution ran. The definition of a file is the same for all its tests, and asked for once.
func (c *coverage) add(ctx context.Context, file string, s *stage, ex *headracev1.Execution) error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	of := c.files[file]
	if of == nil {
		res, err := s.client.Integrations.GetIntegration(ctx, &headracev1.GetIntegrationRequest{IntegrationId: s.integration})
		if err != nil {
			return err
		}
		of = &coveredFile{flows: res.GetIntegration().GetFlows(), ran: map[string]bool{}}
		if c.files == nil {
			c.files = map[string]*coveredFile{}
		}
		c.files[file] = of
	}
	flow := ex.GetFlowId()
	of.ran[flow] = true
	for _, step := range ex.GetStepResults() {
		of.ran[flow+"/"+step.GetStepId()] = true
		of.ran[flow+"/"+step.GetStepId()+"/"+step.GetBranch()] = true
	}
	return nil
}

// report tells of each definition what no test ran: a flow as a whole, else its steps and branches.
func (c *coverage) report() []covered {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	out := []covered{}
	for _, file := range slices.Sorted(maps.Keys(c.files)) {
		of, one := c.files[file], covered{File: file, Missing: []string{}}
		for _, flow := range of.flows {
			of.report(flow, &one)
		}
		out = append(out, one)
	}
	return out
}

func (f *coveredFile) report(flow *headracev1.Flow, into *covered) {
	steps := allSteps(flow.GetSteps())
	into.Steps += len(steps)
	name := "flow " + flow.GetDisplayName()
	if !f.ran[flow.GetId()] {
		into.Missing = append(into.Missing, name)
		return
	}
	for _, step := range steps {
		if !f.ran[flow.GetId()+"/"+step.GetId()] {
			into.Missing = append(into.Missing, fmt.Sprintf("step %s of %s", step.GetDisplayName(), name))
			continue
		}
		into.Ran++
		for _, b := range step.GetBranches() {
			if !f.ran[flow.GetId()+"/"+step.GetId()+"/"+b.GetName()] {
				into.Missing = append(into.Missing, fmt.Sprintf("branch %s of step %s of %s", b.GetName(), step.GetDisplayName(), name))
			}
		}
	}
}

// covered prints how much of each definition tests ran.
func (p *printer) covered(all []covered) {
	for _, one := range all {
		p.line("%s  %d of %s ran", p.the(clean(one.File), bold), one.Ran, plural(one.Steps, "step"))
		for _, missing := range one.Missing {
			p.line("  %s  %s", p.the("not run", yellow), clean(missing))
		}
	}
}
