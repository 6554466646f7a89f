package engine

import (
	"sync"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
)

// logbook collects what an action logs. An action may log from several goroutines; what comes after the step has ended is dropped.
type logbook struct {
	path string
	now  func() time.Time

	mu     sync.Mutex
	lines  []ipaas.Log
	closed bool
}

// mostOfLine is how many characters of a line are handed to the host. It keeps half of them, once it has hidden the secrets, of which none
// is cut in two before.
const mostOfLine = 2 * ipaas.MaxLogMessage

func (b *logbook) write(severity ipaas.Severity, message string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	if len(message) > mostOfLine { // more bytes than characters: only then it is worth counting
		if runes := []rune(message); len(runes) > mostOfLine {
			message = string(runes[:mostOfLine])
		}
	}
	b.lines = append(b.lines, ipaas.Log{Severity: severity, Message: message, StepPath: b.path, CreateTime: b.now()})
}

// close returns the lines.
func (b *logbook) close() []ipaas.Log {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return b.lines
}
