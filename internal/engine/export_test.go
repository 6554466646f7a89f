package engine

// HoldAll has runs of a program hold all results to their ends.
func (p *Program) HoldAll() {
	for _, f := range p.flows {
		for _, s := range f.all {
			s.lastToSee = nil
		}
	}
}
