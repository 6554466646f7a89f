package expr_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/headrace/headrace/internal/expr"
	"github.com/headrace/headrace/internal/value"
)

func TestParseReference(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text, key string
		path      []string
	}{
		{"loop", "loop", nil},
		{"trigger.results.webhookUrls.Sync Customer Data", "trigger", []string{"results", "webhookUrls", "Sync Customer Data"}},
		{`loop.currentItem.[".tag"]`, "loop", []string{"currentItem", ".tag"}},
		{`loop.currentItem[".tag"].x`, "loop", []string{"currentItem", ".tag", "x"}},
		{"data[0].Id", "data", []string{"0", "Id"}},
		{"data[0][12]Id", "data", []string{"0", "12", "Id"}},
		{"a.x[-1]", "a", []string{"x", "-1"}},
		{"a.results.0.id", "a", []string{"results", "0", "id"}},
		{`x["a.b"]`, "x", []string{"a.b"}},
		{`x['a"b']`, "x", []string{`a"b`}},
		{`x["a\"]\\b\c"]`, "x", []string{`a"]\bc`}},
		{`x[""]`, "x", []string{""}},
		{"x.Bob's \"Flow\" a]b", "x", []string{`Bob's "Flow" a]b`}},
		{"  x.é \n", "x", []string{"é"}},
	}
	for _, tt := range tests {
		n, err := expr.ParseReference(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		if n.Key != tt.key || n.Text != tt.text {
			t.Errorf("%s: key %q of %q, want %q", tt.text, n.Key, n.Text, tt.key)
		}
		if diff := cmp.Diff(tt.path, n.Path()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.text, diff)
		}
	}
}

func TestParseReferenceRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"", "it is empty: name a step key"},
		{" \t", "it is empty: name a step key"},
		{"a..b", `a segment is empty: take the dot away, or put a name that ends in one in quotes, as in ["Acme Inc."] (character 3 of "a..b")`},
		{"é.ü.", `(character 5 of "é.ü.")`},
		{".a", "a segment is empty"},
		{"a.é[b]", `brackets hold a number or a quoted key, not "b": put a name with brackets in quotes, as in ["a[b]"] (character 4 of "a.é[b]")`},
		{"a[]", `not ""`},
		{"a[+1]", `not "+1"`},
		{"a[1.5]", `not "1.5"`},
		{"a[--1]", `not "--1"`},
		{"a[", "a bracket is not closed"},
		{"a[1", "a bracket is not closed"},
		{`a["x`, "a quoted key is not closed"},
		{`a["x\`, "a quoted key is not closed"},
		{`a["x'`, "a quoted key is not closed"},
		{`a["x"`, "a bracket is not closed after its quoted key"},
		{`a["x"y]`, "a bracket is not closed after its quoted key"},
		{"[0].a", `"[0].a" must begin with a step key`},
		{`["a"]`, "must begin with a step key"},
		{"a" + strings.Repeat(".b", 64), "it has more than 64 segments"},
	}
	for _, tt := range tests {
		n, err := expr.ParseReference(tt.text)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got %+v, %v; want %s", tt.text, n, err, tt.want)
		}
		if n, err := expr.Ref(tt.text); n != nil || err == nil {
			t.Errorf("%q: Ref gave %v, %v", tt.text, n, err)
		}
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	headers := value.Obj(value.Field{Key: "X-GitHub-Event", Value: "push"})
	headers.FoldKeys = true
	root := parse(t, `{
		"results": {
			"webhookUrls": {"Sync Customer Data": "u1", "a.b": "u2", "a": {"b": "u3", "c": "u4"}, "v1.2.3": "u5", "Orders [2]": "u6", "[3] x": "u7", "MY FLOW": ["k0"], "Ends ": "u8", "Both": "u9", "Both ": "u10"},
			"items": [{"Id": "i0"}, {"Id": "i1", "0": "zero", "-1": "minus"}],
			"nothing": null, "": "empty", ".tag": "folder", "no": false, "text": "x"
		},
		"currentItem": {".tag": "file", "a.b": {"c.d": 1}, "a": {"b.c": {"d": 2}, "b": {"e": 3}}}
	}`).(*value.Object)
	results, _ := root.Get("results")
	results.(*value.Object).Set("headers", headers)
	results.(*value.Object).Set("body", value.Bytes{Data: []byte("raw"), ContentType: "text/plain"})
	tests := []struct {
		text  string
		want  string // JSON
		found bool
	}{
		{"t.results.webhookUrls.Sync Customer Data", `"u1"`, true},
		{"t.results.webhookUrls.a.b", `"u2"`, true},
		{`t.results.webhookUrls["a"].b`, `"u3"`, true},
		{"t.results.webhookUrls.a.c", `"u4"`, true},
		{`t.results.webhookUrls["a.b"]`, `"u2"`, true},
		{"t.results.webhookUrls.v1.2.3", `"u5"`, true},
		{"t.results.webhookUrls.Orders [2]", `"u6"`, true},
		{"t.results.webhookUrls.[3] x", `"u7"`, true},
		{"t.results.webhookUrls.MY FLOW.0", `"k0"`, true},
		{"t.results.webhookUrls.sync customer data", "", false},
		{"t.results.webhookUrls.Ends ", `"u8"`, true},
		{"t.results.webhookUrls.Both ", `"u10"`, true},
		{" t.results.webhookUrls.Both", `"u9"`, true},
		{"t.results.webhookUrls.v1.2.3  ", `"u5"`, true},
		{"t.results.text ", `"x"`, true},
		{"t.results.items.0.Id", `"i0"`, true},
		{"t.results.items[1].Id", `"i1"`, true},
		{"t.results.items[1][0]", `"zero"`, true},
		{"t.results.items[1].-1", `"minus"`, true},
		{"t.results.items.2.Id", "", false},
		{"t.results.items[-1].Id", "", false},
		{"t.results.items.+1.Id", "", false},
		{"t.results.items.99999999999999999999", "", false},
		{"t.results.items.length", "", false},
		{"t.results.nothing", `null`, true},
		{"t.results.nothing.more", "", false},
		{`t.results[""]`, `"empty"`, true},
		{`t.results[".tag"]`, `"folder"`, true},
		{`t.currentItem.[".tag"]`, `"file"`, true},
		{"t.currentItem.a.b.c.d", `1`, true},
		{`t.currentItem.a["b.c"].d`, `2`, true},
		{"t.currentItem.a.b.e", `3`, true}, // a.b is a key, but nothing in it is e
		{"t.results.headers.x-github-event", `"push"`, true},
		{`t.results.headers["X-GITHUB-EVENT"]`, `"push"`, true},
		{"t.results.body.contentType", `"text/plain"`, true},
		{"t.results.body.data", `"cmF3"`, true},
		{"t.results.body.size", "", false},
		{"t.results.body.data.x", "", false},
		{"t.results.no", `false`, true},
		{"t.results.text.0", "", false},
	}
	for _, tt := range tests {
		n, err := expr.ParseReference(tt.text)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		got, found := n.Resolve(root)
		if found != tt.found || found && string(value.JSON(got)) != tt.want {
			t.Errorf("%s: got %s, %t; want %s, %t", tt.text, value.JSON(got), found, tt.want, tt.found)
		}
		if v := expr.Eval(n, scope{steps: map[string]any{"t": root}}); !value.Equal(v, got) {
			t.Errorf("%s: evaluated to %v", tt.text, v)
		}
	}
}

func TestReferenceToAStepThatDidNotRunIsNothing(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"absent", "absent.results.x", "empty.results", "odd.Password"} {
		n := ref(t, text)
		s := scope{steps: map[string]any{"empty": nil, "odd": &connection{Password: "s3cret"}}}
		if v := expr.Eval(n, s); v != nil {
			t.Errorf("%s: %v", text, v)
		}
	}
}

// TestResolveFindsEveryKey puts a value under keys of any text and finds it, with the keys in quotes and, where that is possible,
// plain.
func TestResolveFindsEveryKey(t *testing.T) {
	t.Parallel()
	key := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a.\[\]"'\\0 ]{0,6}`))
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfN(key, 1, 5).Draw(t, "keys")
		var root any = "found"
		quoted := "step"
		for _, k := range slices.Backward(keys) {
			root = value.Obj(value.Field{Key: "decoy"}, value.Field{Key: k, Value: root})
		}
		for _, k := range keys {
			quoted += `["` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(k) + `"]`
		}
		n, err := expr.ParseReference(quoted)
		if err != nil {
			t.Fatalf("%s: %v", quoted, err)
		}
		if v, ok := n.Resolve(root); !ok || v != "found" {
			t.Fatalf("%s: got %v, %t", quoted, v, ok)
		}
		if !slices.Equal(n.Path(), keys) {
			t.Fatalf("%s: path %q, want %q", quoted, n.Path(), keys)
		}
	})
}

// TestResolveIsGreedy compares with the rule itself, tried out on plain text: the longest text that is a key, and that leads on, wins.
func TestResolveIsGreedy(t *testing.T) {
	t.Parallel()
	name := rapid.StringMatching(`[ab]( ?[ab])?(\.[ab]){0,2}`)
	rapid.Check(t, func(t *rapid.T) {
		var build func(depth int) any
		build = func(depth int) any {
			if depth == 0 {
				return rapid.StringMatching(`[a-z]{6}`).Draw(t, "leaf")
			}
			o := value.Obj()
			for range rapid.IntRange(0, 5).Draw(t, "len") {
				o.Set(name.Draw(t, "key"), build(rapid.IntRange(0, depth-1).Draw(t, "depth")))
			}
			return o
		}
		root := build(3)
		path := rapid.StringMatching(`[ab]( ?[ab])?(\.[ab]( ?[ab])?){0,4}`).Draw(t, "path")
		n, err := expr.ParseReference("step." + path)
		if err != nil {
			t.Fatal(err)
		}
		want, wantFound := greedy(root, path)
		if got, found := n.Resolve(root); found != wantFound || !value.Equal(got, want) {
			t.Fatalf("%s in %s: got %v, %t; want %v, %t", path, value.JSON(root), got, found, want, wantFound)
		}
	})
}

// greedy is the rule for names with dots, on the text as it is written.
func greedy(v any, path string) (any, bool) {
	o, ok := v.(*value.Object)
	if !ok {
		return nil, false
	}
	if found, ok := o.Get(path); ok {
		return found, true
	}
	for cut := strings.LastIndexByte(path, '.'); cut >= 0; cut = strings.LastIndexByte(path[:cut], '.') {
		if inner, ok := o.Get(path[:cut]); ok {
			if found, ok := greedy(inner, path[cut+1:]); ok {
				return found, true
			}
		}
	}
	return nil, false
}

// TestResolveIsBoundedOnHostileData uses an object in which every way of joining the path leads on, so that there are 2^62 ways.
func TestResolveIsBoundedOnHostileData(t *testing.T) {
	t.Parallel()
	root := value.Obj()
	for range 64 {
		outer := value.Obj()
		for i := range 63 {
			outer.Set(strings.TrimSuffix(strings.Repeat("a.", i+1), "."), root)
		}
		root = outer
	}
	n, err := expr.ParseReference("step" + strings.Repeat(".a", 62) + ".b")
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if v, ok := n.Resolve(root); ok {
		t.Errorf("found %v", v)
	}
	if took := time.Since(start); took > 2*time.Minute { // what is not linear takes hours
		t.Errorf("it took %v", took)
	}
}

func FuzzParseReference(f *testing.F) {
	for _, seed := range []string{
		"a", "trigger.results.webhookUrls.Sync Customer Data", `loop.currentItem.[".tag"]`, "data[0].Id", `x["a\"\\.b"]['c']`, "a..b", "a[", `a["`, "é.[-1]", "a]", " a . b ",
	} {
		f.Add(seed, `{"a":{"b":[1,{"Id":2}],"a.b":"x"},".tag":[]}`)
	}
	f.Fuzz(func(t *testing.T, text, data string) {
		n, err := expr.ParseReference(text)
		if err != nil {
			if n != nil || err.Error() == "" {
				t.Fatalf("%q: %+v, %v", text, n, err)
			}
			return
		}
		if n.Key == "" || !strings.HasPrefix(strings.TrimSpace(text), n.Key) {
			t.Fatalf("%q: key %q", text, n.Key)
		}
		root, err := value.Parse([]byte(data))
		if err != nil {
			return
		}
		if v, ok := n.Resolve(root); !ok && v != nil {
			t.Fatalf("%q: not found, yet %v", text, v)
		}
		// The path in quotes finds at least what each segment alone would.
		requote(t, n, root)
	})
}

func requote(t *testing.T, n *expr.ReferenceNode, root any) {
	t.Helper()
	quoted := n.Key
	for _, s := range n.Path() {
		quoted += fmt.Sprintf(`["%s"]`, strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s))
	}
	exact, err := expr.ParseReference(quoted)
	if err != nil {
		t.Fatalf("%q: %v", quoted, err)
	}
	if !slices.Equal(exact.Path(), n.Path()) {
		t.Fatalf("%q: path %q, want %q", quoted, exact.Path(), n.Path())
	}
	if _, ok := exact.Resolve(root); !ok {
		return
	}
	if _, ok := n.Resolve(root); !ok {
		t.Fatalf("%q leads somewhere, %q does not", quoted, n.Text)
	}
}
