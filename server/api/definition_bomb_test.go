package api

import (
	"runtime"
	"strings"
	"testing"
	"time"

	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// TestDefinitionBombs reads texts that are made to be large when they are read: they take little time and memory.
func TestDefinitionBombs(t *testing.T) {
	zeros := "[" + strings.Repeat("0,", 100_000) + "0]"
	key := strings.Repeat("k", maxKeys/64-1)
	within := func(n int, inner string) string { // in objects with long keys
		return strings.Repeat(`{"`+key+`": `, n) + inner + strings.Repeat("}", n)
	}
	inFlow := func(inputs string) string {
		return `{"definitionVersion": 7, "name": "a", "flows": [{"name": "f", "steps": [{"name": "s", "action": {"key": "k", "component": {"key": "c"}}, "inputs": ` + inputs + `}]}]}`
	}
	shape := (&pb.Integration{}).ProtoReflect().Descriptor()
	t.Run("a request", func(t *testing.T) {
		literal := strings.Repeat(`{"`+strings.Repeat("k", 10_000)+`": `, 50) + zeros + strings.Repeat("}", 50)
		within10s(t, func() error {
			checkShape([]byte(`{"flows": [{"steps": [{"inputs": {"a": {"value": `+literal+`}}}]}]}`), shape, "body", true)
			return nil
		})
	})
	for name, text := range map[string]string{
		"a key of 300 kB":             `{"definitionVersion": 7, "` + strings.Repeat("k", 300_000) + `": ` + zeros + `}`,
		"the same in YAML":            "definitionVersion: 7\n" + strings.Repeat("k", 300_000) + ": " + zeros + "\n",
		"aliases behind a long key":   "name: a\na: &a [" + strings.Repeat("0,", 30_000) + "0]\n" + strings.Repeat("k", 10_000) + ": [" + strings.Repeat("*a,", 40) + "*a]\n",
		"long keys in each other":     `{"definitionVersion": 7, "a": ` + within(60, zeros) + `}`,
		"the same in YAML flow style": `definitionVersion: 7` + "\n" + `a: ` + within(60, zeros) + "\n",
		"an input with items":         inFlow(within(1, `{"type": "complex", "value": `+zeros+`}`)),
		"items in items":              inFlow(within(1, `{"type": "complex", "value": `+strings.Repeat("[", 40)+zeros+strings.Repeat("]", 40)+`}`)),
		"a literal":                   inFlow(within(50, zeros)),
		"wrong items":                 inFlow(within(1, `{"type": "complex", "value": [`+strings.Repeat(`{"type":5},`, 30_000)+`0]}`)),
		"wrong labels":                `{"definitionVersion": 7, "labels": [` + strings.Repeat(`[1],`, 60_000) + `0]}`,
		"wrong flows":                 `{"definitionVersion": 7, "flows": [` + strings.Repeat(`0,`, 100_000) + `0]}`,
		"wrong steps":                 `{"definitionVersion": 7, "flows": [{"name": "f", "steps": [` + strings.Repeat(`0,`, 100_000) + `0]}]}`,
		"dropped keys":                `{"definitionVersion": 7, "meta": [` + strings.Repeat(`0,`, 100_000) + `0]}`,
		"own words, a literal":        `{"flows": [{"displayName": "f", "steps": [{"displayName": "s", "action": "c.k", "inputs": {"a": {"value": ` + within(50, zeros) + `}}}]}]}`,
		"own words, wrong items":      `{"flows": [` + strings.Repeat(`0,`, 100_000) + `0]}`,
		"own words, unknown fields":   `{"flows": ` + within(50, zeros) + `}`,
		"twice":                       "a: " + within(50, "{"+strings.Repeat("a: 0,", 100_000)+"b: 0}") + "\n",
		"deep":                        `{"trigger":` + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) + "}",
	} {
		t.Run(name, func(t *testing.T) {
			within10s(t, func() error {
				_, _, err := New(Options{}).readDefinition(text)
				return err
			})
		})
	}
}

// within10s is not for tests that run beside others: what they compute would count, too.
func within10s(t *testing.T, read func() error) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := cpuTime(t)
	if err := read(); err != nil {
		t.Fatal(err)
	}
	took := cpuTime(t) - start
	runtime.ReadMemStats(&after)
	mem := (after.TotalAlloc - before.TotalAlloc) >> 20
	t.Logf("%s, %d MiB", took, mem)
	if took > 10*time.Second || mem > 256 {
		t.Errorf("it took %s and %d MiB", took, mem)
	}
}
