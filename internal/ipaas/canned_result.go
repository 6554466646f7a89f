package ipaas

// CannedResult is what a test supplies in place of what an action does. It is for one action or for one step.
type CannedResult struct {
	Action string // component.action
	Step   string // the id, key or display name of a step, or its path with loop rounds, e.g. sync-items[2].post-item
	Result string // JSON; "" is null
	Branch string // of a step with branches: the one it chooses
	Error  string // not empty: the step fails with it
}
