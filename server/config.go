package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"time"
)

// Config is the server's flags. Each can come from the environment: HEADRACE_ and the flag's name in capitals.
type Config struct {
	DataDir       string         `group:"Where it works:" help:"Directory of the database and the key file. Made if it is not there." default:"./data" env:"HEADRACE_DATA_DIR" type:"path"`
	HTTPAddr      string         `group:"Where it works:" name:"http-addr" help:"Address for REST, webhooks and the API page." default:"127.0.0.1:8080" env:"HEADRACE_HTTP_ADDR"`
	GRPCAddr      string         `group:"Where it works:" name:"grpc-addr" help:"Address for gRPC." default:"127.0.0.1:9090" env:"HEADRACE_GRPC_ADDR"`
	PublicURL     string         `group:"Where it works:" help:"URL at which other systems reach the HTTP address: webhook URLs begin with it. Default: http:// and the HTTP address." placeholder:"URL" env:"HEADRACE_PUBLIC_URL"`
	AllowPrivate  []netip.Prefix `group:"Where it works:" help:"Private address ranges that flows may call, e.g. 10.0.0.0/8." placeholder:"RANGE" env:"HEADRACE_ALLOW_PRIVATE"`
	AllowLoopback bool           `group:"Where it works:" help:"Let flows call this machine, for trying things out." env:"HEADRACE_ALLOW_LOOPBACK"`
	LogLevel      slog.Level     `group:"Where it works:" help:"DEBUG, INFO, WARN or ERROR." default:"INFO" env:"HEADRACE_LOG_LEVEL"`
	LogFormat     string         `group:"Where it works:" help:"text or json." enum:"text,json" default:"text" env:"HEADRACE_LOG_FORMAT"`

	Workers      int           `group:"How much it does:" help:"Executions that run side by side for webhooks. One customer has no more." default:"16" env:"HEADRACE_WORKERS"`
	MaxQueued    int           `group:"How much it does:" help:"Executions of one customer that may wait. More are refused with 429." default:"100000" env:"HEADRACE_MAX_QUEUED"`
	MaxCrashes   int           `group:"How much it does:" help:"How often the server may crash while an execution runs before that is given up." default:"3" env:"HEADRACE_MAX_CRASHES"`
	RunTimeout   time.Duration `group:"How much it does:" help:"Longest time of one execution." default:"15m" env:"HEADRACE_RUN_TIMEOUT"`
	SyncTimeout  time.Duration `group:"How much it does:" help:"Longest time the caller of a synchronous flow waits." default:"30s" env:"HEADRACE_SYNC_TIMEOUT"`
	DrainTimeout time.Duration `group:"How much it does:" help:"Longest time for work under way when the server is told to stop." default:"20s" env:"HEADRACE_DRAIN_TIMEOUT"`

	MaxWebhookBody  int64         `group:"How large things may be:" help:"Bytes of a webhook's body." default:"6291456" env:"HEADRACE_MAX_WEBHOOK_BODY"`
	RunMemory       int64         `group:"How large things may be:" help:"Bytes that all running executions may hold in memory together; one customer's at most half." default:"1073741824" env:"HEADRACE_RUN_MEMORY"`
	ScriptTimeout   time.Duration `group:"How large things may be:" help:"Longest time of the code in one step." default:"10s" env:"HEADRACE_SCRIPT_TIMEOUT"`
	ScriptMemory    int64         `group:"How large things may be:" help:"Bytes of memory for the code in one step." default:"134217728" env:"HEADRACE_SCRIPT_MEMORY"`
	ScriptProcesses int           `group:"How large things may be:" help:"Processes that run code. Each serves one customer at a time." default:"8" env:"HEADRACE_SCRIPT_PROCESSES"`

	KeepPayloads   time.Duration `group:"What it keeps:" help:"How long payloads, step results and logs of ended executions are kept." default:"336h" env:"HEADRACE_KEEP_PAYLOADS"`
	KeepExecutions time.Duration `group:"What it keeps:" help:"How long ended executions and deployments are kept." default:"2160h" env:"HEADRACE_KEEP_EXECUTIONS"`
	Ballast        int64         `group:"What it keeps:" help:"Bytes set aside in the data directory, to be given up when the disk is full. 0: none." default:"8388608" env:"HEADRACE_BALLAST"`
}

// check refuses what no server can run with. Limits of 0 mean their defaults.
func (c *Config) check() error {
	var errs []error
	for _, addr := range []struct{ flag, text string }{{"--grpc-addr", c.GRPCAddr}, {"--http-addr", c.HTTPAddr}} {
		if _, port, err := net.SplitHostPort(addr.text); err != nil || port == "" {
			// net.Listen would take an empty address for any port on every interface.
			errs = append(errs, fmt.Errorf("%s %q is no address: give HOST:PORT, e.g. 127.0.0.1:8080", addr.flag, addr.text))
		}
	}
	for _, limit := range []struct {
		flag   string
		number int64
	}{
		{"--max-webhook-body", c.MaxWebhookBody},
		{"--workers", int64(c.Workers)},
		{"--max-queued", int64(c.MaxQueued)},
		{"--max-crashes", int64(c.MaxCrashes)},
		{"--sync-timeout", int64(c.SyncTimeout)},
		{"--run-timeout", int64(c.RunTimeout)},
		{"--run-memory", c.RunMemory},
		{"--script-timeout", int64(c.ScriptTimeout)},
		{"--script-memory", c.ScriptMemory},
		{"--script-processes", int64(c.ScriptProcesses)},
		{"--drain-timeout", int64(c.DrainTimeout)},
		{"--keep-payloads", int64(c.KeepPayloads)},
		{"--keep-executions", int64(c.KeepExecutions)},
		{"--ballast", c.Ballast},
	} {
		if limit.number < 0 {
			errs = append(errs, fmt.Errorf("%s is negative: give more than 0, or leave it out for the default", limit.flag))
		}
	}
	return errors.Join(errs...)
}

// publicURL returns the URL that webhook URLs begin with; httpAddr is the address the listener really has.
func (c *Config) publicURL(httpAddr string) (*url.URL, error) {
	text := c.PublicURL
	if text == "" {
		text = "http://" + httpAddr
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("--public-url %q is no http or https URL: give one such as https://hooks.example.com", text)
	}
	return u, nil
}

func (c *Config) logger() *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, options))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, options))
}
