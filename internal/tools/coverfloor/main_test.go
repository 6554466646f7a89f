package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Of the 10 statements of m/a 7 ran, of the 10 of m/b none, of the 10 of m/gen all. One block stands twice.
const profile = `mode: atomic
m/a/x.go:1.1,2.2 4 0
m/a/x.go:1.1,2.2 4 17
m/a/x.go:3.1,4.2 3 0
m/a/y.go:1.1,2.2 3 1
m/b/z.go:1.1,2.2 10 0
m/gen/g.go:1.1,2.2 10 2
`

func TestRun(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		text  string
		floor float64
		skip  string
		out   string
		err   string // a part of it; "" for none
	}{
		{
			name: "above the floor", text: profile, floor: 56,
			out: "  70.0 %  m/a\n   0.0 %  m/b\n 100.0 %  m/gen\n  56.7 %  of 30 statements, floor 56.0 %\n",
		},
		{
			name: "below the floor", text: profile, floor: 80, skip: "/gen/",
			out: "  70.0 %  m/a\n   0.0 %  m/b\n  35.0 %  of 20 statements, floor 80.0 %\n",
			err: "coverage 35.0 % is below the floor of 80.0 %",
		},
		{
			name: "on the floor", text: profile, floor: 70, skip: "/gen/|/b/",
			out: "  70.0 %  m/a\n  70.0 %  of 10 statements, floor 70.0 %\n",
		},
		{name: "nothing counts", text: "mode: set\n", err: "no statement"},
		{name: "no profile", text: "mode: set\nhello\n", err: "line 2"},
		{name: "no position", text: "a 1 1\n", err: "names no position"},
		{name: "no number", text: "a:1 x 1\n", err: "invalid syntax"},
		{name: "negative count", text: "a:1 1 -1\n", err: "invalid syntax"},
		{name: "broken pattern", text: profile, skip: "(", err: "-skip"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "cover.out")
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			err := run(&out, file, c.floor, c.skip)
			if diff := cmp.Diff(c.out, out.String()); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
			if (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("got error %v, want one with %q", err, c.err)
			}
		})
	}
}

func TestRunWithoutProfile(t *testing.T) {
	t.Parallel()
	if err := run(&strings.Builder{}, filepath.Join(t.TempDir(), "none"), 80, ""); !os.IsNotExist(err) {
		t.Errorf("got error %v, want that the file does not exist", err)
	}
}
