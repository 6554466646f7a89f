package engine

// HoldAll has runs of a program hold all results to their ends.
func (p *Program) HoldAll() {
	for _, f := range p.flows {
		for _, s := range f.all {
			s.lastToSee = nil
		}
	}
}

// Used returns how much of the memory is used.
func (m *Memory) Used() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.used
}

// Waiting returns how many wait for memory.
func (m *Memory) Waiting() (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, l := range m.lines {
		n += len(l)
	}
	return n
}
