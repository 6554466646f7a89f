package story

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/headrace/headrace/client"
)

// expect is nil if v is what was wanted.
func expect[T comparable](what string, v, want T) error {
	if v == want {
		return nil
	}
	return fmt.Errorf("expected %s to be %v, found %v", what, quoted(want), quoted(v))
}

// expectTrue is nil if ok, else an error that completes "expected …".
func expectTrue(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf("expected "+format, args...)
}

// expectList compares lists in their order.
func expectList(what string, list, want []string) error {
	if slices.Equal(list, want) {
		return nil
	}
	return fmt.Errorf("expected %d %s:\n%s\nfound %d:\n%s", len(want), what, lines(want), len(list), lines(list))
}

// expectSame compares lists in any order.
func expectSame(what string, list, want []string) error {
	return expectList(what, slices.Sorted(slices.Values(list)), slices.Sorted(slices.Values(want)))
}

// expectRefusal is nil if err is the error with the code and the reason.
func expectRefusal(what string, err error, code codes.Code, reason string) error {
	if err == nil {
		return fmt.Errorf("expected %s to be refused with %s and reason %s, but it succeeded", what, code, reason)
	}
	if status.Code(err) != code || client.ReasonOf(err) != reason {
		return fmt.Errorf("expected %s to be refused with %s and reason %s, found %s and reason %q: %w",
			what, code, reason, status.Code(err), client.ReasonOf(err), err)
	}
	return nil
}

// expectHidden is nil if a text holds none of the secrets. The error does not repeat them.
func expectHidden(what, text string, secrets ...string) error {
	var errs []error
	for i, s := range secrets {
		if strings.Contains(text, s) {
			errs = append(errs, fmt.Errorf("expected %s to hold no secret, found number %d of %d in it", what, i+1, len(secrets)))
		}
	}
	return errors.Join(errs...)
}

func quoted(v any) any {
	if s, ok := v.(string); ok {
		return fmt.Sprintf("%q", s)
	}
	return v
}

func lines(list []string) string {
	if len(list) == 0 {
		return "\t(none)"
	}
	return "\t" + strings.Join(list, "\n\t")
}
