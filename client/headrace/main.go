// Command headrace is the operator's command line: it applies components and integrations from files, tests flows, deploys
// instances and shows what they do. It speaks to a server through the Go SDK and decides nothing itself.
//
// It never asks questions and needs no terminal: everything can be scripted. It ends with 0, or with 1 if the server refused, 2 if
// the call was wrong, 3 if no server answered.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/headrace/headrace/client"
	"github.com/headrace/headrace/internal/sandbox"
)

// The exit codes.
const (
	exitOK          = 0
	exitRefused     = 1 // the server answered with an error, or a tested flow failed
	exitUsage       = 2 // the call, or a file it names, is wrong; nothing was sent
	exitUnreachable = 3 // no server answered
)

// streams are what a program is given to read and write.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// What waits for its input cannot be told to stop: so long after it was interrupted the program ends in any case, with this code.
const (
	mostToStop      = 5 * time.Second
	exitInterrupted = 130 // as shells have it
)

func main() {
	sandbox.Main() // where a test runs code, this program is started again to do it
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, func() {
		stop() // a second signal ends the program at once
		time.Sleep(mostToStop)
		os.Exit(exitInterrupted)
	})
	code := run(ctx, os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr})
	stop()
	os.Exit(code)
}

// run is the program without its process.
func run(ctx context.Context, args []string, std streams) int {
	var g grammar
	left := -1 // the code --help leaves with
	parser, err := kong.New(&g,
		kong.Name("headrace"),
		kong.Description("Describe integrations, deploy them for customers, and see what they do.\n\n"+
			"Nouns may be in the plural, too. Exit codes: 0 done; 1 refused, or a test failed; 2 a wrong call or file; 3 no server answered."),
		kong.Help(printHelp),
		kong.Writers(std.out, std.err),
		kong.Exit(func(code int) { left = max(left, code) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, NoExpandSubcommands: true, WrapUpperBound: 120}),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil {
		panic("headrace: the grammar is wrong: " + err.Error())
	}
	if len(args) == 0 {
		parser.Stdout, args = std.err, []string{"--help"} // nothing was asked for: what could be is no output
		left = exitUsage
	}
	parsed, err := parser.Parse(args)
	switch {
	case left >= 0:
		return left
	case err != nil:
		return fail(std.err, paintFor(std.err, g.NoColor), usage("%v", wrongCall(parser.Model.Node, err)))
	}
	a, err := g.app(std)
	if err != nil {
		return fail(std.err, paintFor(std.err, g.NoColor), err)
	}
	if a.client != nil {
		defer a.client.Close()
	}
	if err := parsed.Run(a, parser); err != nil {
		if client.Unreachable(err) {
			err = &unreachable{server: g.Server, err: err}
		}
		return fail(std.err, paintFor(std.err, g.NoColor), err)
	}
	return exitOK
}

// app is what every command works with.
type app struct {
	*printer
	client *client.Client
	in     io.Reader
	err    io.Writer
}

func (g *grammar) app(std streams) (*app, error) {
	if err := g.checkServer(); err != nil {
		return nil, err
	}
	var opts []client.Option
	switch {
	case g.Insecure && (g.TLS || g.CA != ""):
		return nil, usage("--insecure allows plain text, --tls and --ca ask for TLS: give one of them")
	case g.Insecure:
		opts = append(opts, client.WithInsecure())
	case g.CA != "":
		opts = append(opts, client.WithCA(g.CA))
	case g.TLS:
		opts = append(opts, client.WithTLS(nil))
	}
	c, err := client.Dial(g.Server, append(opts, client.WithToken(g.Token), client.WithTimeout(g.Timeout))...)
	if err != nil {
		return nil, usage("%v (--tls, --ca FILE or --insecure)", err)
	}
	out := &printer{w: std.out, format: g.Output, paint: paintFor(std.out, g.NoColor), now: time.Now}
	return &app{printer: out, client: c, in: std.in, err: std.err}, nil
}

// checkServer refuses addresses that look right and that gRPC takes for something else.
func (g *grammar) checkServer() error {
	const wanted = "give HOST:PORT of the server's gRPC listener, e.g. 127.0.0.1:9090"
	scheme, host, isURL := strings.Cut(g.Server, "://")
	switch {
	case isURL && (scheme == "http" || scheme == "https"):
		return usage("--server %s is a URL: %s, and --tls for TLS", g.Server, wanted)
	case !isURL && !strings.Contains(scheme, ":"):
		return usage("--server %q has no port: %s", scheme, wanted)
	case isURL && host == "":
		return usage("--server %s names no host: %s", g.Server, wanted)
	}
	return nil
}
