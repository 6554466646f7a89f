package sandbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Pool is the processes that run scripts. Each serves one customer only; of those that are idle, the one that was used longest ago goes
// when another customer needs room. One more, which has served nobody, stands ready.
type Pool struct {
	options Options
	logger  *slog.Logger
	program string
	starts  chan startRequest // to the one thread that starts processes

	mu      sync.Mutex
	idle    []*process // that have served someone, the latest last
	fresh   []*process // that have served nobody
	all     map[*process]bool
	coming  int            // that are being started ahead
	running map[string]int // by customer, of those that wait for no place any more
	placed  int            // the sum of running
	queue   []*place       // who waits for a place, in order
	closed  bool
	said    bool // what holds the processes is in the log

	work sync.WaitGroup // goroutines of the pool
	stop chan struct{}
}

// place is someone's right to have a process.
type place struct {
	tenant string
	given  chan struct{}
}

type startRequest struct {
	answer chan startAnswer
}

type startAnswer struct {
	process *process
	err     error
}

// New opens a pool, and starts the first process ahead. The program must have called Main.
func New(options Options, logger *slog.Logger) (*Pool, error) {
	if !mainCalled.Load() {
		return nil, errors.New("sandbox: the program does not call sandbox.Main first: a process that it starts for scripts would be another such program")
	}
	if err := closeInherited(); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	name, err := program()
	if err != nil {
		return nil, fmt.Errorf("sandbox: find this program: %w", err)
	}
	return newPool(options, logger, name), nil
}

func newPool(options Options, logger *slog.Logger, program string) *Pool {
	p := &Pool{
		options: options.withDefaults(), logger: logger, program: program, starts: make(chan startRequest),
		all: map[*process]bool{}, running: map[string]int{}, stop: make(chan struct{}),
	}
	p.work.Go(p.startAll)
	p.mu.Lock()
	p.startAhead()
	p.mu.Unlock()
	return p
}

// Close ends all processes, and with them the runs under way.
func (p *Pool) Close() {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	p.closed = true
	for pr := range p.all {
		pr.kill()
	}
	for _, w := range p.queue {
		close(w.given)
	}
	p.queue = nil
	close(p.stop)
	p.mu.Unlock()
	p.work.Wait()
}

// errClosed is what is said of a pool that was closed.
var errClosed = failf(Unusable, "code cannot be run any more: the server is shutting down")

// Run runs a script and returns what it came to. The error is a *Failure if the script is to blame or no process can be had; else it is
// ctx's cause, or what Fetch returned.
func (p *Pool) Run(ctx context.Context, script Script) (Result, error) {
	s, r, err := newSession(script)
	if err != nil {
		return Result{}, err
	}
	timeout := p.options.Timeout
	if script.Timeout > 0 {
		timeout = min(timeout, script.Timeout)
	}
	if err := p.enter(ctx, script.Tenant); err != nil {
		return Result{}, err
	}
	defer p.leave(script.Tenant)
	for try := 1; ; try++ {
		pr, err := p.take(ctx, script.Tenant)
		if err != nil {
			return Result{}, err
		}
		begun := time.Now()
		answer, err := pr.run(ctx, r, timeout, s)
		p.put(pr)
		if errors.Is(err, errGone) && try < maxTries && ctx.Err() == nil && time.Since(begun) < graceGone {
			continue
		}
		if err != nil {
			return Result{}, p.blame(ctx, pr, s, err, timeout)
		}
		return p.result(answer, s, timeout)
	}
}

// enter waits for the right to have a process.
func (p *Pool) enter(ctx context.Context, tenant string) error {
	w := &place{tenant: tenant, given: make(chan struct{})}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return errClosed
	}
	p.queue = append(p.queue, w)
	p.giveOut()
	p.mu.Unlock()
	select {
	case <-w.given:
	case <-ctx.Done():
		p.mu.Lock()
		defer p.mu.Unlock()
		if i := slices.Index(p.queue, w); i >= 0 {
			p.queue = slices.Delete(p.queue, i, i+1)
		} else if !p.closed {
			p.release(tenant)
		}
		return context.Cause(ctx)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return errClosed
	}
	return nil
}

func (p *Pool) leave(tenant string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.release(tenant)
}

func (p *Pool) release(tenant string) {
	p.placed--
	if p.running[tenant]--; p.running[tenant] <= 0 {
		delete(p.running, tenant)
	}
	p.giveOut()
}

// giveOut gives free places to those who wait, in order; who has as many as one may have is passed over.
func (p *Pool) giveOut() {
	for i := 0; i < len(p.queue) && p.placed < p.options.Processes; {
		w := p.queue[i]
		if p.running[w.tenant] >= p.options.PerTenant {
			i++
			continue
		}
		p.queue = slices.Delete(p.queue, i, i+1)
		p.running[w.tenant]++
		p.placed++
		close(w.given)
	}
}

// take returns a process for a customer: one that has served them, or one that has served nobody.
func (p *Pool) take(ctx context.Context, tenant string) (*process, error) {
	p.mu.Lock()
	for i := len(p.idle) - 1; i >= 0; i-- {
		if pr := p.idle[i]; pr.tenant == tenant {
			p.idle = slices.Delete(p.idle, i, i+1)
			p.mu.Unlock()
			return pr, nil
		}
	}
	if n := len(p.fresh); n > 0 {
		pr := p.fresh[n-1]
		p.fresh = p.fresh[:n-1]
		pr.tenant = tenant
		p.trim(p.options.Processes)
		p.startAhead()
		p.mu.Unlock()
		return pr, nil
	}
	p.trim(p.options.Processes - 1)
	p.mu.Unlock()
	pr, err := p.start(tenant)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if errors.Is(err, errClosed) {
			return nil, errClosed
		}
		p.logger.Error("start a process for scripts", "error", err)
		return nil, failf(Unusable, "no process could be started to run the code in: the server's log says why")
	}
	p.mu.Lock()
	p.startAhead()
	p.mu.Unlock()
	return pr, nil
}

// put takes a process back.
func (p *Pool) put(pr *process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if pr.broken || p.closed {
		pr.kill()
		delete(p.all, pr)
		p.startAhead()
		return
	}
	p.idle = append(p.idle, pr)
	p.trim(p.options.Processes)
}

// trim ends those that have been idle longest until customers have no more than so many processes, or none is idle.
func (p *Pool) trim(most int) {
	for len(p.idle) > 0 && p.owned() > most {
		pr := p.idle[0]
		p.idle = p.idle[1:]
		pr.kill()
		delete(p.all, pr)
	}
}

// owned returns how many processes are some customer's.
func (p *Pool) owned() int {
	n := 0
	for pr := range p.all {
		if pr.tenant != "" {
			n++
		}
	}
	return n
}

// startAhead starts a process that the next customer will find ready, unless one is.
func (p *Pool) startAhead() {
	if p.closed || len(p.fresh)+p.coming > 0 {
		return
	}
	p.coming++
	p.work.Go(func() {
		pr, err := p.start("")
		p.mu.Lock()
		defer p.mu.Unlock()
		p.coming--
		if err != nil {
			if !p.closed {
				p.logger.Error("start a process for scripts ahead", "error", err)
			}
			return
		}
		p.fresh = append(p.fresh, pr)
	})
}

// start starts a process for a customer, or for one who is still to come, and waits until it is ready.
func (p *Pool) start(tenant string) (*process, error) {
	request := startRequest{answer: make(chan startAnswer, 1)}
	select {
	case p.starts <- request:
	case <-p.stop:
		return nil, errClosed
	}
	answer := <-request.answer
	pr := answer.process
	if answer.err != nil {
		return nil, answer.err
	}
	p.mu.Lock()
	pr.tenant = tenant
	p.all[pr] = true
	p.trim(p.options.Processes)
	if p.closed {
		pr.kill()
	}
	p.mu.Unlock()
	err := pr.ready()
	if err != nil {
		pr.kill()
		p.mu.Lock()
		delete(p.all, pr)
		p.mu.Unlock()
		return nil, err
	}
	p.mu.Lock()
	said := p.said
	p.said = true
	p.mu.Unlock()
	if !said {
		p.logger.Info("code of steps is run in processes of its own", "held by", pr.bounds)
	}
	return pr, nil
}

// startAll starts processes, one after the other, and always on the same thread: where the system ends a process together with the
// thread that started it, this thread must live as long as the pool.
func (p *Pool) startAll() {
	runtime.LockOSThread() // and never unlocked: the thread ends here, and with it what it started
	for {
		select {
		case request := <-p.starts:
			pr, err := start(p.program, p.options.Memory)
			if err == nil {
				p.work.Go(func() { p.bury(pr) })
			}
			request.answer <- startAnswer{process: pr, err: err}
		case <-p.stop:
			return
		}
	}
}

// bury waits until a process has ended, so that none is left as a zombie.
func (p *Pool) bury(pr *process) {
	pr.wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	pr.kill() // only its pipe is left to close
	delete(p.all, pr)
	gone := func(other *process) bool { return other == pr }
	p.idle, p.fresh = slices.DeleteFunc(p.idle, gone), slices.DeleteFunc(p.fresh, gone)
}

// blame says why a process gave no reply.
func (p *Pool) blame(ctx context.Context, pr *process, s *session, err error, timeout time.Duration) error {
	switch {
	case s.err != nil:
		return s.err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	select {
	case <-p.stop:
		return errClosed
	default:
	}
	over := &oversizeError{}
	if errors.As(err, &over) && over.kind == frameDone {
		return failf(TooMuch, "the code's result is larger than %s: return less", megabytes(MaxOutput))
	}
	<-pr.ended
	if pr.overdue.Load() {
		return p.tooLong(timeout)
	}
	if pr.tail.outOfMemory() {
		return p.tooMuch()
	}
	p.logger.Warn("a process for scripts broke", "error", err, "state", pr.cmd.ProcessState, "said", pr.tail.String())
	return failf(Broken, "the code's process ended before the code did (%s): it is one of those that the engine does not withstand", pr.cmd.ProcessState)
}

func (p *Pool) tooLong(timeout time.Duration) *Failure {
	more := ""
	if timeout == p.options.Timeout {
		more = ", or start the server with more --script-timeout"
	}
	return failf(TooLong, "the code did not end within %s: do less in one step, or wait for less%s", timeout, more)
}

func (p *Pool) tooMuch() *Failure {
	return failf(TooMuch, "the code used more than %s of memory: work on less at once, or start the server with more --script-memory", megabytes(p.options.Memory))
}

func megabytes(n int64) string { return fmt.Sprintf("%d MB", n>>20) }
