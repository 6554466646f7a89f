package sandbox

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"golang.org/x/sys/unix"
)

// statm stays open: once it is locked in, this process opens nothing.
var statm *os.File

// lockIn takes from this process what no script needs, and returns what holds it from then on.
func lockIn(memory int64) (bounds []string, err error) {
	if statm, err = os.Open("/proc/self/statm"); err != nil {
		return nil, fmt.Errorf("look at this process's memory: %w", err)
	}
	// When the machine is out of memory the system is to end this process and not the server. Not everywhere can that be said.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)

	all := []limit{
		{unix.RLIMIT_CPU, uint64(hardCPU.Seconds())},
		{unix.RLIMIT_FSIZE, 0},
		{unix.RLIMIT_CORE, 0},
		{unix.RLIMIT_NOFILE, 16},
	}
	if !raceDetector { // which maps more than there is memory
		all = append(all, limit{unix.RLIMIT_DATA, uint64(dataSize() + dataFor(memory))})
	}
	for _, l := range all {
		if err := unix.Setrlimit(l.resource, &unix.Rlimit{Cur: l.most, Max: l.most}); err != nil {
			return nil, fmt.Errorf("limit what scripts may use: %w", err)
		}
	}
	bounds = append(bounds, "rlimits")
	if err := filterCalls(); err != nil {
		return append(bounds, "no system call filter: "+err.Error()), nil //nolint:nilerr // it is told, and not everywhere is there one
	}
	return append(bounds, "system call filter"), nil
}

type limit struct {
	resource int
	most     uint64
}

// dataFor is what a process needs for scripts that use so much: the engine may hold an array twice while it grows, and Go its garbage.
func dataFor(memory int64) int64 { return 2*memory + 2*MaxInput + 64<<20 }

// filterCalls leaves this process the system calls by which Go runs, takes memory and talks over the pipes that it has. It can open
// nothing, connect to nothing, start nothing, and signal nobody but itself.
func filterCalls() error {
	noSuchCall := seccomp.Action(unix.SECCOMP_RET_ERRNO | uint32(syscall.ENOSYS))
	return seccomp.LoadFilter(seccomp.Filter{NoNewPrivs: true, Flag: seccomp.FilterFlagTSync, Policy: seccomp.Policy{
		DefaultAction: seccomp.ActionErrno,
		Syscalls: []seccomp.SyscallGroup{
			{Action: noSuchCall, Names: []string{"clone3"}}, // its arguments cannot be looked at: who asks uses clone then
			{Action: seccomp.ActionAllow, Names: []string{
				"read", "write", "readv", "writev", "pread64", "close", "fcntl", "lseek",
				"mmap", "munmap", "mremap", "mprotect", "madvise", "brk",
				"futex", "sched_yield", "sched_getaffinity", "nanosleep", "clock_nanosleep", "clock_gettime", "gettimeofday", "restart_syscall",
				"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack",
				"getpid", "gettid", "getrusage", "getrandom", "set_robust_list", "rseq", "membarrier",
				"epoll_create1", "epoll_ctl", "epoll_pwait", "eventfd2",
				"exit", "exit_group",
			}},
			{Action: seccomp.ActionAllow, NamesWithCondtions: []seccomp.NameWithConditions{
				{Name: "clone", Conditions: seccomp.ArgumentConditions{{Argument: 0, Operation: seccomp.BitsSet, Value: unix.CLONE_THREAD}}},
				{Name: "tgkill", Conditions: seccomp.ArgumentConditions{{Argument: 0, Operation: seccomp.Equal, Value: uint64(os.Getpid())}}},
			}},
		},
	}})
}

// dataSize returns how much memory of its own this process has taken; 0: nobody knows.
func dataSize() int64 {
	if statm == nil {
		return 0
	}
	var text [128]byte
	n, _ := statm.ReadAt(text[:], 0) // an error leaves nothing to read
	fields := strings.Fields(string(text[:n]))
	if len(fields) < 6 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[5], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

func closeInherited() error {
	if unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return nil
	}
	return closeOnExec("/proc/self/fd") // the system is older than the call
}

// bind ties the life of a process to that of the thread which starts it.
func bind() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// maxStack is how large the stacks of a process's threads are that the C library makes, if this program was built with one. Go's own code
// needs little of them, but all of it counts as memory that scripts may not have, and some machines are set to give each 256 MiB.
const maxStack = 1 << 20

// launching is held while this program's own bound of stacks is another one.
var launching sync.Mutex

// launch starts a process whose threads have small stacks. How large they are it takes from the program that starts it, and the C library
// looks at that before anything of ours runs. To what runs in this program already it means nothing.
func launch(cmd *exec.Cmd) error {
	launching.Lock()
	defer launching.Unlock()
	var own unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_STACK, &own); err != nil || own.Cur <= maxStack {
		return cmd.Start()
	}
	if err := unix.Setrlimit(unix.RLIMIT_STACK, &unix.Rlimit{Cur: maxStack, Max: own.Max}); err != nil {
		return fmt.Errorf("bound the stacks of a process for scripts: %w", err)
	}
	defer func() { _ = unix.Setrlimit(unix.RLIMIT_STACK, &own) }() // as it was before, so it may be
	return cmd.Start()
}

// program is this binary, even where another one has taken its place on the disk.
func program() (string, error) { return "/proc/self/exe", nil }
