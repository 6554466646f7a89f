package engine_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/ipaas"
)

// large returns an input that is a text of so many MiB, made of a smaller one.
func large(mib int) ipaas.Input {
	return tmpl(strings.Repeat("{{$seed.results}}", 16*mib))
}

func seed() ipaas.Step { return step("Seed", "tools.echo", "text", strings.Repeat("x", 1<<16)) }

// TestRunRefusesWhatGrowsWithoutBound has flows of a few lines that would make gigabytes, and those that come close to it.
func TestRunRefusesWhatGrowsWithoutBound(t *testing.T) {
	t.Parallel()
	doubling := func(n int) []ipaas.Step {
		steps := []ipaas.Step{step("Step 0", "tools.echo", "value", strings.Repeat("x", 1<<18))}
		for i := 1; i < n; i++ {
			before := ref(fmt.Sprintf("step%d.results", i-1))
			steps = append(steps, step(fmt.Sprintf("Step %d", i), "tools.echo", "list", list(before, before)))
		}
		return steps
	}
	many := func(n, mib int) []ipaas.Step {
		steps := []ipaas.Step{seed()}
		for i := range n {
			steps = append(steps, step(fmt.Sprintf("Large %d", i), "tools.echo", "text", large(mib)))
		}
		return steps
	}
	rounds := func(n, mib int, last ipaas.Input) []ipaas.Step {
		items := make([]ipaas.Input, n)
		for i := range items {
			items[i] = ipaas.Literal("x")
		}
		return []ipaas.Step{seed(), loop("Each", list(items...), step("Large", "tools.echo", "text", large(mib)), step("Last", "tools.echo", "value", last))}
	}
	all := ref("large.results")
	tests := []struct {
		name  string
		steps []ipaas.Step
		want  string // part of the error; empty: it goes well
	}{
		{"a value in itself twice, again and again", doubling(40), "larger than"},
		{"a few times", doubling(6), ""},
		{
			"a result that is too large",
			append(many(1, 17), step("Both", "tools.echo", "list", list(ref("large0.results"), ref("large0.results")))),
			"gave a result that cannot be taken: it is larger than 32 MiB: take less at once",
		},
		{"a text that is too large", many(1, 33), "would be a text of more than 33554432 bytes"},
		{"results that are large together", append(many(9, 31), step("Code", "tools.around")), "larger than 256 MiB together: split the work"},
		{"results that fit", many(3, 31), ""},
		{"a loop whose rounds give much", rounds(30, 3, all), `what its rounds gave is larger than 32 MiB by round 10: let the last step of a round give less`},
		{"a loop whose rounds give little enough", rounds(8, 3, all), ""},
		{"a loop whose steps give much, and its rounds nothing", rounds(10, 30, ipaas.Literal("small")), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := run(t, newRecorder(), compile(t, tt.steps...))
			if tt.want == "" {
				if out.State != ipaas.ExecutionSucceeded {
					t.Fatalf("outcome = %s, %+v, want it to go well", out.State, out.Error)
				}
				return
			}
			if e := failure(t, out); !strings.Contains(e.Message, tt.want) {
				t.Errorf("error = %q, want %q in it", e.Message, tt.want)
			}
		})
	}
}
