package secret_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/headrace/headrace/internal/secret"
)

func keyring(t testing.TB) *secret.Keyring {
	t.Helper()
	kr, err := secret.OpenKeyFile(filepath.Join(t.TempDir(), "keys"))
	if err != nil {
		t.Fatal(err)
	}
	return kr
}

func TestToken_is_160_random_bits_in_lower_case(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[a-z2-7]{32}$`)
	seen := map[string]bool{}
	var ones [32 * 32]int
	const n = 20_000
	for range n {
		token := secret.Token()
		if !form.MatchString(token) || len(token) != secret.TokenLength || seen[token] {
			t.Fatalf("token %q", token)
		}
		seen[token] = true
		for i, c := range token {
			ones[i*32+strings.IndexRune("abcdefghijklmnopqrstuvwxyz234567", c)]++
		}
	}
	for i, count := range ones { // 625 expected, standard deviation 25
		if count < 625-200 || count > 625+200 {
			t.Errorf("character %d stands at place %d in %d of %d tokens", i%32, i/32, count, n)
		}
	}
	if got := secret.Hash("abc"); got != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Errorf("hash of abc is %s", got)
	}
}

func TestKeyring_opens_what_it_sealed(t *testing.T) {
	t.Parallel()
	kr := keyring(t)
	for _, plaintext := range []string{"", "a", "secret\x00\xff", strings.Repeat("long", 1<<16)} {
		sealed := kr.Seal([]byte(plaintext), "instance|field|1")
		if len(plaintext) > 4 && strings.Contains(sealed, plaintext) {
			t.Error("sealed value shows the plaintext")
		}
		got, err := kr.Open(sealed, "instance|field|1")
		if err != nil || string(got) != plaintext {
			t.Errorf("%.10q opens as %.10q: %v", plaintext, got, err)
		}
	}
}

func TestKeyring_uses_no_nonce_twice(t *testing.T) {
	t.Parallel()
	kr := keyring(t)
	seen := make(map[string]bool, 100_000)
	head := strings.LastIndex(kr.Seal(nil, "x"), ".") + 1
	for range 100_000 {
		nonce := kr.Seal(nil, "x")[head : head+16] // 96 bits
		if seen[nonce] {
			t.Fatalf("nonce %s was used twice", nonce)
		}
		seen[nonce] = true
	}
}

func TestKeyring_refuses_every_change(t *testing.T) {
	t.Parallel()
	kr := keyring(t)
	sealed := kr.Seal([]byte("hunter2"), "i1|password")
	for i := range sealed {
		for bit := range 8 {
			changed := []byte(sealed)
			changed[i] ^= 1 << bit
			if got, err := kr.Open(string(changed), "i1|password"); err == nil {
				t.Fatalf("bit %d of byte %d flipped: opens as %q", bit, i, got)
			} else if strings.Contains(err.Error(), "hunter2") {
				t.Fatalf("error shows the plaintext: %v", err)
			}
		}
		for _, changed := range []string{sealed[:i], sealed[:i] + sealed[i+1:], sealed[:i] + "A" + sealed[i:], sealed[:i] + "\n" + sealed[i:]} {
			if _, err := kr.Open(changed, "i1|password"); err == nil {
				t.Fatalf("%q opens", changed)
			}
		}
	}
	for _, changed := range []string{sealed + "A", sealed + "=", sealed + ".", sealed + "\n", " " + sealed} {
		if _, err := kr.Open(changed, "i1|password"); err == nil {
			t.Fatalf("%q opens", changed)
		}
	}
}

func TestKeyring_binds_a_value_to_its_place(t *testing.T) {
	t.Parallel()
	kr := keyring(t)
	places := []string{"", "i1|password", "i2|password", "i1|token", "i1|password|", "|i1|password", "i1|passwor", "I1|password", "headrace|key"}
	for _, here := range places {
		sealed := kr.Seal([]byte("x"), here)
		for _, there := range places {
			_, err := kr.Open(sealed, there)
			if here == there && err != nil {
				t.Errorf("%q: %v", here, err)
			}
			if here != there && !errors.Is(err, secret.ErrTampered) {
				t.Errorf("sealed for %q, opened for %q: %v", here, there, err)
			}
		}
	}
}

func TestKeyring_tells_a_foreign_key(t *testing.T) {
	t.Parallel()
	ours, theirs := keyring(t), keyring(t)
	if _, err := ours.Open(theirs.Seal([]byte("x"), "p"), "p"); !errors.Is(err, secret.ErrUnknownKey) {
		t.Errorf("open: %v", err)
	}
	if err := ours.Verify(ours.Check()); err != nil {
		t.Errorf("own check: %v", err)
	}
	err := ours.Verify(theirs.Check())
	if !errors.Is(err, secret.ErrUnknownKey) || !strings.Contains(err.Error(), "restore the key file") {
		t.Errorf("foreign check: %v", err)
	}
	if err := ours.Verify("nonsense"); !errors.Is(err, secret.ErrMalformed) {
		t.Errorf("damaged check: %v", err)
	}
	if err := ours.Verify(ours.Seal([]byte("headrace"), "p")); !errors.Is(err, secret.ErrTampered) {
		t.Errorf("check of another place: %v", err)
	}
}

func TestKeyring_tells_a_changed_key_of_the_same_id(t *testing.T) {
	t.Parallel()
	a := writeKeys(t, 0o600, "key k "+strings.Repeat("01", 32))
	b := writeKeys(t, 0o600, "key k "+strings.Repeat("02", 32))
	one, err := secret.OpenKeyFile(a)
	if err != nil {
		t.Fatal(err)
	}
	other, err := secret.OpenKeyFile(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Verify(one.Check()); !errors.Is(err, secret.ErrTampered) || !strings.Contains(err.Error(), b) {
		t.Errorf("verify: %v", err)
	}
}

func writeKeys(t testing.TB, mode os.FileMode, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	text := "headrace-keys v1\n" + strings.Join(lines, "\n") + "\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpenKeyFile_makes_it_once_and_for_its_owner_only(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "keys")
	rings := make([]*secret.Keyring, 8)
	errs := make([]error, len(rings))
	var wg sync.WaitGroup
	for i := range rings { // as many servers that start at once
		wg.Go(func() { rings[i], errs[i] = secret.OpenKeyFile(path) })
	}
	wg.Wait()
	for i := range rings {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		if err := rings[i].Verify(rings[0].Check()); err != nil {
			t.Errorf("keyring %d has another key: %v", i, err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v: %v", info.Mode(), err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("%d files beside one another, want 1: %v", len(left), err)
	}
	text, err := os.ReadFile(path)
	if err != nil || !regexp.MustCompile(`(?m)^key [a-z2-7]{8} [0-9a-f]{64}$`).Match(text) {
		t.Errorf("file holds no key line: %v", err)
	}
}

func TestOpenKeyFile_holds_several_keys(t *testing.T) {
	t.Parallel()
	oldKey, newKey := "key old "+strings.Repeat("0a", 32), "key new "+strings.Repeat("0B", 32)
	before, err := secret.OpenKeyFile(writeKeys(t, 0o400, oldKey))
	if err != nil {
		t.Fatal(err)
	}
	after, err := secret.OpenKeyFile(writeKeys(t, 0o600, "# rotated", "", "  "+newKey+"\r", oldKey))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := after.Open(before.Seal([]byte("x"), "p"), "p"); err != nil || string(got) != "x" {
		t.Errorf("value of the old key opens as %q: %v", got, err)
	}
	if err := after.Verify(before.Check()); err != nil {
		t.Error(err)
	}
	if sealed := after.Seal(nil, "p"); !strings.HasPrefix(sealed, "v1.new.") {
		t.Errorf("sealed with another key than the first: %s", sealed)
	}
}

func TestOpenKeyFile_refuses(t *testing.T) {
	t.Parallel()
	good := "key k " + strings.Repeat("01", 32)
	canary := strings.Repeat("c5", 31)
	other := func(text string) string {
		path := filepath.Join(t.TempDir(), "keys")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, tt := range map[string]struct{ path, want string }{
		"readable by the group":  {writeKeys(t, 0o640, good), "chmod 600"},
		"readable by all":        {writeKeys(t, 0o644, good), "chmod 600"},
		"writable by all":        {writeKeys(t, 0o602, good), "chmod 600"},
		"executable":             {writeKeys(t, 0o700, good), "chmod 600"},
		"empty":                  {other(""), "does not begin with"},
		"cut head":               {other("headrace-keys v1"), "does not begin with"},
		"newer version":          {other("headrace-keys v2\n" + good), "does not begin with"},
		"database":               {other("SQLite format 3\x00" + canary + "\n"), "does not begin with"},
		"too large":              {other("headrace-keys v1\n" + strings.Repeat("#\n", 1<<16)), "larger than"},
		"no key":                 {writeKeys(t, 0o600, "# nothing"), "holds no key"},
		"short key":              {writeKeys(t, 0o600, "", "key k "+canary), "line 3"},
		"key that is not hex":    {writeKeys(t, 0o600, "key k "+canary+"zz"), "line 2"},
		"id missing":             {writeKeys(t, 0o600, "key "+canary), "line 2"},
		"id with a dot":          {writeKeys(t, 0o600, "key a.b "+canary+"c5"), "line 2"},
		"id used twice":          {writeKeys(t, 0o600, good, good), "line 3"},
		"directory":              {t.TempDir(), "not a regular file"},
		"directory that is away": {filepath.Join(t.TempDir(), "away", "keys"), "no such file"},
	} {
		_, err := secret.OpenKeyFile(tt.path)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), tt.path) {
			t.Errorf("%s: error %v, want one with %q and the path", name, err, tt.want)
			continue
		}
		if strings.Contains(err.Error(), canary) {
			t.Errorf("%s: error shows the key: %v", name, err)
		}
	}
}
