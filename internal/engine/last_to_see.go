package engine

import "github.com/headrace/headrace/internal/expr"

// findLastToSee finds out after which step nobody sees the results of another one any more, so that a run need not hold them to its end. A
// step sees what its inputs refer to; one whose action looks around sees all.
func (f *flow) findLastToSee() {
	last := make(map[*step]*step, len(f.all))
	see := func(s, target *step) {
		if at := after(s, target); last[target] == nil || end(at) > end(last[target]) {
			last[target] = at
		}
	}
	for _, s := range f.all {
		see(s, s)
		if s.action != nil && s.action.LooksAround {
			for _, target := range f.all[:s.order] {
				see(s, target)
			}
			continue
		}
		for _, input := range s.inputs {
			expr.Walk(input, func(_ string, n expr.Node) {
				if ref, ok := n.(*expr.ReferenceNode); ok && f.byKey[ref.Key] != nil {
					see(s, f.byKey[ref.Key])
				}
			})
		}
	}
	for _, target := range f.all {
		if at := last[target]; f.byKey[target.key] == target {
			at.lastToSee = append(at.lastToSee, target)
		}
	}
}

// after returns the step behind which s does not run again before target has: s itself, or where it stands in branches or a loop that
// target is
// not in, the outermost of these. A step in what target holds has run when target has.
func after(s, target *step) *step {
	if s == target || isInside(s, target) {
		return target
	}
	at := s
	for p := s.parent; p != nil && !isInside(target, p) && p != target; p = p.parent {
		at = p
	}
	return at
}

// end returns the place in the document of the last step in s.
func end(s *step) int {
	last := s.order
	for _, branch := range s.branches {
		if len(branch) > 0 {
			last = end(branch[len(branch)-1])
		}
	}
	if len(s.body) > 0 {
		last = end(s.body[len(s.body)-1])
	}
	return last
}
