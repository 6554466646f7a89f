package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/client"
	"github.com/headrace/headrace/examples/acme-erp/fake"
	"github.com/headrace/headrace/examples/acme-erp/story"
	"github.com/headrace/headrace/internal/leaktest"
	"github.com/headrace/headrace/internal/sandbox"
	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// asMain is the environment variable that makes this test the program itself.
const asMain = "HEADRACE_TEST_AS_MAIN"

func TestMain(m *testing.M) {
	sandbox.Main()
	if os.Getenv(asMain) != "" {
		main()
		return
	}
	leaktest.Main(m)
}

// TestTutorial plays the whole tutorial against the whole program, and then looks at what is left on disk.
func TestTutorial(t *testing.T) {
	t.Parallel()
	world := story.World{Definitions: os.DirFS("../examples/acme-erp")}
	var smith, jones *fake.ERP
	world.ERP, smith = startERP(t)
	world.OtherERP, jones = startERP(t)
	world.Progix, _ = startProgix(t)
	dir := t.TempDir()
	s := serveOn(t, dir)
	world.GRPC, world.REST = s.grpcAddr, "http://"+s.httpAddr
	if err := story.Play(t.Context(), world, teller{t}); err != nil {
		t.Fatal(err)
	}
	s.stop()

	secrets := map[string]string{
		"the API key of an Acme ERP": world.ERP.Key, "the API key of the other Acme ERP": world.OtherERP.Key, "the token of Progix": world.Progix.Key,
	}
	for _, entry := range append(smith.Ledger(), jones.Ledger()...) {
		token := strings.Split(path(t, entry.CallbackURL), "/")[2]
		secrets["the webhook token "+token] = token
	}
	checkSealed(t, dir, secrets)
}

// checkSealed looks for secrets in the files of a data directory.
func checkSealed(t *testing.T, dir string, secrets map[string]string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	looked := false
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		looked = looked || bytes.Contains(text, []byte("Sync Customer Data"))
		for what, secret := range secrets {
			if bytes.Contains(text, []byte(secret)) {
				t.Errorf("%s holds %s", f.Name(), what)
			}
		}
	}
	if !looked {
		t.Error("no file holds the name of a flow: the secrets were looked for in the wrong place")
	}
}

// teller logs the story.
type teller struct{ t *testing.T }

func (l teller) Scene(number int, title string) { l.t.Logf("%d. %s", number, title) }
func (l teller) Say(format string, args ...any) { l.t.Logf("   "+format, args...) }
func (l teller) Check(format string, args ...any) {
	l.t.Logf("   ok: "+format, args...)
}

func (l teller) Show(label string, rows ...[]string) {
	l.t.Logf("   %s", label)
	for _, row := range rows {
		l.t.Logf("     %s", strings.Join(row, " | "))
	}
}

// TestRestart stops the server and starts it again on the same data: what was deployed serves on, and what was held is still there.
func TestRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at, progix := startProgix(t)
	first := serveOn(t, dir)
	in := first.deployForwarder(t, at)
	hook := path(t, in.GetFlows()[0].GetWebhookUrl())
	ran := first.post(t, hook, `{"name":"before"}`)
	first.await(t, ran)
	if _, err := first.api.Instances.PauseInstance(t.Context(), &headracev1.PauseInstanceRequest{InstanceId: in.GetId()}); err != nil {
		t.Fatal(err)
	}
	held := first.post(t, hook, `{"name":"held"}`)
	first.stop()

	second := serveOn(t, dir)
	got, err := second.api.Instances.GetInstance(t.Context(), &headracev1.GetInstanceRequest{InstanceId: in.GetId()})
	if err != nil {
		t.Fatal(err)
	}
	after := got.GetInstance()
	if after.GetState() != headracev1.Instance_STATE_ACTIVE || after.GetGeneration() != 1 || !after.GetPaused() {
		t.Errorf("instance is %s in generation %d, paused %t: want it as it was", after.GetState(), after.GetGeneration(), after.GetPaused())
	}
	if now := path(t, after.GetFlows()[0].GetWebhookUrl()); now != hook {
		t.Errorf("webhook URL is %s, want %s as before", now, hook)
	}
	if ex := second.execution(t, ran); ex.GetState() != headracev1.Execution_STATE_SUCCEEDED || len(ex.GetStepResults()) != 2 {
		t.Errorf("execution from before is %s with %d step results, want it as it was", ex.GetState(), len(ex.GetStepResults()))
	}
	if ex := second.execution(t, held); ex.GetState() != headracev1.Execution_STATE_QUEUED {
		t.Errorf("held execution is %s, want QUEUED", ex.GetState())
	}
	if _, err := second.api.Instances.ResumeInstance(t.Context(), &headracev1.ResumeInstanceRequest{InstanceId: in.GetId()}); err != nil {
		t.Fatal(err)
	}
	second.await(t, held)
	second.await(t, second.post(t, hook, `{"name":"after"}`))
	second.stop()

	var names []string
	for _, r := range progix.Received() {
		names = append(names, fmt.Sprint(r.Status, " ", r.Raw))
	}
	// The status shows that the token, a sealed secret, was there after the restart.
	want := []string{`201 {"name":"before"}`, `201 {"name":"held"}`, `201 {"name":"after"}`}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("what Progix got (-want +got):\n%s", diff)
	}
}

// TestProgram runs the program as a process: what it prints, how it ends, and that a second one on the same data gives way.
func TestProgram(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := program(t, dir)
	var stderr bytes.Buffer
	first.Stderr = &stderr
	stdout, err := first.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Process.Kill() }() // it has ended, unless the test failed
	addresses := map[string]string{}
	for scanner := bufio.NewScanner(stdout); len(addresses) < 6 && scanner.Scan(); {
		name, value, _ := strings.Cut(strings.TrimSpace(scanner.Text()), "  ")
		addresses[name] = strings.TrimSpace(value)
	}
	if code, body := get(t, strings.TrimSuffix(addresses["REST"], "v1/")+"readyz"); code != http.StatusOK {
		t.Errorf("readyz answers %d %s, want 200; the program printed %v", code, body, addresses)
	}

	var second *exec.ExitError
	cmd := program(t, dir)
	if _, err := cmd.Output(); !errors.As(err, &second) {
		t.Fatalf("a second program on the same data ended with %v, want an exit code", err)
	}
	if second.ExitCode() != 75 || !strings.Contains(string(second.Stderr), "in use by process "+strconv.Itoa(first.Process.Pid)) {
		t.Errorf("a second program on the same data ended with %d and said %q, want 75 and the first one's process id", second.ExitCode(), second.Stderr)
	}

	if err := first.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := first.Wait(); err != nil {
		t.Errorf("told to stop it ended with %v, want exit code 0; it said:\n%s", err, stderr.String())
	}
}

// TestListenersTaken names the flag that gives another address.
func TestListenersTaken(t *testing.T) {
	t.Parallel()
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for flag, set := range map[string]func(*Config){
		"--grpc-addr": func(c *Config) { c.GRPCAddr = taken.Addr().String() },
		"--http-addr": func(c *Config) { c.HTTPAddr = taken.Addr().String() },
	} {
		t.Run(flag, func(t *testing.T) {
			cfg := testConfig(t)
			set(&cfg)
			_, err := open(t.Context(), cfg)
			if err == nil || !strings.Contains(err.Error(), flag) || exitCode(err) != 1 {
				t.Errorf("error is %v, exit code %d: want one that names %s, and 1", err, exitCode(err), flag)
			}
			serveOn(t, cfg.DataDir) // the data was let go of
		})
	}
}

// TestCommandLine tells what a person needs who types little: the flags of serving at once, and one line for a mistake.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--help"}, 0, "--http-addr="},
		{[]string{"--log-level", "LOUD"}, exitCommandLine, `--log-level: slog: level string "LOUD": unknown name; see headrace-server --help`},
		{[]string{"fly"}, exitCommandLine, "unexpected argument fly; see"},
		{[]string{"verify", "/nowhere.db"}, 1, "there is no file /nowhere.db"},
		{[]string{"--http-addr", "8080"}, 1, `--http-addr "8080" is no address: give HOST:PORT`},
		{[]string{"--grpc-addr", ""}, 1, `--grpc-addr "" is no address`},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], tt.args...)
			cmd.Env = append(os.Environ(), asMain+"=1", "HEADRACE_DATA_DIR="+t.TempDir())
			var out, errs bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &errs
			err := cmd.Run()
			if code := cmd.ProcessState.ExitCode(); code != tt.code || !strings.Contains(out.String()+errs.String(), tt.want) {
				t.Errorf("%v, code %d, printed %q and %q, want %d and %q", err, code, out.String(), errs.String(), tt.code, tt.want)
			}
			if tt.code != 0 && (out.Len() > 0 || strings.Count(errs.String(), "\n") != 1) {
				t.Errorf("printed %q and %q, want one line of error", out.String(), errs.String())
			}
		})
	}
}

// TestPublicURL refuses what other systems could not call.
func TestPublicURL(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"hooks.example.com", "ftp://hooks.example.com", "https://", "https://hooks.example.com?a=b", "https://me@hooks.example.com", "://"} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			cfg := testConfig(t)
			cfg.PublicURL = text
			if _, err := open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "--public-url") {
				t.Errorf("error is %v, want one that names --public-url", err)
			}
		})
	}
	s := serveOn(t, t.TempDir(), func(c *Config) { c.PublicURL = "https://hooks.example.com/headrace" })
	defer s.stop()
	at, _ := startProgix(t)
	if url := s.deployForwarder(t, at).GetFlows()[0].GetWebhookUrl(); !strings.HasPrefix(url, "https://hooks.example.com/headrace/hooks/") {
		t.Errorf("webhook URL is %s, want it to begin with the public URL", url)
	}
}

// path is the path of a URL: the server has another port after a restart.
func path(t *testing.T, text string) string {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u.Path
}

// forwarder sends what comes in to Progix.
const forwarder = `
id: forwarder
displayName: Forwarder
configVariables:
  - {displayName: URL, required: true}
  - {displayName: Token, required: true, secret: true}
flows:
  - displayName: Forward
    steps:
      - displayName: Send
        action: http.httpPost
        inputs:
          url: {template: '{{#URL}}/api/customers'}
          headers: {complex: {items: [{name: Authorization, template: 'Bearer {{#Token}}'}]}}
          data: {reference: trigger.results.body.data}
`

// deployForwarder publishes the forwarder and deploys an instance of it.
func (r *running) deployForwarder(t *testing.T, progix story.System) *headracev1.Instance {
	t.Helper()
	ctx := t.Context()
	if _, err := r.api.ImportIntegration(ctx, "", forwarder); err != nil {
		t.Fatal(err)
	}
	if _, err := r.api.Integrations.PublishIntegration(ctx, &headracev1.PublishIntegrationRequest{IntegrationId: "forwarder"}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.api.Customers.CreateCustomer(ctx, &headracev1.CreateCustomerRequest{Customer: &headracev1.Customer{Id: "smith", DisplayName: "Smith"}}); err != nil {
		t.Fatal(err)
	}
	text := func(s string) *headracev1.ConfigValue {
		return &headracev1.ConfigValue{Kind: &headracev1.ConfigValue_Json{Json: strconv.Quote(s)}}
	}
	created, err := r.api.Instances.CreateInstance(ctx, &headracev1.CreateInstanceRequest{Instance: &headracev1.Instance{
		DisplayName: "Smith", CustomerId: "smith", IntegrationId: "forwarder",
		ConfigValues: map[string]*headracev1.ConfigValue{"url": text(progix.URL), "token": text(progix.Key)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	res, err := r.api.Deploy(ctx, created.GetInstance().GetId(), client.DeployOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return res.GetInstance()
}

// post sends JSON to a webhook and returns the id of the execution.
func (r *running) post(t *testing.T, path, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.httpAddr+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	code, answer := do(t, req)
	var accepted struct{ ExecutionID string }
	if err := json.Unmarshal([]byte(answer), &accepted); err != nil || code != http.StatusOK || accepted.ExecutionID == "" {
		t.Fatalf("the webhook was answered %d %s, want 200 with an execution id", code, answer)
	}
	return accepted.ExecutionID
}

// await follows an execution until it has succeeded.
func (r *running) await(t *testing.T, executionID string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for event, err := range r.api.Tail(ctx, executionID) {
		if err != nil {
			t.Fatal(err)
		}
		if ex := event.Execution; client.Finished(ex) && ex.GetState() != headracev1.Execution_STATE_SUCCEEDED {
			t.Fatalf("execution ended %s: %v", ex.GetState(), ex.GetError())
		}
	}
}

func (r *running) execution(t *testing.T, id string) *headracev1.Execution {
	t.Helper()
	res, err := r.api.Executions.GetExecution(t.Context(), &headracev1.GetExecutionRequest{ExecutionId: id})
	if err != nil {
		t.Fatal(err)
	}
	return res.GetExecution()
}

// running is a server that serves in this process, and a client of it.
type running struct {
	*server

	api  *client.Client
	stop func() // stops both, as a signal would; once
}

// serveOn starts a server on a data directory; change changes its config.
func serveOn(t *testing.T, dir string, change ...func(*Config)) *running {
	t.Helper()
	cfg := testConfig(t)
	cfg.DataDir = dir
	for _, c := range change {
		c(&cfg)
	}
	s, stopServer := startServerWith(t, cfg)
	api, err := client.Dial(s.grpcAddr)
	if err != nil {
		stopServer()
		t.Fatal(err)
	}
	stop := sync.OnceFunc(func() {
		if err := api.Close(); err != nil {
			t.Errorf("close the client: %v", err)
		}
		stopServer()
	})
	t.Cleanup(stop)
	return &running{server: s, api: api, stop: stop}
}

// program is the program as a process of its own: this test, told to be main.
func program(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0],
		"--data-dir", dir, "--grpc-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), asMain+"=1")
	return cmd
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, req)
}

func do(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
	req.Close = true // so that no connection outlives the test
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// startERP starts an Acme ERP.
func startERP(t *testing.T) (story.System, *fake.ERP) {
	t.Helper()
	key := rand.Text()
	erp := fake.NewERP(key)
	return story.System{Key: key, URL: serve(t, erp)}, erp
}

// startProgix starts a Progix.
func startProgix(t *testing.T) (story.System, *fake.Progix) {
	t.Helper()
	key := rand.Text()
	progix := fake.NewProgix(key)
	return story.System{Key: key, URL: serve(t, progix)}, progix
}

func serve(t *testing.T, counterpart fake.Counterpart) string {
	t.Helper()
	s := httptest.NewServer(counterpart)
	t.Cleanup(func() {
		counterpart.Close()
		s.Close()
	})
	return s.URL
}
