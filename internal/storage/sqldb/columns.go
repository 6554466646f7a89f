package sqldb

import (
	"bytes"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"
)

// micros is the form of a time in a column: microseconds since 1970, 0 for none.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// stored is a time as it comes back from a column.
func stored(t time.Time) time.Time { return fromMicros(micros(t)) }

// timeColumn scans a time.
type timeColumn struct{ t *time.Time }

func intoTime(t *time.Time) sql.Scanner { return timeColumn{t} }

// Scan implements sql.Scanner.
func (c timeColumn) Scan(src any) error {
	us, ok := src.(int64)
	if !ok {
		return fmt.Errorf("a time is stored as %T", src)
	}
	*c.t = fromMicros(us)
	return nil
}

// flag is the form of a boolean in a column.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// document is a column that holds JSON; empty text stands for nothing.
type document struct{ v any }

func asJSON(v any) driver.Valuer { return document{v} }

func intoJSON(v any) sql.Scanner { return document{v} }

// Value implements driver.Valuer.
func (d document) Value() (driver.Value, error) {
	text, err := json.Marshal(d.v)
	if err != nil {
		return nil, err
	}
	if bytes.Equal(text, []byte("null")) {
		return "", nil
	}
	return string(text), nil
}

// Scan implements sql.Scanner.
func (d document) Scan(src any) error {
	text, ok := src.(string)
	if !ok {
		return fmt.Errorf("a document is stored as %T", src)
	}
	if text == "" {
		return nil
	}
	return json.Unmarshal([]byte(text), d.v)
}
