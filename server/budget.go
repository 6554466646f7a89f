package main

import (
	"context"
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"
)

// The bounds of large bodies. A body in work takes several times its size, so that what is in work at once decides how much memory
// the server needs.
const (
	bodyBudget = 48 << 20         // bytes of large bodies in work at once
	freeBody   = 64 << 10         // smaller ones need no leave
	bodyWait   = 10 * time.Second // how long a large one waits for its turn
)

// budget lets large bodies in one after another when there are many, and refuses those whose turn does not come. most is the largest
// body that a handler reads: what the weight of a body of unknown length is.
func budget(most int64, next http.Handler) http.Handler {
	turns := semaphore.NewWeighted(bodyBudget)
	most = min(most, bodyBudget)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		weight := r.ContentLength
		if weight < 0 || weight > most {
			weight = most // its length is not known, or it is refused when it has grown too long
		}
		if weight <= freeBody {
			next.ServeHTTP(w, r)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), bodyWait)
		defer cancel()
		if err := turns.Acquire(ctx, weight); err != nil {
			w.Header().Set("Retry-After", "10")
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(`{"error":"too many large requests are in work: send again in a moment"}`)) // who has hung up does not miss it
			return
		}
		defer turns.Release(weight)
		next.ServeHTTP(w, r)
	})
}
