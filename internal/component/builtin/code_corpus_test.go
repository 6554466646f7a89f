package builtin_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/headrace/headrace/internal/sandbox"
)

// corpus is a folder of real definitions beside the module. It is no part of it.
const corpus = "../../../../shared/compat/prismatic"

// anything answers whatever code asks of it, so that real code runs to its end without the data it was written for.
const anything = `
const anything = new Proxy(function () {}, {
	get: (t, k) => k === Symbol.toPrimitive ? () => 'https://any.example/7' : k === Symbol.iterator ? function* () { yield anything; } : k === 'toJSON' ? () => 'any'
		: k === 'then' || typeof k === 'symbol' ? undefined : k === 'length' ? 1 : k === 'map' || k === 'filter' || k === 'forEach' ? (f) => { f(anything, 0); return anything; } : anything,
	apply: () => anything, has: () => true, ownKeys: () => ['prototype'],
});
{
	const real = module.exports;
	if (typeof real === 'function') module.exports = (context) => real({...context, configVars: anything}, anything);
}`

// TestRealCodeRuns runs the code of every step and data source of real definitions. All of it is read, and what it throws comes of what it
// is not given: data, and in one data source the network.
func TestRealCodeRuns(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob(filepath.Join(corpus, "*.y*ml"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(corpus); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("%s is not there: the code of real definitions is not run", corpus)
	}
	ran, ended := 0, 0
	for _, name := range names {
		for _, code := range codesOf(t, name) {
			ran++
			_, err := scripts(t).Run(t.Context(), sandbox.Script{Tenant: "corpus", Form: sandbox.Step, Code: code + anything})
			var failure *sandbox.Failure
			switch {
			case err == nil:
				ended++
			case !errors.As(err, &failure) || failure.Kind != sandbox.Thrown:
				t.Errorf("%s: code ended with %v:\n%s", filepath.Base(name), err, code)
			default:
				t.Logf("%s: %v", filepath.Base(name), err)
			}
		}
	}
	if ran < 10 || ended*4 < ran*3 {
		t.Errorf("of %d steps with code %d ended well: what is to stand for their data does not", ran, ended)
	}
	t.Logf("%d steps with code, of which %d ended well", ran, ended)
}

// codesOf returns the code of a definition's steps.
func codesOf(t *testing.T, name string) []string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var definition any
	if err := yaml.Unmarshal(data, &definition); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	var codes []string
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				walk(item)
			}
		case map[string]any:
			inputs, _ := v["inputs"].(map[string]any)
			code, _ := inputs["code"].(map[string]any)
			if text, ok := code["value"].(string); ok {
				codes = append(codes, text)
			}
			for _, item := range v {
				walk(item)
			}
		}
	}
	walk(definition)
	return codes
}
