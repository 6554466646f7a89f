package sqldb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/headrace/headrace/internal/ipaas"
)

// Report is what Verify has found in a file.
type Report struct {
	Schema   int64
	Counts   []Count
	Findings []string // what is wrong; empty: nothing
}

// Count is how many rows of a kind there are.
type Count struct {
	Noun string
	Rows int64
}

// counted are the nouns whose rows are counted.
var counted = []struct{ noun, text string }{
	{"integrations", `SELECT count(*) FROM integrations`},
	{"customers", `SELECT count(*) FROM customers`},
	{"instances", `SELECT count(*) FROM instances WHERE kind = 'STANDARD' AND state <> 'DELETED'`},
	{"deployments", `SELECT count(*) FROM deployments`},
	{"registrations", `SELECT count(*) FROM registrations`},
	{"executions", `SELECT count(*) FROM executions`},
	{"executions that have not ended", `SELECT count(*) FROM executions WHERE end_time = 0`},
}

// Verify reads the file of a store, e.g. a backup, from end to end, and reports all that is wrong with it: damaged pages and indexes,
// rows that point nowhere, definitions that do not have the hash they are stored under, an unknown schema. It writes nothing. The
// error is for a file that cannot be read at all.
func Verify(ctx context.Context, path string) (r Report, err error) {
	if info, err := os.Stat(path); err != nil {
		return r, &DiskError{Path: path, Err: err}
	} else if err := inspectHeader(path, info.Size()); err != nil {
		return r, err
	}
	conn, done, err := openAtRest(ctx, path)
	if err != nil {
		return r, blameDisk(path, opening(path, err))
	}
	defer func() { err = errors.Join(err, done()) }()
	if err := inspectSchema(ctx, conn, path); err != nil {
		return r, blameDisk(path, err)
	}
	if r.Schema, err = schemaVersion(ctx, conn); err != nil {
		return r, blameDisk(path, opening(path, err))
	}
	if r.Schema == 0 {
		return r, &FormatError{Path: path}
	}
	for _, look := range []func(ctx context.Context, db database) ([]string, error){
		func(ctx context.Context, db database) ([]string, error) {
			return check(ctx, db, `PRAGMA integrity_check(100)`)
		},
		checkReferences, checkDefinitions, r.count,
	} {
		findings, err := look(ctx, conn)
		if err != nil {
			findings = append(findings, err.Error()) // what is damaged cannot be read, and the next look may still find something
		}
		r.Findings = append(r.Findings, findings...)
	}
	return r, nil
}

// Err is the findings as one error, or nil.
func (r Report) Err(path string) error {
	if len(r.Findings) == 0 {
		return nil
	}
	more := ""
	if n := len(r.Findings) - 1; n > 0 {
		more = fmt.Sprintf(" (and %d more)", n)
	}
	return &FormatError{Path: path, Err: fmt.Errorf("%s%s", r.Findings[0], more)}
}

// checkReferences finds rows that point at rows that are not there.
func checkReferences(ctx context.Context, db database) (findings []string, err error) {
	rows, err := db.QueryContext(ctx, `SELECT "table", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2`)
	if err != nil {
		return nil, err
	}
	err = eachRow(rows, func(scan scanner) error {
		var table, parent string
		var n int64
		err := scan(&table, &parent, &n)
		findings = append(findings, fmt.Sprintf("%d rows of %s point at rows of %s that are not there", n, table, parent))
		return err
	})
	return findings, err
}

// checkDefinitions compares definitions with the hashes they are stored under.
func checkDefinitions(ctx context.Context, db database) (findings []string, err error) {
	rows, err := db.QueryContext(ctx, `SELECT hash, document FROM definitions`)
	if err != nil {
		return nil, err
	}
	err = eachRow(rows, func(scan scanner) error {
		var hash, text string
		if err := scan(&hash, &text); err != nil {
			return err
		}
		var d ipaas.Definition
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			findings = append(findings, fmt.Sprintf("definition %s cannot be read: %v", hash, err))
		} else if is := d.Hash(); is != hash {
			findings = append(findings, fmt.Sprintf("definition %s has the content of %s", hash, is))
		}
		return nil
	})
	return findings, err
}

func (r *Report) count(ctx context.Context, db database) ([]string, error) {
	for _, c := range counted {
		n := Count{Noun: c.noun}
		if err := db.QueryRowContext(ctx, c.text).Scan(&n.Rows); err != nil {
			return nil, err
		}
		r.Counts = append(r.Counts, n)
	}
	return nil, nil
}
