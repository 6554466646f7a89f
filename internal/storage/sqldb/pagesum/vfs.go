package pagesum

import (
	"fmt"
	"sync"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

const vfsName = "pagesum"

// VFS registers the VFS that writes and checks sums, and returns its name for the vfs parameter of a DSN. Everything but reading
// and writing pages of a database is left to the VFS that SQLite has by default.
var VFS = sync.OnceValues(register)

// The system's own VFS, and what its files are given for methods instead of their own. Both are set before the first file is
// opened and live as long as the process.
var (
	system  uintptr
	mu      sync.Mutex
	methods = map[uintptr]uintptr{} // by the file's own
)

func register() (name string, err error) {
	tls := libc.NewTLS()
	defer tls.Close()
	if system = sqlite3.Xsqlite3_vfs_find(tls, 0); system == 0 {
		return "", fmt.Errorf("SQLite has no VFS")
	}
	own := libc.Xcalloc(tls, 1, libc.Tsize_t(unsafe.Sizeof(sqlite3.Tsqlite3_vfs{})))
	zName, err := libc.CString(vfsName)
	if own == 0 || err != nil {
		return "", fmt.Errorf("register a VFS: no memory")
	}
	vfs := at[sqlite3.Tsqlite3_vfs](own)
	*vfs = *at[sqlite3.Tsqlite3_vfs](system)
	vfs.FpNext, vfs.FzName = 0, zName
	*(*openMethod)(unsafe.Pointer(&vfs.FxOpen)) = open
	if code := sqlite3.Xsqlite3_vfs_register(tls, own, 0); code != sqlite3.SQLITE_OK {
		return "", fmt.Errorf("register a VFS: SQLite answers %d", code)
	}
	return vfsName, nil
}

// at is what lies at an address of SQLite's own memory, which Go neither moves nor frees.
func at[T any](address uintptr) *T { return *(**T)(unsafe.Pointer(&address)) }

// The translated SQLite keeps a function as the address of its Go closure.
type (
	openMethod func(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32
	pageMethod func(tls *libc.TLS, file, buffer uintptr, amount int32, offset int64) int32
	mapMethod  func(tls *libc.TLS, file uintptr, offset int64, amount int32, page uintptr) int32
	askMethod  func(tls *libc.TLS, file uintptr) int32
)

func method[T any](address uintptr) T { return *(*T)(unsafe.Pointer(&address)) }

// sealing is what a file has for methods, with the table of its own behind it.
type sealing struct {
	sqlite3.Tsqlite3_io_methods
	own uintptr
}

// open opens a file as the system does, and gives a database other methods. Journals and temporary files keep theirs; the log has sums of
// its own.
func open(tls *libc.TLS, _, name, file uintptr, flags int32, outFlags uintptr) int32 {
	code := method[openMethod](at[sqlite3.Tsqlite3_vfs](system).FxOpen)(tls, system, name, file, flags, outFlags)
	if code == sqlite3.SQLITE_OK && flags&sqlite3.SQLITE_OPEN_MAIN_DB != 0 {
		f := at[sqlite3.Tsqlite3_file](file)
		f.FpMethods = sealed(tls, f.FpMethods)
	}
	return code
}

// sealed returns the methods that stand for a file's own.
func sealed(tls *libc.TLS, own uintptr) uintptr {
	mu.Lock()
	defer mu.Unlock()
	if address, ok := methods[own]; ok {
		return address
	}
	address := libc.Xcalloc(tls, 1, libc.Tsize_t(unsafe.Sizeof(sealing{})))
	s := at[sealing](address)
	s.Tsqlite3_io_methods, s.own = *at[sqlite3.Tsqlite3_io_methods](own), own
	*(*pageMethod)(unsafe.Pointer(&s.FxRead)) = read
	*(*pageMethod)(unsafe.Pointer(&s.FxWrite)) = write
	*(*mapMethod)(unsafe.Pointer(&s.FxFetch)) = fetch
	*(*askMethod)(unsafe.Pointer(&s.FxDeviceCharacteristics)) = characteristics
	methods[own] = address
	return address
}

// own returns a file's own methods.
func own(file uintptr) *sqlite3.Tsqlite3_io_methods {
	return at[sqlite3.Tsqlite3_io_methods](at[sealing](at[sqlite3.Tsqlite3_file](file).FpMethods).own)
}

// whole reports whether SQLite handles a page. Else it looks at a few bytes of the header.
func whole(amount int32, offset int64) bool { return amount == PageSize && offset%PageSize == 0 }

func read(tls *libc.TLS, file, buffer uintptr, amount int32, offset int64) int32 {
	code := method[pageMethod](own(file).FxRead)(tls, file, buffer, amount, offset)
	if code != sqlite3.SQLITE_OK || !whole(amount, offset) { // a page that is just being added is read behind the end, too
		return code
	}
	if !Intact(unsafe.Slice(at[byte](buffer), PageSize), numberAt(offset)) {
		return sqlite3.SQLITE_IOERR_DATA
	}
	return code
}

// write seals a page where it lies: SQLite never looks at those bytes.
func write(tls *libc.TLS, file, buffer uintptr, amount int32, offset int64) int32 {
	if whole(amount, offset) {
		Seal(unsafe.Slice(at[byte](buffer), PageSize), numberAt(offset))
	}
	return method[pageMethod](own(file).FxWrite)(tls, file, buffer, amount, offset)
}

func numberAt(offset int64) uint32 { return uint32(offset/PageSize) + 1 }

// fetch maps nothing into memory: SQLite then reads.
func fetch(_ *libc.TLS, _ uintptr, _ int64, _ int32, page uintptr) int32 {
	*at[uintptr](page) = 0
	return sqlite3.SQLITE_OK
}

// characteristics keeps SQLite from reading parts of pages, which have no sum.
func characteristics(tls *libc.TLS, file uintptr) int32 {
	return method[askMethod](own(file).FxDeviceCharacteristics)(tls, file) &^ sqlite3.SQLITE_IOCAP_SUBPAGE_READ
}
