package api

import (
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/ipaas"
)

func TestLargeValuesAreShownAsJSONAlone(t *testing.T) {
	t.Parallel()
	large := `{"text":"` + strings.Repeat("x", maxNear) + `"}`
	for _, tt := range []struct {
		name, stored string
		near         bool
	}{{"small", `{"text":"x"}`, true}, {"large", large, false}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := stepResultToProto(ipaas.StepResult{Inputs: tt.stored, Result: tt.stored})
			if err != nil {
				t.Fatal(err)
			}
			if got.GetInputsJson() != tt.stored || got.GetResultJson() != tt.stored {
				t.Errorf("the JSON of inputs has %d bytes, that of the result %d, want %d", len(got.GetInputsJson()), len(got.GetResultJson()), len(tt.stored))
			}
			if (got.GetInputs() != nil) != tt.near || (got.GetResult() != nil) != tt.near {
				t.Errorf("inputs are set: %v, the result is: %v, want %v", got.GetInputs() != nil, got.GetResult() != nil, tt.near)
			}
		})
	}
}
