//go:build faults

package faults_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/client"
)

// TestLeaks gives the server the same work again and again (T28): open files, connections and children are afterwards what they were.
func TestLeaks(t *testing.T) {
	t.Parallel()
	rounds := size(t, "T28.rounds", 3, 1000)
	to, e, s := newSink(t), newERP(t), newServer(t)
	s.binary = plainServer
	s.start(breakage{})
	hook := s.deployRelay(t, "jones", to.URL+"/jones")
	s.describeAcme(t, true)
	s.createAcme(t, "acme", e)
	from := 0
	work := func() {
		sending := newSenders(t, hook, from)
		sending.run(32)
		until(t, time.Minute, "events to be acknowledged", func() bool { return sending.ackedSoFar() >= 300 })
		sending.halt()
		from += 1_000_000
		for range 3 {
			if _, err := s.api.Deploy(within(t, time.Minute), "acme", client.DeployOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		s.settled(t, time.Minute)
		to.CloseClientConnections()
	}
	work()
	work()
	time.Sleep(time.Second) // what is still closing is closed
	before := s.belongings(t)
	for range rounds {
		work()
	}
	var after belongings
	until(t, 2*time.Minute, "files and connections to be closed", func() bool {
		after = s.belongings(t)
		return after.files <= before.files && after.sockets <= before.sockets && after.children <= before.children
	})
	s.kill()
	results.add(t, result{
		Target: "T28", Goal: "open files, connections and children are the same after the same work",
		Size:   fmt.Sprintf("%d rounds of 300 events and 3 deployments", rounds),
		Figure: fmt.Sprintf("before: %s; after: %s", before, after),
	})
}

// belongings are what a process holds.
type belongings struct {
	files, sockets, children int
	megabytes                int // of memory
}

func (b belongings) String() string {
	return fmt.Sprintf("%d files, %d sockets, %d children, %d MB", b.files, b.sockets, b.children, b.megabytes)
}

func (s *server) belongings(t *testing.T) (b belongings) {
	t.Helper()
	proc := fmt.Sprintf("/proc/%d", s.pid())
	entries, err := os.ReadDir(proc + "/fd")
	if err != nil {
		t.Skipf("skipped: nothing here tells what a process has open: %v", err)
	}
	for _, entry := range entries {
		target, err := os.Readlink(filepath.Join(proc, "fd", entry.Name()))
		switch {
		case err != nil: // closed meanwhile
		case strings.HasPrefix(target, "socket:"):
			b.sockets++
		default:
			b.files++
		}
	}
	threads, err := os.ReadDir(proc + "/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		children, err := os.ReadFile(filepath.Join(proc, "task", thread.Name(), "children"))
		if err != nil {
			continue // the thread has ended
		}
		b.children += len(strings.Fields(string(children)))
	}
	memory, err := os.ReadFile(proc + "/statm")
	if err != nil {
		t.Fatal(err)
	}
	var size, resident int
	if _, err := fmt.Sscan(string(memory), &size, &resident); err != nil {
		t.Fatal(err)
	}
	b.megabytes = resident * os.Getpagesize() >> 20
	return b
}
