package secret

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

const (
	keyFileHead = "headrace-keys v1"
	keyFileMode = 0o600
	// maxKeyFile is far more than any number of keys needs; it keeps a wrong
	// path, such as the database, from being read whole.
	maxKeyFile = 64 << 10
)

const keyFileWords = keyFileHead + `
# Seals the secrets in the database: without this file they are lost, with it
# anyone can read them. Keep it out of backups of the database, and back it up.
# One key a line: key <id> <256 bits in hex>. The first one seals, all open.
`

// OpenKeyFile loads the keys in the file at path. Where there is no file, it
// makes one with a fresh key, whole or not at all, even if two processes start
// at once. A file that others can read is refused.
func OpenKeyFile(path string) (*Keyring, error) {
	keys, err := readKeyFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = createKeyFile(path); err == nil {
			keys, err = readKeyFile(path)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return newKeyring(path, keys)
}

func readKeyFile(path string) ([]key, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, bare(err)
	}
	defer f.Close()
	// The open file is asked, not the path, so that what was checked is what
	// is read.
	info, err := f.Stat()
	if err != nil {
		return nil, bare(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("is not a regular file: name a file, which is created when it does not exist")
	}
	if perm := info.Mode().Perm(); perm&^keyFileMode != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("has mode %04o, so that others may use it: run: chmod 600 %s", perm, path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return nil, bare(err)
	}
	if len(text) > maxKeyFile {
		return nil, fmt.Errorf("is larger than %d bytes and hence no key file: check the path", maxKeyFile)
	}
	return parseKeys(string(text))
}

// parseKeys names lines by number only: their text may be a key.
func parseKeys(text string) ([]key, error) {
	head, rest, ok := strings.Cut(text, "\n")
	if !ok || strings.TrimRight(head, "\r") != keyFileHead {
		return nil, fmt.Errorf("does not begin with the line %q: check the path, or restore the file from its backup", keyFileHead)
	}
	var keys []key
	seen := map[string]bool{}
	for n, line := range strings.Split(rest, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		k, err := parseKey(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n+2, err)
		}
		if seen[k.id] {
			return nil, fmt.Errorf("line %d: key id %s is used twice: give each key an id of its own", n+2, k.id)
		}
		seen[k.id] = true
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, errors.New("holds no key: restore it from its backup, or remove it if the database is new")
	}
	return keys, nil
}

func parseKey(line string) (key, error) {
	fields := strings.Fields(line)
	if len(fields) != 3 || fields[0] != "key" {
		return key{}, errors.New(`is not of the form "key <id> <hex>"`)
	}
	if !validKeyID(fields[1]) {
		return key{}, errors.New("key id is not made of lower-case letters, digits and hyphens")
	}
	b, err := hex.DecodeString(fields[2])
	if err != nil || len(b) != keySize {
		return key{}, fmt.Errorf("key %s is not %d hex digits: the line is damaged, restore the file from its backup", fields[1], 2*keySize)
	}
	return key{id: fields[1], key: b}, nil
}

// createKeyFile writes a file of another name and links it into place: a link
// is made at once and never over an existing file, so that a crash leaves no
// half a key, and of two starts at once the later takes the key of the earlier.
func createKeyFile(path string) error {
	k := newKey()
	dir := filepath.Dir(path)
	draft := filepath.Join(dir, "."+filepath.Base(path)+"."+newKey().id)
	text := keyFileWords + "key " + k.id + " " + hex.EncodeToString(k.key) + "\n"
	if err := writeNew(draft, text); err != nil {
		return fmt.Errorf("create: %w", err)
	}
	err := os.Link(draft, path)
	if errRemove := os.Remove(draft); err == nil {
		err = errRemove
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("create: %w", bare(err))
	}
	if err := syncDir(dir); err != nil {
		return fmt.Errorf("create: %w", err)
	}
	return nil
}

func writeNew(path, text string) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, keyFileMode)
	if err != nil {
		return bare(err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(path)
		}
	}()
	_, err = io.WriteString(f, text)
	if err == nil {
		err = f.Sync()
	}
	if errClose := f.Close(); err == nil {
		err = errClose
	}
	return bare(err)
}

func syncDir(dir string) error {
	if runtime.GOOS == "windows" { // has no such thing
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return bare(err)
	}
	defer d.Close()
	return bare(d.Sync())
}

// bare takes the path off an error of package os: OpenKeyFile names it once.
func bare(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return fmt.Errorf("%s: %w", pe.Op, pe.Err)
	}
	var le *os.LinkError
	if errors.As(err, &le) {
		return fmt.Errorf("%s: %w", le.Op, le.Err)
	}
	return err
}
