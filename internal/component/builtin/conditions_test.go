package builtin

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/headrace/headrace/internal/value"
)

// TestConditionsAgreeWithTheirModel runs conditions whose outcome was recorded with the evaluator they were written for.
func TestConditionsAgreeWithTheirModel(t *testing.T) {
	t.Parallel()
	// The sample is kept beside the checkout, not in it.
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "shared", "compat", "conditions-sample.json"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("../shared/compat/conditions-sample.json is not here: nothing to compare with")
	}
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := value.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	o, _ := parsed.(*value.Object)
	list, _ := o.Get("cases")
	cases, _ := list.([]any)
	if len(cases) < 200 {
		t.Fatalf("the sample has %d cases only", len(cases))
	}
	for _, item := range cases {
		o, _ := item.(*value.Object)
		condition, _ := o.Get("expression")
		fails, _ := o.Get("error")
		want, _ := o.Get("result")
		got, err := evaluate(condition)
		switch {
		case fails == true:
			if err == nil {
				t.Errorf("%s: got %t, want an error", value.JSON(condition), got)
			}
		case err != nil || got != want:
			t.Errorf("%s: got %t, %v; want %v", value.JSON(condition), got, err, want)
		}
	}
}
