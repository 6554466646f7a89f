package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"

	"github.com/headrace/headrace/internal/storage/sqldb/pagesum"
)

// sealAnew makes good what a look with another program does to a store that was not closed: the program brings the log into the
// file, as it should, and knows nothing of sums. Its work shows by the log that is gone. Then SQLite's own check of the file has to
// do; where the log is still there, nobody has touched the file.
func sealAnew(ctx context.Context, path string, logger *slog.Logger) error {
	if sums, err := hasSums(path); err != nil || !sums || present(path+"-wal") {
		return err
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	open, err := unsealed(file)
	if err != nil || len(open) == 0 {
		return err
	}
	if err := checkStructure(ctx, path); err != nil {
		return err
	}
	page := make([]byte, pagesum.PageSize)
	for _, number := range open {
		at := int64(number-1) * pagesum.PageSize
		if _, err := file.ReadAt(page, at); err != nil {
			return err
		}
		pagesum.Seal(page, number)
		if _, err := file.WriteAt(page, at); err != nil {
			return err
		}
	}
	logger.Warn("another program has opened the store after a crash: SQLite found its structure sound, and the pages it wrote have new checksums",
		"path", path, "pages", len(open))
	return file.Sync()
}

// unsealed returns the pages of a file that do not have their sums.
func unsealed(file io.Reader) (numbers []uint32, err error) {
	page := make([]byte, pagesum.PageSize)
	for number := uint32(1); ; number++ {
		if _, err := io.ReadFull(file, page); err != nil {
			return numbers, unlessEnd(err)
		}
		if !pagesum.Intact(page, number) {
			numbers = append(numbers, number)
		}
	}
}

// checkStructure has SQLite check a file, whatever the sums say.
func checkStructure(ctx context.Context, path string) (err error) {
	pool, err := sql.Open("sqlite", fileURL(path, url.Values{"mode": {"ro"}}))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	var verdict string
	if err := pool.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&verdict); err != nil {
		return opening(path, err)
	}
	if verdict != "ok" {
		return &FormatError{Path: path, Err: fmt.Errorf("SQLite says: %s", verdict)}
	}
	return nil
}
