package control_test

import (
	"flag"
	"runtime"
	"strconv"
	"testing"

	"github.com/headrace/headrace/internal/leaktest"
	"github.com/headrace/headrace/internal/sandbox"
)

// Every goroutine of a plane ends with it.
func TestMain(m *testing.M) {
	sandbox.Main()
	runMore()
	leaktest.Main(m)
}

// runMore lets more tests run side by side than there are processors, unless the command line says how many: half of their time they wait
// for what happens once a second.
func runMore() {
	flag.Parse()
	told := false
	flag.Visit(func(f *flag.Flag) { told = told || f.Name == "test.parallel" })
	if !told {
		_ = flag.Set("test.parallel", strconv.Itoa(4*runtime.GOMAXPROCS(0))) // it is a number
	}
}
