package sqldb

import (
	"cmp"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
)

// migrations are forward only, one transaction each. A published one never changes.
//
//go:embed migrations/*.sql
var migrations embed.FS

func newProvider(pool *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectSQLite3, pool, files, goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
}

// migrate brings the schema up to date. A file that holds something is copied before that.
func migrate(ctx context.Context, pool *sql.DB, path string, logger *slog.Logger) error {
	have, err := schemaVersion(ctx, pool)
	if err != nil {
		return err
	}
	newest, err := newestSchema()
	if err != nil {
		return err
	}
	if have > 0 && have < newest {
		if err := backUpBefore(ctx, path, have, newest, logger); err != nil {
			return fmt.Errorf("back up before the schema is brought from version %d to %d: %w", have, newest, err)
		}
	}
	provider, err := newProvider(pool)
	if err != nil {
		return err
	}
	done, err := provider.Up(ctx)
	if err != nil {
		return err
	}
	if len(done) > 0 {
		took := time.Duration(0)
		for _, m := range done {
			took += m.Duration
		}
		logger.Info("the schema of the store was brought up to date", "path", path, "from", have, "to", newest, "took", took)
	}
	return nil
}

// keepUpgradeBackups is how many of the copies that upgrades make are kept.
const keepUpgradeBackups = 2

// backUpBefore copies a file that has one version of the schema before it is brought to another.
func backUpBefore(ctx context.Context, path string, have, to int64, logger *slog.Logger) error {
	out := beforeUpgrade(path, to)
	if present(out) {
		report, err := Verify(ctx, out)
		if err == nil && report.Schema < have {
			return nil // the upgrade was cut short half-way: the copy is of what was there before it began
		}
		if err := os.Remove(out); err != nil {
			return err
		}
	}
	if err := removeAll(out + partly); err != nil { // of an upgrade that was killed
		return err
	}
	if _, err := backUp(ctx, path, out, 0); err != nil { // nobody is to be spared yet
		return err
	}
	logger.Info("the store was copied before its schema is brought up to date", "copy", out, "from", have, "to", to)
	return pruneUpgradeBackups(path)
}

// pruneUpgradeBackups removes all but the newest copies that upgrades made.
func pruneUpgradeBackups(path string) error {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return err
	}
	versions := map[string]int64{}
	for _, entry := range entries {
		number, ok := strings.CutPrefix(entry.Name(), filepath.Base(path)+".before-v")
		if n, err := strconv.ParseInt(number, 10, 64); ok && err == nil {
			versions[filepath.Join(filepath.Dir(path), entry.Name())] = n
		}
	}
	newestFirst := slices.SortedFunc(maps.Keys(versions), func(a, b string) int { return cmp.Compare(versions[b], versions[a]) })
	for _, name := range newestFirst[min(len(newestFirst), keepUpgradeBackups):] {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	return nil
}

// checkSchema refuses a file that a newer version of the product has written. It only reads.
func checkSchema(ctx context.Context, db database, path string) error {
	have, err := schemaVersion(ctx, db)
	if err != nil {
		return opening(path, err)
	}
	newest, err := newestSchema()
	if err != nil {
		return err
	}
	if have > newest {
		return &SchemaError{Path: path, Have: have, Known: newest}
	}
	return nil
}

const selectSchemaVersion = `SELECT COALESCE(MAX(version_id), 0) FROM ` + goose.DefaultTablename + ` WHERE is_applied = 1`

// schemaVersion returns the version that a file has, 0 for an empty one.
func schemaVersion(ctx context.Context, db database) (version int64, err error) {
	var name string
	err = db.QueryRowContext(ctx, selectTable, goose.DefaultTablename).Scan(&name)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return version, db.QueryRowContext(ctx, selectSchemaVersion).Scan(&version)
}

// newestSchema returns the version that this binary brings a file to.
func newestSchema() (newest int64, err error) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	for _, name := range files {
		version, err := goose.NumericComponent(name)
		if err != nil {
			return 0, err
		}
		newest = max(newest, version)
	}
	return newest, err
}

// beforeUpgrade names the backup that is made before a file is brought to a version.
func beforeUpgrade(path string, version int64) string {
	return fmt.Sprintf("%s.before-v%d", path, version)
}
