package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// TestShownIsWhatPasses puts what the tutorial's tests are shown to come to in the place of what they expect: all of it holds, and all of
// it is held against.
func TestShownIsWhatPasses(t *testing.T) {
	t.Parallel()
	const example = "../../examples/acme-erp/"
	dir := t.TempDir()
	for _, name := range []string{"integration.yaml", "component.yaml", "acme-erp.test.yaml"} {
		text, err := os.ReadFile(example + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	test := filepath.Join(dir, "acme-erp.test.yaml")
	code, stdout, stderr := offline(t, "-o", "json", "test", dir, "--show")
	if code != exitOK {
		t.Fatalf("code %d, printed %s%s", code, stdout, stderr)
	}
	var out struct {
		Suites []struct {
			Cases []struct{ Name, Shown string }
		}
	}
	if err := json.Unmarshal([]byte(stdout), &out); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(test)
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]any
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	steps := 0
	for i, one := range out.Suites[0].Cases {
		var shown struct{ Expect map[string]any }
		if err := yaml.Unmarshal([]byte(one.Shown), &shown); err != nil || len(shown.Expect) == 0 {
			t.Fatalf("%s is shown as %q: %v", one.Name, one.Shown, err)
		}
		if _, refused := file["cases"].([]any)[i].(map[string]any)["expect"].(map[string]any)["refused"]; refused {
			continue
		}
		if is, ok := shown.Expect["steps"].(map[string]any); ok {
			steps += len(is)
		}
		file["cases"].([]any)[i].(map[string]any)["expect"] = shown.Expect
	}
	if steps == 0 {
		t.Error("no step is shown")
	}
	if text, err = yaml.Marshal(file); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(test, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, stdout, stderr := offline(t, "test", dir); code != exitOK {
		t.Errorf("what is shown does not pass: %s%s", stdout, stderr)
	}
	changed := strings.Replace(string(text), "method: POST", "method: PUT", 1)
	if err := os.WriteFile(test, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, stdout, _ := offline(t, "test", dir); code != exitRefused || !strings.Contains(stdout, "1 failed") {
		t.Errorf("another method passes: %s", stdout)
	}
	if _, stdout, _ := offline(t, "test", dir, "--show"); !strings.Contains(stdout, "\n    expect:\n      ") {
		t.Errorf("printed %s", stdout)
	}
}
