package control_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // to read the file behind the store's back
)

// dump returns all that is stored, as text.
func (w *world) dump() string {
	w.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(w.dir, "headrace.db")+"?mode=ro")
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	var b strings.Builder
	for _, table := range w.rows(db, `SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`) {
		fmt.Fprintf(&b, "%s\n", table)
		for _, row := range w.rows(db, `SELECT * FROM "`+table+`"`) {
			fmt.Fprintf(&b, "\t%s\n", row)
		}
	}
	return b.String()
}

func (w *world) rows(db *sql.DB, query string) []string {
	w.t.Helper()
	rows, err := db.QueryContext(w.t.Context(), query)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		w.t.Fatal(err)
	}
	var lines []string
	for rows.Next() {
		fields, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range fields {
			into[i] = &fields[i]
		}
		if err := rows.Scan(into...); err != nil {
			w.t.Fatal(err)
		}
		texts := make([]string, len(fields))
		for i, f := range fields {
			if b, ok := f.([]byte); ok {
				f = string(b)
			}
			texts[i] = fmt.Sprint(f)
		}
		lines = append(lines, strings.Join(texts, "|"))
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	return lines
}
