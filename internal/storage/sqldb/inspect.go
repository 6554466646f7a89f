package sqldb

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// quickCheckUpTo is the size of a file up to which its pages are looked through at every start. A larger one is looked through only
// when it was left in haste: with the file in memory it takes up to a fifth of a second for each 100 MB, else as long as it takes to read.
const quickCheckUpTo = 64 << 20

// inspect refuses a file that must not be opened, without writing to it.
func inspect(ctx context.Context, o Options) (err error) {
	info, err := os.Stat(o.Path)
	if err != nil {
		return err
	}
	target, err := storeURL(o.Path, url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)"}})
	if err != nil {
		return err
	}
	pool, err := sql.Open("sqlite", target)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	pool.SetMaxOpenConns(1)

	var version string
	if err := pool.QueryRowContext(ctx, `SELECT sqlite_version()`).Scan(&version); err != nil {
		return opening(o.Path, err)
	}
	if err := checkLibrary(version); err != nil {
		return err
	}
	if err := inspectHeader(o.Path, info.Size()); err != nil {
		return err
	}
	if err := inspectSchema(ctx, pool, o.Path); err != nil {
		return err
	}
	if err := inspectPages(ctx, pool, o.Path, info.Size()); err != nil {
		return err
	}
	return checkKeys(ctx, pool, o.Path, o.Keys)
}

// magic is how every file of SQLite begins.
const magic = "SQLite format 3\x00"

// inspectHeader refuses what is shorter than its first page: SQLite would take it for an empty file, and begin anew in it.
func inspectHeader(path string, size int64) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	var head [18]byte
	if _, err := io.ReadFull(file, head[:]); err != nil || string(head[:len(magic)]) != magic {
		return &FormatError{Path: path}
	}
	page := int64(binary.BigEndian.Uint16(head[16:]))
	if page == 1 {
		page = 1 << 16
	}
	if size < page {
		return &FormatError{Path: path, Err: fmt.Errorf("it has %d bytes, and a page of it %d", size, page)}
	}
	return nil
}

// inspectSchema reads the header and the schema; SQLite compares the size of the file with what the header says.
func inspectSchema(ctx context.Context, db database, path string) error {
	var application, tables int64
	err := db.QueryRowContext(ctx, `SELECT application_id, (SELECT count(*) FROM sqlite_master) FROM pragma_application_id`).
		Scan(&application, &tables)
	if err != nil {
		return opening(path, err)
	}
	if application != applicationID && (application != 0 || tables > 0) {
		return &FormatError{Path: path}
	}
	return checkSchema(ctx, db, path)
}

// inspectPages looks through the whole file where that is quick, or where there is reason to.
func inspectPages(ctx context.Context, db database, path string, size int64) error {
	clean, err := getMeta(ctx, db, metaCleanStop)
	if err != nil {
		return opening(path, err)
	}
	if clean != "" && size > quickCheckUpTo {
		return nil
	}
	findings, err := check(ctx, db, `PRAGMA quick_check(10)`)
	if err != nil {
		return opening(path, err)
	}
	if len(findings) > 0 {
		return &FormatError{Path: path, Err: errors.New(strings.Join(findings, "; "))}
	}
	return nil
}

// check runs a check of SQLite's and returns what it finds.
func check(ctx context.Context, db database, pragma string) (findings []string, err error) {
	rows, err := db.QueryContext(ctx, pragma)
	if err != nil {
		return nil, err
	}
	err = eachRow(rows, func(scan scanner) error {
		var line string
		if err := scan(&line); err != nil || line == "ok" {
			return err
		}
		findings = append(findings, strings.ReplaceAll(line, "\n", " "))
		return nil
	})
	return findings, err
}

// checkLibrary refuses versions of SQLite that can damage a file.
func checkLibrary(version string) error {
	have, err := parseVersion(version)
	if err != nil {
		return err
	}
	need, err := parseVersion(oldestSQLite)
	if err != nil {
		return err
	}
	for i := range need {
		if have[i] != need[i] {
			if have[i] < need[i] {
				return &LibraryError{Have: version, Need: oldestSQLite}
			}
			return nil
		}
	}
	return nil
}

func parseVersion(version string) (numbers [3]int, err error) {
	parts := strings.Split(version, ".")
	if len(parts) < len(numbers) {
		return numbers, fmt.Errorf("SQLite calls itself %q, which is no version", version)
	}
	for i := range numbers {
		if numbers[i], err = strconv.Atoi(parts[i]); err != nil {
			return numbers, fmt.Errorf("SQLite calls itself %q, which is no version: %w", version, err)
		}
	}
	return numbers, nil
}
