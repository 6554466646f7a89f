// Package control decides: it owns the use cases and the order of things. A request that changes something comes here, is checked
// against the rules, carried out by the engine and remembered by the store.
// It must not know how requests arrive or what answers look like on a wire. What it decides with has rooms of its own: the catalogue of
// components, the config of instances, access to their flows, triggers, state, rehearsals, and the ledger of what flows created elsewhere.
package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/cache"
	"github.com/headrace/headrace/internal/catalogue"
	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/config"
	"github.com/headrace/headrace/internal/engine"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/ledger"
	"github.com/headrace/headrace/internal/outbound"
	"github.com/headrace/headrace/internal/secret"
	"github.com/headrace/headrace/internal/state"
	"github.com/headrace/headrace/internal/storage"
	"github.com/headrace/headrace/internal/trigger"
	"github.com/headrace/headrace/internal/turn"
)

// Options is what a plane is made of. All but Scripts, Now, Elapsed and Limits must be set.
type Options struct {
	Store     storage.Store
	Keys      *secret.Keyring
	Builtins  []*component.Component
	Client    *outbound.Client
	Scripts   component.Scripts // runs code of steps; nil: none is run
	PublicURL *url.URL          // where hooks can be reached, e.g. https://hooks.example.com
	Logger    *slog.Logger
	Now       func() time.Time     // the clock on the wall; nil: time.Now
	Elapsed   func() time.Duration // how long the plane has been there, by a clock that nobody moves; nil: the system's
	Limits    Limits
}

// Limits bounds what the plane does. The zero value of each means its default.
type Limits struct {
	Workers          int           // executions that run side by side for webhooks, and all that one customer's may take; default 16
	ExecutionTimeout time.Duration // of one execution; default 15 min
	SyncTimeout      time.Duration // how long a synchronous caller waits; default 30 s
	MaxHeld          int           // held executions of one instance; default 10,000
	HeldFor          time.Duration // how long executions are held before they are given up; default 24 h
	MaxQueued        int           // executions of one customer that wait; default 100,000
	MaxCrashes       int           // how often the server may end while an execution runs before it is given up; default 3
	DeduplicateFor   time.Duration // how long deduplication keys are remembered; default 7 days
	Lease            time.Duration // of a running execution, extended while it runs; default 30 s
	RunMemory        int           // bytes that what runs hold may take, all together; default 1 GiB
	MaxHistory       int64         // bytes that one execution may write of its steps: inputs, results and logs; default 512 MiB
	RequestIDs       time.Duration // how long answers are remembered by request id; default 24 h
	KeepPayloads     time.Duration // of ended executions, with step results and logs; default 14 days
	Removal          time.Duration // of an instance: its remove flows, and the undoing of what remains; default 5 min
	KeepExecutions   time.Duration // that have ended, and deployments; default 90 days
	Unrecorded       time.Duration // how long what steps compute is not recorded while others follow; default 200 ms
	CutWithin        time.Duration // how long who cancels an execution waits for it to end; default 1 s

	// LookAgain is how long is waited between looks for an object whose creation's answer was lost; default 250 ms, 1 s.
	LookAgain []time.Duration
}

func (l Limits) withDefaults() Limits {
	setInt := func(n *int, d int) {
		if *n == 0 {
			*n = d
		}
	}
	set := func(t *time.Duration, d time.Duration) {
		if *t == 0 {
			*t = d
		}
	}
	setInt(&l.Workers, 16)
	setInt(&l.MaxHeld, 10_000)
	setInt(&l.MaxQueued, 100_000)
	setInt(&l.MaxCrashes, 3)
	setInt(&l.RunMemory, 1<<30)
	if l.MaxHistory == 0 {
		l.MaxHistory = 512 << 20
	}
	set(&l.DeduplicateFor, 7*24*time.Hour)
	set(&l.ExecutionTimeout, 15*time.Minute)
	set(&l.SyncTimeout, 30*time.Second)
	set(&l.HeldFor, 24*time.Hour)
	set(&l.Lease, 30*time.Second)
	set(&l.RequestIDs, 24*time.Hour)
	set(&l.KeepPayloads, 14*24*time.Hour)
	set(&l.Removal, 5*time.Minute)
	set(&l.KeepExecutions, 90*24*time.Hour)
	set(&l.Unrecorded, 200*time.Millisecond)
	set(&l.CutWithin, time.Second)
	if l.LookAgain == nil {
		l.LookAgain = []time.Duration{250 * time.Millisecond, time.Second}
	}
	return l
}

// Plane is the use cases.
type Plane struct {
	store   storage.Store
	keys    *secret.Keyring
	client  *outbound.Client
	scripts component.Scripts // nil: no code is run
	logger  *slog.Logger
	now     func() time.Time // the clock's
	clock   clock
	limits  Limits
	engine  *engine.Engine

	// The rooms below.
	catalogue *catalogue.Catalogue
	configs   *config.Keeper
	access    *access.Keeper
	triggers  *trigger.Maker
	states    *state.Keeper
	ledger    *ledger.Ledger

	// What runs, and who waits for it.
	generations cache.Of[ipaas.Generation] // by the uid of their instance and their number
	deploys     *joins
	left        leftovers
	live        live
	workers     *workers
	tails       *tails
	waiters     waiters       // callers of asynchronous flows that wait for the result
	nudge       chan struct{} // tells the worker that there may be something to claim

	// Requests that are being carried out, which the same request joins; and what may not be done side by side.
	tests    joined[TestResult]
	removals joined[RemovalResult]
	replays  joined[Replayed]
	retries  joined[RetryResult]
	testing  turn.ByKey // by test instance: tests that reconcile, and resets
	upgrades turn.ByKey // by upgrade: who carries it out

	background sync.WaitGroup  // work that outlives the request that began it
	stop       context.Context //nolint:containedctx // the life of the plane's own work, which no request may end
	cancel     context.CancelCauseFunc
}

// errShutdown is the cause with which work is cut when the server stops.
var errShutdown = fmt.Errorf("the server is shutting down: %w", engine.ErrInterrupted)

// New returns a plane and makes the store's catalogue show the built-in components.
func New(ctx context.Context, o Options) (*Plane, error) {
	clock := newClock(o.Now, o.Elapsed)
	now := clock.now
	limits := o.Limits.withDefaults()
	components, err := catalogue.Open(ctx, o.Store, o.Builtins, now(), o.Logger)
	if err != nil {
		return nil, err
	}
	stop, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	p := &Plane{
		store: o.Store, keys: o.Keys, client: o.Client, scripts: o.Scripts, logger: o.Logger, now: now, clock: clock,
		limits: limits, engine: &engine.Engine{Now: now, LookAgain: limits.LookAgain, Memory: engine.NewMemory(limits.RunMemory)},
		catalogue: components, configs: config.NewKeeper(o.Keys), access: access.NewKeeper(o.Store, o.Keys, o.PublicURL),
		states: state.NewKeeper(o.Store, o.Keys), triggers: trigger.NewMaker(o.Store, o.Keys), tails: newTails(), deploys: newJoins(),
		workers: newWorkers(limits.Workers), nudge: make(chan struct{}, 1), stop: stop, cancel: cancel,
	}
	p.ledger = ledger.New(stop, ledger.Options{
		Store: o.Store, Keys: o.Keys, Access: p.access, Catalogue: components, Configs: p.configs, Client: o.Client, Logger: o.Logger,
		Now: now, LookAgain: limits.LookAgain,
	})
	if err := p.takeStock(ctx); err != nil {
		cancel(err)
		return nil, err
	}
	return p, nil
}

// Catalogue returns the components there are.
func (p *Plane) Catalogue() *catalogue.Catalogue { return p.catalogue }

// stopped makes of what work says that the server's stop has cut the error that says so; other errors stay as they are.
func (p *Plane) stopped(err error) error {
	if p.stop.Err() == nil || !errors.Is(err, context.Canceled) && !errors.Is(err, engine.ErrInterrupted) {
		return err
	}
	return shuttingDown()
}

func shuttingDown() error {
	return &ipaas.Error{
		Kind: ipaas.Unavailable, Reason: ipaas.ReasonShuttingDown, RetryAfter: time.Second,
		Message: "the server is shutting down: try again in a moment", Err: errShutdown,
	}
}

// Mutation goes with every call that changes something.
type Mutation struct {
	Caller       string // who asks; request ids of different callers are apart
	Method       string // what is asked, e.g. CreateIntegration
	RequestID    string // same id, same answer; empty: not remembered
	RequestHash  string // of all the caller sent but the request id
	ValidateOnly bool   // fail exactly when the real call would, and change nothing
	Base         int64  // the revision the caller has seen; 0: any
}
