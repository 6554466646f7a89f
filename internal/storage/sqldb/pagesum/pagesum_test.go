package pagesum

import (
	"database/sql"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

func TestASumTellsOnePageFromAnother(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	page := make([]byte, PageSize)
	for i := range page {
		page[i] = byte(random.Uint32())
	}
	Seal(page, 7)
	if !Intact(page, 7) {
		t.Fatal("a sealed page is not intact")
	}
	if Intact(page, 8) {
		t.Error("a page is taken for its neighbour")
	}
	for bit := range PageSize * 8 {
		page[bit/8] ^= 1 << (bit % 8)
		if Intact(page, 7) {
			t.Errorf("bit %d does not count", bit)
		}
		page[bit/8] ^= 1 << (bit % 8)
	}
	if Intact(make([]byte, PageSize), 7) {
		t.Error("a page of zeros is intact")
	}
}

func TestRoomIsSeenInADamagedHeader(t *testing.T) {
	t.Parallel()
	page := FirstPage(1)
	if !Room(page) || Room(page[:PageSize-1]) || Room(make([]byte, PageSize)) {
		t.Error("room is not told from its absence")
	}
	page[offsetReserved] = 0
	if !Room(page) {
		t.Error("a damaged byte hides the sums")
	}
	Seal(page, 1) // now it is what a database without sums looks like
	if Room(page) {
		t.Error("room is seen where there is none")
	}
}

// database is a file with a table of texts, some longer than a page.
func database(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "a.db")
	if err := os.WriteFile(path, FirstPage(0x48647263), 0o600); err != nil {
		t.Fatal(err)
	}
	pool := through(t, path)
	for _, text := range []string{
		`CREATE TABLE texts (id INTEGER PRIMARY KEY, text TEXT)`,
		`CREATE INDEX texts_by_text ON texts (substr(text, 1, 20))`,
		`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
		 INSERT INTO texts SELECT i, hex(randomblob(i * 40)) FROM n`,
		`DELETE FROM texts WHERE id % 7 = 0`,
		`PRAGMA incremental_vacuum`, // no page is left that nobody reads
	} {
		if _, err := pool.ExecContext(t.Context(), text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	if err := pool.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// through opens a file through the VFS.
func through(t *testing.T, path string) *sql.DB {
	t.Helper()
	vfs, err := VFS()
	if err != nil {
		t.Fatal(err)
	}
	pool, err := sql.Open("sqlite", "file:"+path+"?vfs="+vfs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	return pool
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestEveryPageOfAFileHasItsSum(t *testing.T) {
	t.Parallel()
	path := database(t)
	content := readFile(t, path)
	if len(content) < 20*PageSize {
		t.Fatalf("only %d bytes", len(content))
	}
	for n := range len(content) / PageSize {
		if !Intact(content[n*PageSize:][:PageSize], uint32(n+1)) {
			t.Errorf("page %d has no sum", n+1)
		}
	}
	// The file is one like any other for those who know nothing of sums.
	for _, parameters := range []string{"", "?vfs=" + vfsName} {
		pool, err := sql.Open("sqlite", "file:"+path+parameters)
		if err != nil {
			t.Fatal(err)
		}
		var verdict, vacuum, journal string
		err = pool.QueryRowContext(t.Context(), `SELECT integrity_check, auto_vacuum, journal_mode
			FROM pragma_integrity_check, pragma_auto_vacuum, pragma_journal_mode`).Scan(&verdict, &vacuum, &journal)
		if err := errors.Join(err, pool.Close()); err != nil || verdict != "ok" || vacuum != "2" || journal != "wal" {
			t.Errorf("%q: integrity %s, vacuum %s, journal %s (%v)", parameters, verdict, vacuum, journal, err)
		}
	}
}

func TestACopyHasSumsToo(t *testing.T) {
	t.Parallel()
	path := database(t)
	pool, target := through(t, path), path+".copy"
	if _, err := pool.ExecContext(t.Context(), `VACUUM INTO $1`, target); err != nil {
		t.Fatal(err)
	}
	content := readFile(t, target)
	for n := range len(content) / PageSize {
		if !Intact(content[n*PageSize:][:PageSize], uint32(n+1)) {
			t.Errorf("page %d has no sum", n+1)
		}
	}
}

// TestAFlippedBitIsAnError flips bits of every page, one page at a time, and reads all there is.
func TestAFlippedBitIsAnError(t *testing.T) {
	t.Parallel()
	path := database(t)
	content := readFile(t, path)
	random := rand.New(rand.NewPCG(3, 4))
	for n := range len(content) / PageSize {
		damaged := append([]byte(nil), content...)
		damaged[n*PageSize+random.IntN(PageSize)] ^= 1 << random.IntN(8)
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if !refused(t, path) {
			t.Errorf("page %d was read", n+1)
		}
	}
}

func TestPagesThatChangedPlacesAreAnError(t *testing.T) {
	t.Parallel()
	path := database(t)
	content := readFile(t, path)
	last := len(content) - PageSize
	swapped := append([]byte(nil), content...)
	copy(swapped[last:], content[last-PageSize:last])
	copy(swapped[last-PageSize:last], content[last:])
	if err := os.WriteFile(path, swapped, 0o600); err != nil {
		t.Fatal(err)
	}
	if !refused(t, path) {
		t.Error("they were read")
	}
}

// refused reads every page and reports whether one was refused.
func refused(t *testing.T, path string) bool {
	t.Helper()
	pool := through(t, path)
	for _, text := range []string{
		`SELECT sum(length(text || '')) FROM texts`,
		`PRAGMA integrity_check`, // reads indices and the map of pages, too, and tells of errors instead of ending with one
	} {
		var answer string
		err := pool.QueryRowContext(t.Context(), text).Scan(&answer)
		if damaged := new(sqlite.Error); errors.As(err, &damaged) {
			return damaged.Code() == sqlite3.SQLITE_IOERR_DATA || damaged.Code() == sqlite3.SQLITE_NOTADB
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(answer, strconv.Itoa(sqlite3.SQLITE_IOERR_DATA)) || strings.Contains(answer, "Failed to read ptrmap") {
			return true
		}
	}
	return false
}
