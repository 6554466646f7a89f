package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"time"
)

// Config is the server's flags. Each can come from the environment: HEADRACE_ and the flag's name in capitals.
type Config struct {
	DataDir         string         `help:"Directory of the database and the key file; it is created." default:"./data" env:"HEADRACE_DATA_DIR" type:"path"`
	GRPCAddr        string         `name:"grpc-addr" help:"Address of the gRPC listener." default:"127.0.0.1:9090" env:"HEADRACE_GRPC_ADDR"`
	HTTPAddr        string         `name:"http-addr" help:"Address of the HTTP listener: REST, webhooks, API page." default:"127.0.0.1:8080" env:"HEADRACE_HTTP_ADDR"`
	PublicURL       string         `help:"URL under which other systems reach the HTTP listener; webhook URLs begin with it. Default: http:// and the HTTP address." env:"HEADRACE_PUBLIC_URL"`
	AllowPrivate    []netip.Prefix `help:"Private address ranges that flows may call, e.g. 10.0.0.0/8." env:"HEADRACE_ALLOW_PRIVATE"`
	AllowLoopback   bool           `help:"Let flows call this machine, for trying things out." env:"HEADRACE_ALLOW_LOOPBACK"`
	MaxWebhookBody  int64          `help:"Most bytes of a webhook's body." default:"6291456" env:"HEADRACE_MAX_WEBHOOK_BODY"`
	Workers         int            `help:"Executions that run side by side for webhooks; one customer has no more." default:"16" env:"HEADRACE_WORKERS"`
	MaxQueued       int            `help:"Executions of one customer that may wait; more are refused with 429 until some have run." default:"100000" env:"HEADRACE_MAX_QUEUED"`
	MaxCrashes      int            `help:"How often the server may end while an execution runs before it is given up." default:"3" env:"HEADRACE_MAX_CRASHES"`
	SyncTimeout     time.Duration  `help:"How long the caller of a synchronous flow is kept waiting." default:"30s" env:"HEADRACE_SYNC_TIMEOUT"`
	RunTimeout      time.Duration  `help:"How long one execution may run." default:"15m" env:"HEADRACE_RUN_TIMEOUT"`
	RunMemory       int64          `help:"Bytes that what executions hold may take, all together; one customer's at most half." default:"1073741824" env:"HEADRACE_RUN_MEMORY"`
	ScriptTimeout   time.Duration  `help:"How long the code of one step may run." default:"10s" env:"HEADRACE_SCRIPT_TIMEOUT"`
	ScriptMemory    int64          `help:"Bytes that the code of one step may use." default:"134217728" env:"HEADRACE_SCRIPT_MEMORY"`
	ScriptProcesses int            `help:"Processes that run code of steps; each is one customer's." default:"8" env:"HEADRACE_SCRIPT_PROCESSES"`
	DrainTimeout    time.Duration  `help:"How long work under way may take when the server is told to stop." default:"20s" env:"HEADRACE_DRAIN_TIMEOUT"`
	LogLevel        slog.Level     `help:"DEBUG, INFO, WARN or ERROR." default:"INFO" env:"HEADRACE_LOG_LEVEL"`
	LogFormat       string         `help:"text or json." enum:"text,json" default:"text" env:"HEADRACE_LOG_FORMAT"`
	KeepPayloads    time.Duration  `help:"How long payloads, step results and logs of ended executions are kept." default:"336h" env:"HEADRACE_KEEP_PAYLOADS"`
	KeepExecutions  time.Duration  `help:"How long ended executions and deployments are kept." default:"2160h" env:"HEADRACE_KEEP_EXECUTIONS"`
	Ballast         int64          `help:"Bytes set aside in the data directory, so that room can be made when the disk is full; 0: none." default:"8388608" env:"HEADRACE_BALLAST"`
}

// check refuses what no server can run with. Limits of 0 mean their defaults.
func (c *Config) check() error {
	var errs []error
	for _, addr := range []struct{ flag, text string }{{"--grpc-addr", c.GRPCAddr}, {"--http-addr", c.HTTPAddr}} {
		if addr.text == "" {
			// net.Listen would take any port on every interface.
			errs = append(errs, fmt.Errorf("%s is empty: give an address such as 127.0.0.1:8080", addr.flag))
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
