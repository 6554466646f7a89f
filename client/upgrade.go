package client

import (
	"context"
	"fmt"
	"iter"
	"time"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// UpgradeEvent is one thing that happened in an upgrade: an instance came to its end in it, or it ended itself.
type UpgradeEvent struct {
	// Upgrade is the upgrade as it stands.
	Upgrade *headracev1.Upgrade
	// Result is what became of an instance; nil at the end.
	Result *headracev1.UpgradeResult
}

// followEvery is how often an upgrade is looked at while it is followed.
const followEvery = 500 * time.Millisecond

// FollowUpgrade follows an upgrade to its end: every instance that has come to its end so far, then those that do, and at last the upgrade
// itself. It ends after an error. The upgrade does not depend on it.
func (c *Client) FollowUpgrade(ctx context.Context, id string) iter.Seq2[UpgradeEvent, error] {
	return func(yield func(UpgradeEvent, error) bool) {
		since, told := time.Unix(0, 0), map[string]bool{}
		for {
			// First the upgrade: once it has ended, all that it came to is there to be read.
			res, err := c.Upgrades.GetUpgrade(ctx, &headracev1.GetUpgradeRequest{UpgradeId: id})
			if err != nil {
				yield(UpgradeEvent{}, err)
				return
			}
			for r, err := range c.AllUpgradeResults(ctx, &headracev1.ListUpgradeResultsRequest{
				UpgradeId: id, PageSize: 1000, OrderBy: "end_time", Filter: fmt.Sprintf("end_time >= %q AND state != PENDING", since.UTC().Format(time.RFC3339Nano)),
			}) {
				if err != nil {
					yield(UpgradeEvent{}, err)
					return
				}
				if r.GetEndTime() == nil || told[tellOnce(r)] {
					continue
				}
				since, told[tellOnce(r)] = r.GetEndTime().AsTime(), true
				if !yield(UpgradeEvent{Upgrade: res.GetUpgrade(), Result: r}, nil) {
					return
				}
			}
			if UpgradeEnded(res.GetUpgrade()) {
				yield(UpgradeEvent{Upgrade: res.GetUpgrade()}, nil)
				return
			}
			select {
			case <-ctx.Done():
				yield(UpgradeEvent{}, ctx.Err())
				return
			case <-time.After(followEvery):
			}
		}
	}
}

// tellOnce names an end of an instance in an upgrade: one that was resumed may come to another.
func tellOnce(r *headracev1.UpgradeResult) string {
	return r.GetInstanceId() + " " + r.GetEndTime().AsTime().String()
}

// UpgradeEnded reports whether an upgrade has come to its end, unless it is resumed.
func UpgradeEnded(u *headracev1.Upgrade) bool {
	switch u.GetState() {
	case headracev1.Upgrade_STATE_SUCCEEDED, headracev1.Upgrade_STATE_STOPPED, headracev1.Upgrade_STATE_CANCELED:
		return true
	default:
		return false
	}
}
