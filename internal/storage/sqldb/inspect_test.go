package sqldb

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

// keys open what was sealed with the same word.
type keys string

var errOtherKeys = errors.New("other keys")

func (k keys) Check() string { return string(k) }

func (k keys) Verify(check string) error {
	if check != string(k) {
		return errOtherKeys
	}
	return nil
}

func digest(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(content))
}

func TestOpenRefusesOtherKeysAndLeavesTheFileAsItWas(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "headrace.db")
	for n, k := range []keys{"right", "wrong", "right"} {
		before := ""
		if n > 0 {
			before = digest(t, path)
		}
		db, err := Open(t.Context(), Options{Path: path, Logger: quiet, Keys: k})
		if k == "right" {
			if err := errors.Join(err, db.Close()); err != nil {
				t.Fatal(err)
			}
			continue
		}
		var wrong *KeyError
		if !errors.As(err, &wrong) || wrong.Path != path || !errors.Is(err, errOtherKeys) {
			t.Fatalf("opened with %v", err)
		}
		if digest(t, path) != before {
			t.Error("the file was changed")
		}
	}
}

// closed makes a file with many customers and returns how it was before anything happened to it.
func closed(t *testing.T, path string) {
	t.Helper()
	db := open(t, path)
	fill := func(ctx context.Context, tx *tx) error {
		for n := range 400 {
			c := ipaas.Customer{ID: fmt.Sprintf("c-%03d", n), UID: "u", DisplayName: strings.Repeat("name ", 20), CreateTime: time.Unix(1, 0)}
			if err := tx.do(ctx, insertCustomer, c.ID, c.UID, c.DisplayName, "", "", "", 0, 1, 1, 1); err != nil {
				return err
			}
		}
		return nil
	}
	if err := errors.Join(db.write(t.Context(), fill), db.Close()); err != nil {
		t.Fatal(err)
	}
}

// everyone lists all customers as text.
func everyone(ctx context.Context, s storage.Store) (string, error) {
	var text strings.Builder
	q := storage.Query{Size: 100}
	for {
		page, err := s.ListCustomers(ctx, q)
		if err != nil {
			return "", err
		}
		for _, c := range page.Items {
			fmt.Fprintln(&text, c.ID, c.DisplayName)
		}
		if page.Next == "" {
			return text.String(), nil
		}
		q.After = page.Next
	}
}

// TestDamagedFile damages copies of a file in many ways. Each is refused at the start with the way out, or found later, or hits what
// is of no use: nothing is answered wrong, and nothing panics.
func TestDamagedFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	original := filepath.Join(folder, "original.db")
	closed(t, original)
	content, err := os.ReadFile(original)
	if err != nil {
		t.Fatal(err)
	}
	db := open(t, original)
	want, err := everyone(t.Context(), db)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	const page = 4096
	pages := len(content) / page
	refused := 0
	for n := range 60 {
		damaged := bytes.Clone(content)
		what := ""
		switch at := random.IntN(pages); n % 4 {
		case 0:
			clear(damaged[at*page : (at+1)*page])
			what = fmt.Sprintf("page %d zeroed", at+1)
		case 1:
			other := random.IntN(pages)
			copy(damaged[at*page:(at+1)*page], content[other*page:(other+1)*page])
			what = fmt.Sprintf("page %d overwritten with page %d", at+1, other+1)
		case 2:
			damaged = damaged[:at*page+random.IntN(page)]
			what = fmt.Sprintf("cut to %d bytes", len(damaged))
		case 3:
			for range 16 {
				damaged[at*page+random.IntN(100)] ^= 0xff
			}
			what = fmt.Sprintf("bytes flipped at the begin of page %d", at+1)
		}
		if bytes.Equal(damaged, content) {
			continue
		}
		path := filepath.Join(folder, fmt.Sprintf("damaged-%d.db", n))
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if len(damaged) == 0 {
			continue // a file that is not there yet
		}
		if refuses(t, path, what, want) {
			refused++
		}
	}
	if refused < 20 {
		t.Errorf("only %d were refused at the start", refused)
	}
}

func refuses(t *testing.T, path, what, want string) bool {
	t.Helper()
	db, err := OpenSQLite(t.Context(), path, quiet)
	if err != nil {
		var format *FormatError
		var schema *SchemaError
		if !errors.As(err, &format) && !errors.As(err, &schema) {
			t.Errorf("%s: opened with %v", what, err)
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: more than one line: %q", what, err)
		}
		return true
	}
	got, err := everyone(t.Context(), db)
	if err == nil && got != want {
		t.Errorf("%s: answered wrong:\n%s", what, cmp.Diff(want, got))
	}
	if err := db.Close(); err != nil && db.Err() == nil {
		t.Logf("%s: closed with %v", what, err)
	}
	return false
}

// TestLargeFileIsLookedThroughWhenItWasLeftInHaste: a large file that was closed in order is only glanced at.
func TestLargeFileIsLookedThroughWhenItWasLeftInHaste(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "headrace.db")
	closed(t, path)
	damage(t, path)
	for _, tt := range []struct {
		clean   string
		size    int64
		refused bool
	}{{"1", quickCheckUpTo + 1, false}, {"", quickCheckUpTo + 1, true}, {"1", quickCheckUpTo, true}} {
		pool, err := openPool(path, settings{"journal_mode(WAL)"}, nil, 1)
		if err != nil {
			t.Fatal(err)
		}
		_, err = pool.ExecContext(t.Context(), deleteMeta, metaCleanStop)
		if tt.clean != "" && err == nil {
			err = handBack(t.Context(), pool)
		}
		if err != nil {
			t.Fatal(err)
		}
		err = inspectPages(t.Context(), pool, path, tt.size)
		if format := new(FormatError); errors.As(err, &format) != tt.refused {
			t.Errorf("closed in order %q, %d bytes: %v", tt.clean, tt.size, err)
		}
		if err := pool.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestStopLeavesAMarkAndStartTakesItAway(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "headrace.db")
	db := open(t, path)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		conn, done, err := openAtRest(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		value, err := getMeta(t.Context(), conn, metaCleanStop)
		if err := errors.Join(err, done()); err != nil || value != "1" {
			t.Errorf("after a stop the mark is %q (%v)", value, err)
		}
		db = open(t, path)
		if value, err := getMeta(t.Context(), db.readers, metaCleanStop); err != nil || value != "" {
			t.Errorf("while a server is at work the mark is %q (%v)", value, err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFailedStoreDoesNotTouchTheFileAgain: what a disk says after it has failed cannot be believed.
func TestFailedStoreDoesNotTouchTheFileAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "headrace.db")
	db := untended(t, path)
	if err := db.write(t.Context(), put("a")); err != nil {
		t.Fatal(err)
	}
	before := digest(t, path)
	db.failure.set(errors.New("the disk did not answer"))
	var trouble *DiskError
	if !errors.As(db.Err(), &trouble) || trouble.Path != path {
		t.Errorf("it has failed with %v", db.Err())
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if digest(t, path) != before || !present(path+"-wal") {
		t.Error("the log was brought into the file")
	}
	if again := open(t, path); !has(t, again, "a") {
		t.Error("what was acknowledged is gone")
	}
}
