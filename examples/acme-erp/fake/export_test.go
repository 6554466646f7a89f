package fake

import "time"

// SetChallengeTimeout is for tests that have no time. Call it before the first request.
func (e *ERP) SetChallengeTimeout(d time.Duration) { e.challengeTimeout = d }
