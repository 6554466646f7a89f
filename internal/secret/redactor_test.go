package secret_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/headrace/headrace/internal/secret"
	"github.com/headrace/headrace/internal/value"
)

func redactor(secrets ...string) *secret.Redactor {
	var r secret.Redactor
	for i, s := range secrets {
		r.Add(fmt.Sprintf("s%d", i), s, "")
	}
	return &r
}

// encodings are written apart from those of the Redactor.
var encodings = map[string]func(s string) string{
	"plain":          func(s string) string { return s },
	"base64":         func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 raw":     func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) },
	"base64 url":     func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) },
	"base64 raw url": func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) },
	"hex":            func(s string) string { return hex.EncodeToString([]byte(s)) },
	"HEX":            func(s string) string { return fmt.Sprintf("%X", s) },
	"query":          url.QueryEscape,
	"path":           url.PathEscape,
	"query lower": func(s string) string {
		return regexp.MustCompile(`%..`).ReplaceAllStringFunc(url.QueryEscape(s), strings.ToLower)
	},
	"json":       func(s string) string { b, _ := json.Marshal(s); return string(b) },
	"json raw":   func(s string) string { return string(value.JSON(s)) },
	"json twice": func(s string) string { return string(value.JSON(string(value.JSON(s)))) },
	"html":       html.EscapeString,
	"xml":        func(s string) string { var b bytes.Buffer; _ = xml.EscapeText(&b, []byte(s)); return b.String() },
	"form":       func(s string) string { return url.Values{"password": {s}}.Encode() },
	"url": func(s string) string {
		return (&url.URL{Scheme: "http", User: url.UserPassword("ann", s), Host: "h"}).String()
	},
	"url in path": func(s string) string { return (&url.URL{Scheme: "http", Host: "h", Path: "/a/" + s + "/b"}).String() },
}

func TestRedactor_leaves_no_encoding_of_a_secret(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		alphabet := rapid.SampledFrom([]string{"abcXYZ019", "aZ9-_~+/=&%<>\"'\\ {}", "äöü€😀ab/\"", "\n\t\x01ab\"\\"}).Draw(t, "alphabet")
		s := rapid.StringOfN(rapid.RuneFrom([]rune(alphabet)), 5, 40, -1).Draw(t, "secret")
		before := rapid.StringMatching(`[ -~]{0,20}`).Draw(t, "before")
		after := rapid.StringMatching(`[ -~]{0,20}`).Draw(t, "after")
		r := redactor(s)
		for name, encode := range encodings {
			encoded := encode(s)
			// Neighbours that overlap with the secret make another text.
			text := before + "|" + encoded + "|" + after
			out := r.Text(text)
			if strings.Contains(out, encoded) || !strings.Contains(out, "[secret:s0]") {
				t.Fatalf("%s of %q stays in %q: %q", name, s, text, out)
			}
			if again := r.Text(out); again != out {
				t.Fatalf("%s: redacting again makes %q of %q", name, again, out)
			}
			if b := r.Bytes([]byte(text)); string(b) != out {
				t.Fatalf("%s: bytes become %q, text %q", name, b, out)
			}
		}
	})
}

func TestRedactor_finds_a_secret_inside_base64(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOfN(rapid.RuneFrom([]rune("abcdefghiXYZ0123456789!-_")), 6, 40, -1).Draw(t, "secret")
		before := rapid.StringMatching(`[a-z]{0,12}`).Draw(t, "before")
		after := rapid.StringMatching(`[A-Z]{0,12}`).Draw(t, "after")
		for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawURLEncoding} {
			out := redactor(s).Text("Basic " + enc.EncodeToString([]byte(before+":"+s+":"+after)))
			if !strings.Contains(out, "[secret:s0]") {
				t.Fatalf("%q stays in %q", s, out)
			}
			// What is left decodes to the neighbours and at most two half bytes.
			if left := strings.TrimPrefix(strings.Replace(out, "[secret:s0]", "", 1), "Basic "); len(left) > (len(before)+len(after)+2)*4/3+6 {
				t.Fatalf("too much is left: %q", out)
			}
		}
	})
	req, err := http.NewRequestWithContext(t.Context(), "GET", "http://h", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"a", "an", "ann", "anna"} {
		req.SetBasicAuth(user, "correct horse")
		if out := redactor("correct horse").Text(fmt.Sprint(req.Header)); !strings.Contains(out, "[secret:s0]") {
			t.Errorf("password of %s stays in %s", user, out)
		}
	}
}

func TestRedactor_replaces(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in, want string
		secrets        []string
	}{
		{"nothing without secrets", "hunter2", "hunter2", nil},
		{"nothing where there is none", "hello", "hello", []string{"hunter2"}},
		{"everywhere", "hunter2 hunter2hunter2", "[secret:s0] [secret:s0][secret:s0]", []string{"hunter2"}},
		{"the longest first", "hunter22 hunter2", "[secret:s1] [secret:s0]", []string{"hunter2", "hunter22"}},
		{"a short one alone", "abc", "[secret:s0]", []string{"abc"}},
		{"no short one inside", "abc abcd", "abc abcd", []string{"abc"}},
		{"no encoded short one", "YWJj", "YWJj", []string{"abc"}},
		{"no empty one", "", "", []string{""}},
		{"the first name of equal ones", "same", "[secret:s0]", []string{"same", "same"}},
		{"plain before encoded", "c2VjcmV0IQ==", "[secret:s1]", []string{"secret!", "c2VjcmV0IQ=="}},
		{"trimmed", "token: abcdef.", "token: [secret:s0].", []string{"abcdef\n"}},
		{"one that is in its replacement", "my secret", "my [secret:s0]", []string{"secret"}},
		{"invalid text", "a\xff\xfe\xfd\xfcb \ufffd\ufffd\ufffd\ufffd", "a[secret:s0]b \ufffd\ufffd\ufffd\ufffd", []string{"\xff\xfe\xfd\xfc"}},
		{"python's json", `"p\u00e4ssw\u00f6rd"`, `"[secret:s0]"`, []string{"pässwörd"}},
		{"php's json", `"a\/b\/c\/d"`, `"[secret:s0]"`, []string{"a/b/c/d"}},
	} {
		r := redactor(tt.secrets...)
		got := r.Text(tt.in)
		if got != tt.want {
			t.Errorf("%s: %q becomes %q, want %q", tt.name, tt.in, got, tt.want)
		}
		if again := r.Text(got); again != got {
			t.Errorf("%s: again %q", tt.name, again)
		}
	}
	var own secret.Redactor
	own.Add("n", "hunter2", "***")
	if got := own.Text("a hunter2"); got != "a ***" {
		t.Errorf("own replacement: %q", got)
	}
	own.Add("m", "swordfish", "")
	if got := own.Text("hunter2 swordfish"); got != "*** [secret:m]" {
		t.Errorf("secret added later: %q", got)
	}
}

func TestRedactor_value(t *testing.T) {
	t.Parallel()
	r := redactor("hunter2", "7", "90210")
	in := value.Obj(
		value.Field{Key: "a hunter2 key", Value: []any{"x", "say hunter2", true, nil, value.Number("12.50")}},
		value.Field{Key: "numbers", Value: []any{value.Number("7"), value.Number("77"), value.Number("90210"), value.Number("902101"), "7", "77"}},
		value.Field{Key: "text", Value: value.Bytes{Data: []byte("hunter2"), ContentType: "text/plain"}},
		value.Field{Key: "binary", Value: value.Bytes{Data: []byte("\xff\x00hunter2\xfe"), ContentType: "image/png"}},
		value.Field{Key: "deep", Value: value.Obj(value.Field{Key: "k", Value: value.Obj(value.Field{Key: "k", Value: "hunter2"})})},
	)
	before := string(value.Encode(in))
	got, changed := r.Value(in)
	want := value.Obj(
		value.Field{Key: "a [secret:s0] key", Value: []any{"x", "say [secret:s0]", true, nil, value.Number("12.50")}},
		value.Field{Key: "numbers", Value: []any{"[secret:s1]", value.Number("77"), "[secret:s2]", value.Number("902101"), "[secret:s1]", "77"}},
		value.Field{Key: "text", Value: value.Bytes{Data: []byte("[secret:s0]"), ContentType: "text/plain"}},
		value.Field{Key: "binary", Value: value.Bytes{Data: []byte("\xff\x00[secret:s0]\xfe"), ContentType: "image/png"}},
		value.Field{Key: "deep", Value: value.Obj(value.Field{Key: "k", Value: value.Obj(value.Field{Key: "k", Value: "[secret:s0]"})})},
	)
	if diff := cmp.Diff(string(value.Encode(want)), string(value.Encode(got))); diff != "" || !changed {
		t.Errorf("redacted, changed %t (-want +got):\n%s", changed, diff)
	}
	if after := string(value.Encode(in)); after != before {
		t.Errorf("the value itself was changed:\n%s", after)
	}
	for _, clean := range []any{nil, true, "x", value.Number("1"), []any{"x"}, value.Obj(value.Field{Key: "k", Value: "v"}), value.Bytes{Data: []byte("x")}} {
		if got, changed := r.Value(clean); changed || !value.Equal(got, clean) {
			t.Errorf("%v becomes %v, changed %t", clean, got, changed)
		}
	}
	object := value.Obj(value.Field{Key: "k", Value: "v"})
	if got, _ := r.Value(object); got != any(object) {
		t.Error("an unchanged object was copied")
	}
	folding := value.Obj(value.Field{Key: "Authorization", Value: "hunter2"})
	folding.FoldKeys = true
	if got, _ := r.Value(folding); !got.(*value.Object).FoldKeys {
		t.Error("a header lost its folding")
	}
}

func TestRedactor_nil_and_zero_change_nothing(t *testing.T) {
	t.Parallel()
	for _, r := range []*secret.Redactor{nil, {}} {
		if r.Text("x") != "x" || string(r.Bytes([]byte("x"))) != "x" {
			t.Error("text was changed")
		}
		if v, changed := r.Value("x"); changed || v != "x" {
			t.Error("value was changed")
		}
	}
}

func TestRedactor_may_be_used_while_secrets_are_added(t *testing.T) {
	t.Parallel()
	var r secret.Redactor
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 200 {
			s := fmt.Sprintf("secret-number-%04d", i)
			r.Add("n", s, "")
			if got := r.Text(s); got != "[secret:n]" {
				t.Errorf("%q right after its Add", got)
			}
		}
	}()
	for range 200 {
		_ = r.Text("secret-number-0000 and more")
	}
	<-done
}

func TestMask_hides_and_reveals(t *testing.T) {
	t.Parallel()
	m := secret.NewMask("webhook-token")
	old, now := secret.Token(), secret.Token()
	m.Add("nightly-sync", now)
	m.Add("nightly-sync", old)
	m.Add("empty", "")
	url := "https://h.example.com/hooks/"
	if got := m.Hide(url + now); got != url+"{webhook-token:nightly-sync}" {
		t.Errorf("hidden: %s", got)
	}
	if got := m.Reveal(m.Hide(url + old)); got != url+now {
		t.Errorf("an old token is not shown as the current one: %s", got)
	}
	if got := m.Reveal("{webhook-token:other} {webhook-token:empty}"); got != "{webhook-token:other} {webhook-token:empty}" {
		t.Errorf("unknown placeholder: %s", got)
	}
	v, changed := m.HideValue(value.Obj(value.Field{Key: "url", Value: url + now}, value.Field{Key: "n", Value: value.Number("1")}))
	if !changed || strings.Contains(string(value.JSON(v)), now) {
		t.Errorf("hidden value: %s", value.JSON(v))
	}
}

func TestMask_gives_no_token_for_a_forged_placeholder(t *testing.T) {
	t.Parallel()
	m := secret.NewMask("webhook-token")
	hidden := m.Hide("{webhook-token:later}") // not known yet
	m.Add("later", secret.Token())
	for _, forged := range []string{"{webhook-token:later}", "{webhook-token!:later}", "{{webhook-token:later}}", "{webhook-token{webhook-token:later}"} {
		if got := m.Reveal(m.Hide(forged)); got != forged {
			t.Errorf("%s becomes %s", forged, got)
		}
	}
	if got := m.Reveal(hidden); got != "{webhook-token:later}" {
		t.Errorf("placeholder forged ahead becomes %s", got)
	}
}

func TestMask_is_reversible_for_every_text(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := secret.NewMask("webhook-token")
		tokens := map[string]string{"a": secret.Token(), "b-2": secret.Token()}
		parts := []string{"{webhook-token", "{webhook-token:", "{webhook-token:a}", "{webhook-token!", "!", ":", "a}", "}", "{", "x", "/hooks/", "webhook-token"}
		for id, token := range tokens {
			m.Add(id, token)
			parts = append(parts, token, token[:16], token[16:])
		}
		s := strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 0, 12).Draw(t, "parts"), "")
		hidden := m.Hide(s)
		for _, token := range tokens {
			if strings.Contains(hidden, token) {
				t.Fatalf("%q stays in %q", token, hidden)
			}
		}
		if got := m.Reveal(hidden); got != s {
			t.Fatalf("%q comes back as %q by way of %q", s, got, hidden)
		}
		if again := m.Hide(m.Reveal(hidden)); again != hidden {
			t.Fatalf("hidden again: %q, before: %q", again, hidden)
		}
	})
}

func BenchmarkRedactor(b *testing.B) {
	text := strings.Repeat(`{"id":12345,"name":"Ann Example","mail":"ann@example.com"},`, 1<<20/58)
	for _, n := range []int{0, 1, 20} {
		var secrets []string
		for range n {
			secrets = append(secrets, secret.Token())
		}
		r := redactor(secrets...)
		b.Run(fmt.Sprintf("%d secrets", n), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if r.Text(text) != text {
					b.Fatal("changed")
				}
			}
		})
	}
}
