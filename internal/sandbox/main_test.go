package sandbox_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/leaktest"
	"github.com/headrace/headrace/internal/sandbox"
	"github.com/headrace/headrace/internal/value"
)

// The test is the program whose processes run the scripts; and some tests look at one from inside.
func TestMain(m *testing.M) {
	sandbox.Main()
	if len(os.Args) > 1 && parts[os.Args[1]] != nil {
		os.Exit(parts[os.Args[1]]())
	}
	leaktest.Main(m)
}

// parts is what this program is as a process of a test, by its argument.
var parts = map[string]func() int{}

// open opens a pool for a test.
func open(t testing.TB, options sandbox.Options) *sandbox.Pool {
	t.Helper()
	pool, err := sandbox.New(options, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// step runs the code of a step for a customer, and returns its result as JSON.
func step(t testing.TB, pool *sandbox.Pool, tenant, code string, values ...sandbox.Named) (string, error) {
	t.Helper()
	result, err := pool.Run(t.Context(), sandbox.Script{Tenant: tenant, Form: sandbox.Step, Code: code, Values: values})
	return string(value.JSON(result.Data)), err
}

// kindOf returns how a script failed; "": it did not.
func kindOf(t testing.TB, err error) sandbox.Kind {
	t.Helper()
	if err == nil {
		return ""
	}
	var failure *sandbox.Failure
	if !errors.As(err, &failure) {
		t.Fatalf("the error is %v, want a failure of the script", err)
	}
	return failure.Kind
}

// gone waits until a process is there no more, not even as a zombie.
func gone(pid int) error {
	for range 12_000 { // two minutes, which only a test that fails takes
		if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); err != nil {
			return nil //nolint:nilerr // that is what is waited for
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("process %d is still there", pid)
}
