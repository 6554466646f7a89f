package value_test

import (
	"encoding/json"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/headrace/headrace/internal/value"
)

// TestObjectKeepsOrder compares an object with a list of pairs through any series of changes.
func TestObjectKeepsOrder(t *testing.T) {
	t.Parallel()
	type pair struct {
		key   string
		value any
	}
	few := rapid.Custom(func(t *rapid.T) string { return strconv.Itoa(rapid.IntRange(0, 20).Draw(t, "key")) })
	rapid.Check(t, func(t *rapid.T) {
		o, model := value.Obj(), []pair{}
		place := func(key string) int {
			return slices.IndexFunc(model, func(p pair) bool { return p.key == key })
		}
		t.Repeat(map[string]func(*rapid.T){
			"set": func(t *rapid.T) {
				p := pair{few.Draw(t, "key"), rapid.Int().Draw(t, "value")}
				o.Set(p.key, p.value)
				if i := place(p.key); i >= 0 {
					model[i] = p
				} else {
					model = append(model, p)
				}
			},
			"delete": func(t *rapid.T) {
				key := few.Draw(t, "key")
				o.Delete(key)
				if i := place(key); i >= 0 {
					model = slices.Delete(model, i, i+1)
				}
			},
			"": func(t *rapid.T) {
				var got []pair
				for k, v := range o.All() {
					got = append(got, pair{k, v})
				}
				if !slices.Equal(got, model) || o.Len() != len(model) || len(o.Keys()) != len(model) {
					t.Fatalf("got %v, want %v", got, model)
				}
				for _, p := range model {
					if v, ok := o.Get(p.key); !ok || v != p.value {
						t.Fatalf("key %s: got %v, %t; want %v", p.key, v, ok, p.value)
					}
				}
				if v, ok := o.Get("absent"); ok {
					t.Fatalf("absent: %v", v)
				}
			},
		})
	})
}

func TestNilObjectReadsAsEmpty(t *testing.T) {
	t.Parallel()
	var o *value.Object
	for range o.All() {
		t.Error("it has a key")
	}
	_, got := o.Get("a")
	_, found := o.Find("a")
	o.Delete("a")
	if got || found || o.Len() != 0 || o.Keys() != nil || o.Clone() != nil || !o.Equal(value.Obj()) || value.Kind(o) != "an object" {
		t.Error("it does not read as empty")
	}
	if s := string(value.JSON(o)); s != "{}" {
		t.Errorf("got %s", s)
	}
}

func TestAddMakesAListOfWhatRepeats(t *testing.T) {
	t.Parallel()
	o := value.Obj()
	for _, v := range []any{"1", "2", "3"} {
		o.Add("many", v)
	}
	o.Add("one", nil)
	if got := string(value.JSON(o)); got != `{"many":["1","2","3"],"one":null}` {
		t.Errorf("got %s", got)
	}
}

func TestZeroObjectCanBeSet(t *testing.T) {
	t.Parallel()
	var o value.Object
	o.Set("a", true)
	if v, ok := o.Get("a"); !ok || v != true {
		t.Errorf("got %v, %t", v, ok)
	}
}

func TestAllStopsWhenToldTo(t *testing.T) {
	t.Parallel()
	n := 0
	for range value.Obj(value.Field{Key: "a"}, value.Field{Key: "b"}).All() {
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d rounds", n)
	}
}

func TestFindFoldsKeysWhereAsked(t *testing.T) {
	t.Parallel()
	headers := value.Obj(value.Field{Key: "Content-Type", Value: "a"}, value.Field{Key: "content-type", Value: "b"}, value.Field{Key: "X-Id", Value: "c"})
	if v, ok := headers.Find("x-id"); ok {
		t.Errorf("folded unasked: %v", v)
	}
	headers.FoldKeys = true
	for key, want := range map[string]any{"Content-Type": "a", "content-type": "b", "CONTENT-TYPE": "a", "x-ID": "c", "X-Other": nil} {
		if v, ok := headers.Find(key); v != want || ok != (want != nil) {
			t.Errorf("%s: got %v, %t; want %v", key, v, ok, want)
		}
	}
	if v, ok := headers.Get("x-id"); ok {
		t.Errorf("Get folds: %v", v)
	}
	if !headers.Clone().FoldKeys {
		t.Error("a clone does not fold")
	}
	if s := string(value.Encode(headers)); s != `{"Content-Type":"a","content-type":"b","X-Id":"c"}` {
		t.Errorf("encoded: %s", s)
	}
}

func TestObjectIsReadByManyAtOnce(t *testing.T) {
	t.Parallel()
	o := value.Obj()
	for i := range 20 {
		o.Set(strconv.Itoa(i), value.FromInt(int64(i)))
	}
	o.Delete("3")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if v, ok := o.Get("19"); !ok || v != value.Number("19") {
				t.Errorf("got %v, %t", v, ok)
			}
			value.JSON(o)
			value.Canonical(o)
		})
	}
	wg.Wait()
}

func TestCloneSharesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := values(3).Draw(t, "value")
		before := string(value.Encode(v))
		c := value.Clone(v)
		if !same(v, c) {
			t.Fatalf("cloned to %#v", c)
		}
		spoil(c)
		if after := string(value.Encode(v)); after != before {
			t.Fatalf("changing the clone changed the original: %s, was %s", after, before)
		}
	})
}

// spoil changes everything in v.
func spoil(v any) {
	switch v := v.(type) {
	case []any:
		for i := range v {
			spoil(v[i])
			v[i] = "spoilt"
		}
	case *value.Object:
		for k, item := range v.All() {
			spoil(item)
			v.Set(k, "spoilt")
		}
		v.Set("more", true)
	case value.Bytes:
		for i := range v.Data {
			v.Data[i]++
		}
	}
}

func TestValuesWorkWithEncodingJSONAndCmp(t *testing.T) {
	t.Parallel()
	type document struct {
		N value.Number
		O *value.Object
	}
	d := document{N: "1.50", O: value.Obj(value.Field{Key: "b", Value: value.Number("2.0")}, value.Field{Key: "a"})}
	b, err := json.Marshal(d)
	if err != nil || string(b) != `{"N":1.50,"O":{"b":2.0,"a":null}}` {
		t.Errorf("got %s, %v", b, err)
	}
	if b, err := json.Marshal(value.Number("x")); err == nil {
		t.Errorf("x became %s", b)
	}
	other := document{N: "1.50", O: value.Obj(value.Field{Key: "a"}, value.Field{Key: "b", Value: value.Number("2")})}
	if diff := cmp.Diff(d, other); diff != "" {
		t.Error(diff)
	}
	other.O.Set("c", nil)
	if cmp.Equal(d, other) {
		t.Error("another key makes no difference")
	}
}
