package sqldb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/headrace/headrace/internal/ipaas"
)

// mount mounts a file system for the time of a test, where that is allowed.
func mount(t *testing.T, source, target, kind string, flags uintptr, options string) {
	t.Helper()
	if err := unix.Mount(source, target, kind, flags, options); err != nil {
		t.Skipf("this test needs to mount a file system: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(target, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

func isFull(err error) bool {
	return errors.Is(err, ipaas.Unavailable) && ipaas.ReasonOf(err) == ipaas.ReasonStorageFull
}

// TestFullDisk fills a small disk: what was acknowledged is there, what is refused is told so, reads work on, the ballast makes room
// for retention, and without a restart the store goes on when there is room.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	for _, ballast := range []int64{0, 2 << 20} {
		t.Run(fmt.Sprint("ballast ", ballast), func(t *testing.T) {
			t.Parallel()
			folder, ticks := t.TempDir(), make(chan time.Time)
			mount(t, "none", folder, "tmpfs", 0, "size=12m")
			db, err := Open(t.Context(), Options{
				Path: filepath.Join(folder, "headrace.db"), Logger: quiet, Ballast: ballast, pace: pace{tend: time.Hour, ticks: ticks},
			})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			hog := filepath.Join(folder, "hog") // somebody else who takes room
			if err := os.WriteFile(hog, make([]byte, 7<<20), 0o600); err != nil {
				t.Fatal(err)
			}
			acked := fillUp(t, db)
			for _, key := range acked {
				if !has(t, db, key) {
					t.Errorf("%s was acknowledged and is not there", key)
				}
			}
			if err := db.Ping(t.Context()); !isFull(err) {
				t.Errorf("asked how it is, it says %v", err)
			}
			if db.Err() != nil {
				t.Fatalf("the store has failed: %v", db.Err())
			}
			if ballast > 0 {
				if present(db.disk.ballast) {
					t.Error("the ballast was not thrown off")
				}
				if err := db.write(t.Context(), put("small")); !isFull(err) {
					t.Errorf("what needs room was answered %v, while the room is for what makes room", err)
				}
				if n, err := db.Expire(t.Context(), time.Unix(200, 0), time.Unix(0, 0)); err != nil || n != len(acked) {
					t.Errorf("on a full disk, %d rows were cleared away of %d: %v", n, len(acked), err)
				}
				acked = nil
			}
			if err := os.Remove(hog); err != nil {
				t.Fatal(err)
			}
			for range 2 { // when the second one is taken, the first has been looked after
				ticks <- time.Now()
			}
			if err := db.Ping(t.Context()); err != nil {
				t.Errorf("with room again, it says %v", err)
			}
			if err := db.write(t.Context(), receipt("late", 100_000)); err != nil {
				t.Errorf("with room again: answered %v", err)
			}
			if ballast > 0 {
				if info, err := os.Stat(db.disk.ballast); err != nil || info.Size() != ballast {
					t.Errorf("the ballast was not laid again: %v", err)
				}
			}
			for _, key := range append(acked, "late") {
				if !has(t, db, key) {
					t.Errorf("%s was acknowledged and is not there", key)
				}
			}
		})
	}
}

// fillUp writes with many callers until each was told that the disk is full, and returns the keys that were acknowledged.
func fillUp(t *testing.T, db *DB) (acked []string) {
	t.Helper()
	var (
		mu  sync.Mutex
		all sync.WaitGroup
	)
	for c := range 8 {
		all.Go(func() {
			for n := 0; ; n++ {
				key := fmt.Sprintf("%d-%d", c, n)
				err := db.write(t.Context(), receipt(key, 20_000))
				if isFull(err) {
					return
				}
				if err != nil {
					t.Errorf("%s: answered %v", key, err)
					return
				}
				mu.Lock()
				acked = append(acked, key)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return acked
}

// TestReadOnlyDisk: at start it is an error of the disk.
func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	folder, shown := t.TempDir(), t.TempDir()
	path := filepath.Join(folder, "headrace.db")
	db := open(t, path)
	if err := errors.Join(db.write(t.Context(), put("a")), db.Close()); err != nil {
		t.Fatal(err)
	}
	mount(t, folder, shown, "", unix.MS_BIND, "")
	if err := unix.Mount("", shown, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Skip(err)
	}
	_, err := OpenSQLite(t.Context(), filepath.Join(shown, "headrace.db"), quiet)
	if trouble := new(DiskError); !errors.As(err, &trouble) || !errors.Is(err, unix.EROFS) || strings.Contains(err.Error(), "\n") {
		t.Errorf("opened with %v", err)
	}
	if _, err := Backup(t.Context(), filepath.Join(shown, "headrace.db"), filepath.Join(t.TempDir(), "copy.db")); err != nil {
		t.Errorf("where nothing may be written, a copy can be made all the same: %v", err)
	}
}

// TestDiskThatBecomesReadOnly: writes are refused, reads work on, and it heals.
func TestDiskThatBecomesReadOnly(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	mount(t, "none", folder, "tmpfs", 0, "size=16m")
	db, err := Open(t.Context(), Options{Path: filepath.Join(folder, "headrace.db"), Logger: quiet, Ballast: 1 << 20, pace: pace{tend: 10 * time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.disk.isFull(errors.New("read only")) // Linux lets no file system become so while files on it are open for writing
	if err := db.write(t.Context(), put("a")); !isFull(err) {
		t.Errorf("answered %v", err)
	}
	if has(t, db, "a") {
		t.Error("it was written")
	}
	waitFor(t, func() bool { return db.Ping(t.Context()) == nil })
	if err := db.write(t.Context(), put("a")); err != nil {
		t.Errorf("afterwards: answered %v", err)
	}
}
