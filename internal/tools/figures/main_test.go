package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReplace(t *testing.T) {
	t.Parallel()
	r := report{Time: time.Date(2026, 11, 27, 1, 2, 3, 0, time.UTC), Machine: "2 cores", Results: []result{
		{Target: "F38", Goal: "stops", Test: "TestSync"}, {Target: "T10", Goal: "ends"}, {Target: "T2", Figure: "a|b", Control: "lost"},
	}}
	got, err := replace([]byte("above\n"+beginMark+"old\n"+endMark+"below\n"), r.table("abc"))
	if err != nil {
		t.Fatal(err)
	}
	want := "above\n" + beginMark + `
Measured 2026-11-27 01:02 UTC on 2 cores, commit abc.

| | What is wanted | Size | What was measured | Negative control | Test |
|---|---|---|---|---|---|
| T2 |  |  | a\|b | lost | ` + "``" + ` |
| T10 | ends |  |  | – | ` + "``" + ` |
| F38 | stops |  |  | – | ` + "`TestSync`" + ` |

` + endMark + "below\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
	if _, err := replace([]byte("no marks"), ""); err == nil || !strings.Contains(err.Error(), endMark) {
		t.Errorf("error is %v, want one that shows the marks", err)
	}
}
