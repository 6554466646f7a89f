package sqldb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	goflag "flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
	"github.com/headrace/headrace/internal/storage/sqldb/pagesum"
)

var (
	corruptions    = goflag.Int("corruptions", 40, "how many damaged files TestCorruption opens")
	corruptionSeed = goflag.Uint64("corruption", 0, "open only the damaged file of this seed")
)

// outcome is what a damaged file leads to.
type outcome string

const (
	detected outcome = "detected" // refused at the start, or the store stopped when it met the damage
	harmless outcome = "harmless" // every answer is right
	wrong    outcome = "wrong"    // an answer differs, and nobody was told
	panicked outcome = "panicked"
)

// TestCorruption damages files in every way that disks do and asks for everything that is in them.
func TestCorruption(t *testing.T) {
	t.Parallel()
	g := newSpecimen(t)
	seeds := []uint64{*corruptionSeed}
	if *corruptionSeed == 0 {
		seeds = seeds[:0]
		for n := range *corruptions {
			seeds = append(seeds, uint64(n+1))
		}
	}
	var mu sync.Mutex
	checked, unchecked := map[outcome]int{}, map[outcome]int{}
	t.Run("seeds", func(t *testing.T) {
		for _, seed := range seeds {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				with, without := g.try(t, seed, (*specimen).open), g.try(t, seed, (*specimen).openUnchecked)
				mu.Lock()
				defer mu.Unlock()
				checked[with]++
				unchecked[without]++
			})
		}
	})
	t.Logf("%d damaged files: %v; without the store's own checks: %v", len(seeds), checked, unchecked)
	if *corruptionSeed == 0 && unchecked[wrong]+unchecked[panicked] == 0 {
		t.Error("without checks no answer was wrong either: this test proves nothing")
	}
}

// How many instances a specimen has in its file, and in all; the rest are in its log.
const (
	instancesInFile = 25
	instancesInAll  = 40
)

// specimen is a store as a crash left it, and what it answers.
type specimen struct {
	files   map[string][]byte // by the suffix of their name
	answers map[string]string
}

// newSpecimen fills a store, part of it in the file and part in the log.
func newSpecimen(t *testing.T) *specimen {
	t.Helper()
	path := filepath.Join(t.TempDir(), "headrace.db")
	db := open(t, path)
	furnish(t, db, 0, instancesInFile)
	if _, err := db.writer.conn.ExecContext(t.Context(), `PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		t.Fatal(err)
	}
	furnish(t, db, instancesInFile, instancesInAll)
	g := &specimen{files: map[string][]byte{}}
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		content, err := os.ReadFile(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		g.files[suffix] = content
	}
	var err error
	if g.answers, err = ask(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	if len(g.answers) < 200 || len(g.files[""]) < 100*pagesum.PageSize || len(g.files["-wal"]) < 50*pagesum.PageSize {
		t.Fatalf("only %d answers, %d bytes, %d in the log", len(g.answers), len(g.files[""]), len(g.files["-wal"]))
	}
	return g
}

// furnish writes customers, instances and executions with numbers in a range.
func furnish(t *testing.T, db *DB, from, to int) {
	t.Helper()
	ctx, random := t.Context(), rand.New(rand.NewPCG(uint64(from), 1))
	def := ipaas.Definition{DisplayName: "ERP", Flows: []ipaas.Flow{{ID: "orders", DisplayName: strings.Repeat("Orders ", 900)}}}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	if from == 0 {
		must(db.CreateIntegration(ctx, ipaas.Integration{ID: "erp", Draft: def},
			ipaas.Instance{ID: "erp--test", UID: "t", Kind: ipaas.InstanceTest, State: ipaas.InstanceActive}, storage.Write{}))
	}
	for n := from; n < to; n++ {
		now, id := time.Unix(1_700_000_000+int64(n), 0).UTC(), fmt.Sprintf("i-%03d", n)
		customer := fmt.Sprintf("c-%03d", n)
		must(db.CreateCustomer(ctx, ipaas.Customer{ID: customer, DisplayName: letters(random, 300), CreateTime: now, UpdateTime: now}, storage.Write{}))
		must(db.CreateInstance(ctx, ipaas.Instance{
			ID: id, UID: "u-" + id, Kind: ipaas.InstanceStandard, CustomerID: customer, IntegrationID: "erp", State: ipaas.InstanceCreated,
			Description: letters(random, 200), CreateTime: now, UpdateTime: now,
			Config: ipaas.Config{Revision: 1, Values: map[string]ipaas.ConfigValue{"url": {JSON: `"` + letters(random, 100) + `"`}}},
		}, []ipaas.Webhook{{TokenHash: "h-" + id, TokenSealed: "s", FlowID: "orders", Current: true, CreateTime: now}}, storage.Write{}))
		d := ipaas.Deployment{
			ID: "d-" + id, InstanceID: id, CreateTime: now,
			Candidate: ipaas.Generation{DefinitionHash: def.Hash(), ConfigRevision: 1},
		}
		_, _, err := db.BeginDeployment(ctx, d, nil, 0)
		must(err)
		_, err = db.BeginRegistration(ctx, ipaas.Registration{
			ID: "r-" + id, InstanceID: id, FlowID: "orders", StepID: "post", Key: "post", DeploymentID: d.ID, State: ipaas.RegistrationIntent,
			InputsSealed: letters(random, 150), CreateTime: now, UpdateTime: now,
		})
		must(err)
		_, err = db.CommitDeployment(ctx, d.ID, now, storage.Takeover{})
		must(err)
		furnishExecution(t, db, random, id, now)
	}
}

// furnishExecution takes an execution through its life. Some payloads take several pages.
func furnishExecution(t *testing.T, db *DB, random *rand.Rand, instance string, now time.Time) {
	t.Helper()
	ctx, ex := t.Context(), event([]byte(letters(random, random.IntN(12_000))))
	ex.ID, ex.InstanceID, ex.CreateTime = "e-"+instance, instance, now
	_, err := db.AcceptExecution(ctx, ex, storage.Admission{ServingHasFlow: true})
	taken, claimErr := db.ClaimExecutions(ctx, now, now.Add(time.Hour), 1, storage.Workers{})
	if err := errors.Join(err, claimErr); err != nil || len(taken) == 0 {
		t.Fatalf("claimed %d: %v", len(taken), err)
	}
	claimed := taken[0]
	s, _, stepErr := db.BeginStep(ctx, claimed.Attempts, ipaas.StepResult{ExecutionID: claimed.ID, Path: "post", Inputs: letters(random, 400), StartTime: now})
	s.State, s.Result, s.EndTime = ipaas.StepSucceeded, letters(random, random.IntN(6_000)), now
	logs := []ipaas.Log{{Severity: "INFO", Message: letters(random, 80), CreateTime: now}}
	err = errors.Join(stepErr, db.CompleteStep(ctx, claimed.Attempts, s, logs, nil))
	claimed.State, claimed.EndTime = ipaas.ExecutionSucceeded, now
	if err := errors.Join(err, db.FinishExecution(ctx, claimed)); err != nil {
		t.Fatal(err)
	}
}

func letters(random *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte(random.IntN(26))
	}
	return string(b)
}

// ask asks a store for everything there is, by every way that leads to it, until it refuses to answer.
func ask(ctx context.Context, db *DB) (map[string]string, error) {
	answers := map[string]string{}
	var refused error
	tell := func(question string, answer any, err error) {
		text, jsonErr := json.Marshal(answer)
		answers[question] = string(text)
		if err != nil {
			answers[question] = err.Error()
		}
		if err = errors.Join(err, jsonErr); ipaas.ReasonOf(err) == ipaas.ReasonStorageFailed {
			refused = err
		}
	}
	q := storage.Query{Size: 1000}
	customers, err := db.ListCustomers(ctx, q)
	tell("customers", customers, err)
	integrations, err := db.ListIntegrations(ctx, q)
	tell("integrations", integrations, err)
	instances, err := db.ListInstances(ctx, q)
	tell("instances", instances, err)
	executions, err := db.ListExecutions(ctx, q)
	tell("executions", executions, err)
	for n := 0; n < instancesInAll && refused == nil; n++ {
		id := fmt.Sprintf("i-%03d", n)
		askInstance(ctx, db, id, tell)
	}
	return answers, refused
}

func askInstance(ctx context.Context, db *DB, id string, tell func(question string, answer any, err error)) {
	customer, err := db.GetCustomer(ctx, "c"+strings.TrimPrefix(id, "i"))
	tell("customer of "+id, customer, err)
	in, err := db.GetInstance(ctx, id)
	tell("instance "+id, in, err)
	config, err := db.GetConfig(ctx, id, 1)
	tell("config of "+id, config, err)
	hook, _, err := db.LookupWebhook(ctx, "h-"+id, time.Unix(1_700_000_000, 0))
	tell("hook of "+id, hook, err)
	deployments, err := db.ListDeployments(ctx, id, storage.Query{Size: 100})
	tell("deployments of "+id, deployments, err)
	generation, err := db.GetGeneration(ctx, id, 1)
	tell("generation of "+id, generation, err)
	definition, err := db.GetDefinition(ctx, generation.DefinitionHash)
	tell("definition of "+id, definition, err)
	registrations, err := db.ListRegistrations(ctx, id)
	tell("registrations of "+id, registrations, err)
	ex, err := db.GetExecution(ctx, "e-"+id)
	tell("execution of "+id, ex, err)
	steps, err := db.ListStepResults(ctx, "e-"+id, 0, 100)
	tell("steps of "+id, steps, err)
	logs, err := db.ListLogs(ctx, "e-"+id, 0, 100)
	tell("logs of "+id, logs, err)
}

// try damages a copy as the seed says and tells what it leads to.
func (g *specimen) try(t *testing.T, seed uint64, open func(g *specimen, t *testing.T, path string) (*DB, error)) (result outcome) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "headrace.db")
	what := g.damage(t, path, rand.New(rand.NewPCG(seed, 12)))
	defer func(previous bool) { debug.SetPanicOnFault(previous) }(debug.SetPanicOnFault(true))
	defer func() {
		if v := recover(); v != nil {
			t.Errorf("seed %d, %s: panic: %v\n%s", seed, what, v, debug.Stack())
			result = panicked
		}
	}()
	db, err := open(g, t, path)
	if format := new(FormatError); errors.As(err, &format) {
		return detected
	}
	if err != nil {
		t.Errorf("seed %d, %s: opening says %v", seed, what, err)
		return wrong
	}
	if db.writer != nil {
		defer db.Close()
	}
	answers, err := ask(t.Context(), db)
	if err != nil {
		return detected
	}
	if diff := cmp.Diff(g.answers, answers); diff != "" {
		if db.writer != nil {
			t.Errorf("seed %d, %s, was not seen (-want +got):\n%.2000s", seed, what, diff)
		}
		return wrong
	}
	return harmless
}

func (g *specimen) open(t *testing.T, path string) (*DB, error) {
	return OpenSQLite(t.Context(), path, quiet)
}

// openUnchecked opens a file for reading as one would who trusts SQLite to see damage.
func (g *specimen) openUnchecked(t *testing.T, path string) (*DB, error) {
	t.Helper()
	pool, err := sql.Open("sqlite", fileURL(path, nil))
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		_ = pool.Close() // what it says of a damaged file does not matter
	})
	return &DB{readers: pool, reads: newRunner(pool.PrepareContext), failure: failure{done: make(chan struct{})}}, nil
}

// put writes a copy of the files but those left out.
func (g *specimen) put(t *testing.T, path string, without ...string) {
	t.Helper()
	for suffix, content := range g.files {
		if slices.Contains(without, suffix) {
			continue
		}
		if err := os.WriteFile(path+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// damage writes a copy of the files, one of them damaged, and tells how.
func (g *specimen) damage(t *testing.T, path string, random *rand.Rand) (what string) {
	t.Helper()
	suffix := []string{"", "", "", "", "-wal", "-wal", "-shm"}[random.IntN(7)]
	content := append([]byte(nil), g.files[suffix]...)
	kind := damages[random.IntN(len(damages))]
	content = kind.do(content, random)
	g.put(t, path)
	if err := os.WriteFile(path+suffix, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return kind.name + " in headrace.db" + suffix
}

// damages are what disks, controllers and file systems do.
var damages = []struct {
	name string
	do   func(b []byte, random *rand.Rand) []byte
}{
	{"a zeroed sector", func(b []byte, random *rand.Rand) []byte { clear(block(b, 512, random)); return b }},
	{"a garbled sector", func(b []byte, random *rand.Rand) []byte { garble(block(b, 512, random), random); return b }},
	{"a zeroed page", func(b []byte, random *rand.Rand) []byte { clear(block(b, pagesum.PageSize, random)); return b }},
	{"a garbled page", func(b []byte, random *rand.Rand) []byte {
		garble(block(b, pagesum.PageSize, random), random)
		return b
	}},
	{"a flipped bit", func(b []byte, random *rand.Rand) []byte { flip(b, random); return b }},
	{"flipped bits", func(b []byte, random *rand.Rand) []byte {
		for range 2 + random.IntN(30) {
			flip(b, random)
		}
		return b
	}},
	{"a lost end", func(b []byte, random *rand.Rand) []byte { return b[:1+random.IntN(len(b)-1)] }},
	{"swapped pages", func(b []byte, random *rand.Rand) []byte {
		one, two := block(b, pagesum.PageSize, random), block(b, pagesum.PageSize, random)
		for i := range one {
			one[i], two[i] = two[i], one[i]
		}
		return b
	}},
	{"a page in another's place", func(b []byte, random *rand.Rand) []byte {
		copy(block(b, pagesum.PageSize, random), block(b, pagesum.PageSize, random))
		return b
	}},
}

// block is an aligned part.
func block(b []byte, size int, random *rand.Rand) []byte {
	return b[random.IntN(len(b)/size)*size:][:size]
}

func garble(b []byte, random *rand.Rand) {
	for i := range b {
		b[i] = byte(random.Uint32())
	}
}

func flip(b []byte, random *rand.Rand) { b[random.IntN(len(b))] ^= 1 << random.IntN(8) }
