package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/headrace/headrace/internal/storage/sqldb"
)

// commands is what the program can be told to do. Without a command it serves.
type commands struct {
	Version bool `help:"Print the version and stop."`

	Serve   Config         `cmd:"" default:"withargs" help:"Serve the API and run flows, until told to stop. The default."`
	Backup  backupCommand  `cmd:"" help:"Copy the database to a file, also while a server uses it."`
	Verify  verifyCommand  `cmd:"" help:"Read a database or a backup from end to end and tell what is wrong with it."`
	Restore restoreCommand `cmd:"" help:"Put a backup in the place of the database, while no server uses it."`
}

// databaseFile and keyFile are the names of the files in the data directory that must not be lost.
const (
	databaseFile = "headrace.db"
	keyFile      = "headrace.keys"
)

type backupCommand struct {
	DataDir string `help:"Directory of the database." default:"./data" env:"HEADRACE_DATA_DIR" type:"path"`
	Out     string `arg:"" help:"The file to make. One that is there is not replaced." type:"path"`
}

func (c *backupCommand) run(ctx context.Context, out io.Writer) error {
	size, err := sqldb.Backup(ctx, filepath.Join(c.DataDir, databaseFile), c.Out)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s: %d bytes\nThe key file is not in it: without %s what is sealed in the backup cannot be opened. Keep a copy of that, apart.\n",
		c.Out, size, filepath.Join(c.DataDir, keyFile))
	return err
}

type verifyCommand struct {
	File string `arg:"" help:"The file to read." type:"path"`
}

func (c *verifyCommand) run(ctx context.Context, out io.Writer) error {
	if !exists(c.File) {
		return fmt.Errorf("there is no file %s: name a database or a backup", c.File)
	}
	report, err := sqldb.Verify(ctx, c.File)
	if err != nil {
		return err
	}
	for _, finding := range report.Findings {
		if _, err := fmt.Fprintln(out, "wrong:", finding); err != nil {
			return err
		}
	}
	if err := report.Err(c.File); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "%s: nothing is wrong\n  schema version %d\n", c.File, report.Schema); err != nil {
		return err
	}
	for _, count := range report.Counts {
		if _, err := fmt.Fprintf(out, "  %d %s\n", count.Rows, count.Noun); err != nil {
			return err
		}
	}
	return nil
}

type restoreCommand struct {
	DataDir string `help:"Directory of the database. Made if it is not there." default:"./data" env:"HEADRACE_DATA_DIR" type:"path"`
	Force   bool   `help:"Replace the database that is there. It is kept aside."`
	Backup  string `arg:"" help:"The backup." type:"path"`
}

func (c *restoreCommand) run(ctx context.Context, out io.Writer) error {
	if err := makeDataDir(c.DataDir); err != nil {
		return err
	}
	database := filepath.Join(c.DataDir, databaseFile)
	aside, err := sqldb.Restore(ctx, c.Backup, database, c.Force, time.Now())
	if err != nil {
		return err
	}
	if aside != "" {
		if _, err := fmt.Fprintf(out, "what was there is now %s\n", aside); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintf(out, "%s restored from %s\n", database, c.Backup); err != nil {
		return err
	}
	if !exists(filepath.Join(c.DataDir, keyFile)) {
		_, err = fmt.Fprintf(out, "The key file %s is missing: put its copy there before the server is started.\n", filepath.Join(c.DataDir, keyFile))
	}
	return err
}

func makeDataDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return &sqldb.DiskError{Path: dir, Err: err}
	}
	return nil
}

// KeyFileError says that the key file is missing or is none.
type KeyFileError struct{ Err error }

func (e *KeyFileError) Error() string { return e.Err.Error() }

func (e *KeyFileError) Unwrap() error { return e.Err }

// exitCommandLine is the code for what is no command line of this program.
const exitCommandLine = 80

// exitCodes tell scripts what kept the program from its work, in the codes of sysexits.h. docs/operations.md explains them.
var exitCodes = []struct {
	matches func(error) bool
	code    int
}{
	{is[*sqldb.FormatError], 65},     // EX_DATAERR: no database, not ours, or damaged
	{is[*sqldb.UnfinishedError], 65}, // EX_DATAERR: half a restore
	{is[*sqldb.LibraryError], 70},    // EX_SOFTWARE: the binary was built with an SQLite that damages files
	{is[*sqldb.NotEmptyError], 73},   // EX_CANTCREAT: there are data where a backup was to go
	{is[*sqldb.DiskError], 74},       // EX_IOERR: the disk fails, is full, or may not be written
	{is[*sqldb.InUseError], 75},      // EX_TEMPFAIL: another process has the file
	{is[*sqldb.SchemaError], 78},     // EX_CONFIG: a newer binary has written the file
	{is[*sqldb.KeyError], 78},        // EX_CONFIG: the wrong key file
	{is[*KeyFileError], 78},          // EX_CONFIG: no key file
}

func exitCode(err error) int {
	for _, known := range exitCodes {
		if known.matches(err) {
			return known.code
		}
	}
	return 1
}

func is[E error](err error) bool {
	var target E
	return errors.As(err, &target)
}
