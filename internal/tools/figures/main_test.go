package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

func TestFiguresOf(t *testing.T) {
	t.Parallel()
	said := `{"Action":"run","Test":"TestCorruption"}
{"Action":"output","Test":"TestCorruption","Output":"    corruption_test.go:75: 40 damaged files\n"}
{"Action":"pass"}
{"Action":"pass","Test":"TestSimulationSeesWhatIsBroken/liar"}
{"Action":"pass","Test":"TestSimulationSeesWhatIsBroken"}
{"Action":"pass","Test":"TestUpgradeKilledAnywhere/step"}
{"Action":"pass","Test":"TestUpgradeKilledAnywhere/step/1"}
{"Action":"pass","Test":"TestUpgradeKilledAnywhere/step/2"}
`
	for _, line := range inside {
		said += `{"Action":"pass","Test":"` + line.test + "\"}\n"
	}
	got, err := figuresOf([]byte(said))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(inside) || got[0].Figure != "40 damaged files" || got[1].Figure != "passed, 2 cases" || got[2].Figure != "passed" || got[2].Control != "" ||
		got[4].Control != "TestSimulationSeesWhatIsBroken passed, 1 cases" {
		t.Errorf("figures are %+v", got)
	}
	if _, err := figuresOf([]byte(strings.Replace(said, `"pass","Test":"TestCorruption"`, `"fail","Test":"TestCorruption"`, 1))); err == nil || !strings.Contains(err.Error(), "TestCorruption") {
		t.Errorf("error is %v, want one that names the test that failed", err)
	}
}

// TestDocument looks whether the tests that docs/reliability.md and the table name are there.
func TestDocument(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, name := range regexp.MustCompile("`(Test[A-Z]\\w*)(…?)`").FindAllStringSubmatch(string(text), -1) {
		names[name[1]] = name[2] == "" // whole, or how it begins
	}
	if len(names) == 0 {
		t.Error("no test is named: they were looked for in the wrong way")
	}
	tests := testsIn(t, "../../..")
	for name, whole := range names {
		there := slices.ContainsFunc(tests, func(test string) bool { return test == name || !whole && strings.HasPrefix(test, name) })
		if !there {
			t.Errorf("docs/reliability.md names %s, and there is no such test", name)
		}
	}
}

// testsIn returns the names of all tests below a folder.
func testsIn(t *testing.T, root string) (names []string) {
	t.Helper()
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir(root, func(name string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := os.ReadFile(name)
		for _, m := range declared.FindAllStringSubmatch(string(text), -1) {
			names = append(names, m[1])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
