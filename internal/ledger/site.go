package ledger

import (
	"context"
	"strings"
	"sync"

	"github.com/headrace/headrace/internal/ipaas"
)

// site is where objects are created and removed: one kind of system at one address, for one customer.
type site struct{ customerID, componentID, target string }

// siteOf returns where an instance's object is, or is to be.
func siteOf(in ipaas.Instance, action, target string) site {
	componentID, _, _ := strings.Cut(action, ".")
	return site{in.CustomerID, componentID, target}
}

// sites keep apart calls that create from calls that remove. A system may answer a creation with the id of what is there already: if
// that were removed at the same moment, what the creation made would be gone, and nobody knew. Creations go on side by side, and so do
// removals. The zero sites are ready to use.
type sites struct {
	mu     sync.Mutex
	bySite map[site]*siteUse
}

type siteUse struct {
	creating, removing int
	changed            chan struct{} // closed, and made anew, whenever something ends
}

// create waits until nothing is being removed. Removals do not take long each.
func (s *sites) create(ctx context.Context, at site) (leave func(), err error) {
	return s.enter(ctx, at, func(u *siteUse) (mine, others *int) { return &u.creating, &u.removing })
}

// remove waits until nothing is being created.
func (s *sites) remove(ctx context.Context, at site) (leave func(), err error) {
	return s.enter(ctx, at, func(u *siteUse) (mine, others *int) { return &u.removing, &u.creating })
}

func (s *sites) enter(ctx context.Context, at site, sides func(*siteUse) (mine, others *int)) (leave func(), err error) {
	for {
		s.mu.Lock()
		if s.bySite == nil {
			s.bySite = map[site]*siteUse{}
		}
		use := s.bySite[at]
		if use == nil {
			use = &siteUse{changed: make(chan struct{})}
			s.bySite[at] = use
		}
		mine, others := sides(use)
		if *others == 0 {
			*mine++
			s.mu.Unlock()
			return sync.OnceFunc(func() { s.leave(at, use, mine) }), nil
		}
		changed := use.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (s *sites) leave(at site, use *siteUse, mine *int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*mine--
	close(use.changed)
	use.changed = make(chan struct{})
	if use.creating+use.removing == 0 {
		delete(s.bySite, at)
	}
}
