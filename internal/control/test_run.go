package control

import (
	"context"

	"github.com/headrace/headrace/internal/storage"
)

// rememberTest carries out a test, unless the same request was answered before, and keeps its answer. A test that did not come to an
// execution left nothing behind, and may be asked for again.
func (p *Plane) rememberTest(ctx context.Context, m Mutation, test func(context.Context) (TestResult, error)) (TestResult, error) {
	return once(ctx, p, m, func(write func(TestResult) (storage.Write, error)) (TestResult, error) {
		result, err := test(ctx)
		if err != nil {
			return result, err
		}
		w, err := write(result)
		if err != nil {
			return result, err
		}
		return result, p.store.SaveReceipt(ctx, *w.Receipt)
	})
}
