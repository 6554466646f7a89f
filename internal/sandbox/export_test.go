package sandbox

import (
	"log/slog"
	"maps"
	"os/exec"
)

// NewOf opens a pool of another program's processes.
func NewOf(options Options, logger *slog.Logger, program string) *Pool {
	return newPool(options, logger, program)
}

// Launch starts a process as those for scripts are.
func Launch(cmd *exec.Cmd) error { return launch(cmd) }

// LockIn locks this process in.
func LockIn(memory int64) ([]string, error) { return lockIn(memory) }

// RaceDetector tells whether this is a build that looks for races, and maps more memory than there is.
const RaceDetector = raceDetector

// Tenants returns whom the processes there are have served, by process id.
func (p *Pool) Tenants() map[int]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	tenants := map[int]string{}
	for pr := range maps.Keys(p.all) {
		tenants[pr.cmd.Process.Pid] = pr.tenant
	}
	return tenants
}
