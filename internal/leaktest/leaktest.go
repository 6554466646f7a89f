// Package leaktest fails the tests of a package that leave goroutines behind. It knows nothing of the product.
package leaktest

import (
	"testing"
	"time"

	"go.uber.org/goleak"
)

// inVain is how long is waited for goroutines that do not end: only a run that fails takes so long. goleak alone waits for less than half
// a second, in which what is just ending does not always come to its end on a machine that has much to do.
const inVain = time.Minute

// Main runs the tests of a package, and ends the process: with 1 also where goroutines are left that do not end.
func Main(m *testing.M) { goleak.VerifyTestMain(patient{m}) }

// patient are tests that have run when what they started has ended, too, or will not.
type patient struct{ *testing.M }

func (p patient) Run() int {
	code := p.M.Run()
	if code == 0 {
		_ = Await() // VerifyTestMain looks itself, and tells
	}
	return code
}

// Await waits until no goroutine is left, and returns what is there in the end: nil, or those that do not end.
func Await(options ...goleak.Option) (err error) {
	for end := time.Now().Add(inVain); time.Now().Before(end); {
		if err = goleak.Find(options...); err == nil {
			return nil
		}
	}
	return err
}
