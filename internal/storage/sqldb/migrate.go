package sqldb

import (
	"context"
	"database/sql"
	"embed"
	"io/fs"
	"log/slog"

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

// migrate brings the schema up to date.
func migrate(ctx context.Context, pool *sql.DB, path string, logger *slog.Logger) error {
	provider, err := newProvider(pool)
	if err != nil {
		return err
	}
	done, err := provider.Up(ctx)
	if err != nil {
		return err
	}
	for _, m := range done {
		logger.Info("the schema of the store was brought up to date", "path", path, "version", m.Source.Version, "took", m.Duration)
	}
	return nil
}

// checkSchema refuses a file that a newer version of the product has written. It only reads.
func checkSchema(ctx context.Context, pool *sql.DB, path string) error {
	var known bool
	err := pool.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1)`, goose.DefaultTablename).
		Scan(&known)
	if err != nil || !known {
		return opening(path, err)
	}
	provider, err := newProvider(pool)
	if err != nil {
		return err
	}
	have, newest, err := provider.GetVersions(ctx)
	if err != nil {
		return opening(path, err)
	}
	if have > newest {
		return &SchemaError{Path: path, Have: have, Known: newest}
	}
	return nil
}
