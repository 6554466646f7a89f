package liquid

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/value"
)

const shopData = `{
	"name": "Ada", "none": null, "price": 1.50, "big": 12345678901234567890, "tags": ["b", "a", "c"], "empty list": [],
	"items": [{"sku": "x1", "qty": 2, "ok": true}, {"sku": "x2", "qty": 10, "ok": false}, {"sku": "x3", "qty": 10}],
	"address": {"street": "Main", "city": "Bern"}, "when": "2026-01-31T12:05:06Z", "html": "<b>a & b</b>", "lines": "a\nb"
}`

func data(t testing.TB) *value.Object {
	t.Helper()
	v, err := value.Parse([]byte(shopData))
	if err != nil {
		t.Fatal(err)
	}
	return v.(*value.Object)
}

func TestRender(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, template, want string }{
		{"text", "a {b} % }} c", "a {b} % }} c"},
		{"variable", "Hi {{ name }}!", "Hi Ada!"},
		{"nothing", "[{{ none }}{{ missing.x.y }}{{ }}]", "[]"},
		{"digits", "{{ price }} {{ big }} {{ 1.10 }}", "1.50 12345678901234567890 1.10"},
		{"keys", `{{ address.city }} {{ address["street"] }} {{ ["empty list"].size }} {{ items[1].sku }} {{ items[-1].sku }} {{ items.first.sku }} {{ items.0.qty }}`, "Bern Main 0 x2 x3 x1 2"},
		{"sizes", "{{ items.size }} {{ name.size }} {{ address.size }}", "3 3 2"},
		{"list and object", "{{ tags }} {{ address }}", `bac {"street":"Main","city":"Bern"}`},
		{"literals", `{{ "a" }}{{ 'b"' }}{{ true }}{{ nil }}{{ -3 }}`, `ab"true-3`},
		{"white space", "a  {{- name -}}  b {%- if true -%} c {%- endif %} d", "aAdabc d"},
		{"if", "{% if price > 1 and name == 'Ada' %}y{% else %}n{% endif %}", "y"},
		{"elsif", "{% if false %}1{% elsif none %}2{% elsif 0 %}3{% else %}4{% endif %}", "3"},
		{"right to left", "{% if false and true or true %}y{% else %}n{% endif %}", "n"},
		{"unless", "{% unless none %}y{% else %}n{% endunless %}", "y"},
		{"contains", "{% if tags contains 'a' and name contains 'd' and address contains 'city' %}y{% endif %}", "y"},
		{"numbers as text", "{% if '10' > 9 %}y{% endif %}{% if 1.0 == 1 %}y{% endif %}", "yy"},
		{"empty and blank", "{% if ['empty list'] == empty %}a{% endif %}{% if '  ' == blank %}b{% endif %}{% if missing == empty %}c{% endif %}", "ab"},
		{"case", "{% case name %}{% when 'Bob', 'Ada' %}1{% when 'X' or 'Y' %}2{% else %}3{% endcase %}", "1"},
		{"case else", "{% case 5 %} {% when 4 %}1{% else %}3{% endcase %}", "3"},
		{"for", "{% for i in items %}{{ forloop.index }}/{{ forloop.length }} {{ i.sku }}{% unless forloop.last %}, {% endunless %}{% endfor %}", "1/3 x1, 2/3 x2, 3/3 x3"},
		{"for of an object", "{% for p in address %}{{ p[0] }}={{ p[1] }};{% endfor %}", "street=Main;city=Bern;"},
		{"for with limits", "{% for i in (1..9) reversed limit: 3 offset: 2 %}{{ i }}{% endfor %}", "543"},
		{"for else", "{% for i in missing %}x{% else %}none{% endfor %}", "none"},
		{"break and continue", "{% for i in (1..9) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 5 %}{% break %}{% endif %}{{ i }}{% endfor %}", "134"},
		{"inner break", "{% for i in (1..2) %}{% for j in (1..3) %}{% if j == 2 %}{% break %}{% endif %}{{ i }}{{ j }}{% endfor %}{{ forloop.index }} {% endfor %}", "111 212 "},
		{"parent loop", "{% for i in (1..2) %}{% for j in (1..1) %}{{ forloop.parentloop.index }}{% endfor %}{% endfor %}", "12"},
		{"a loop variable ends with its loop", "{% assign i = 7 %}{% for i in (1..2) %}{% endfor %}{{ i }}{{ forloop.index }}", "7"},
		{"assign", "{% assign x = items | map: 'sku' | join: '+' %}{{ x }}", "x1+x2+x3"},
		{"capture", "{% capture x %}<{{ name }}>{% endcapture %}{{ x }}{{ x }}", "<Ada><Ada>"},
		{"counters", "{% increment n %}{% increment n %}{% decrement m %}", "01-1"},
		{"cycle", "{% for i in (1..3) %}{% cycle 'a', 'b' %}{% endfor %}{% cycle 'g': 1, 2 %}{% cycle 'g': 1, 2 %}", "aba12"},
		{"comment and raw", "a{% comment %}{{ x | nope }}{% endcomment %}{% raw %}{{ x }}{% endraw %}{% # note %}b", "a{{ x }}b"},
		{"raw without white space", "a {%- raw -%} {{ b }} {%- endraw -%} c", "a {{ b }} c"},
		{"echo", "{% echo name | upcase %}", "ADA"},
		{"texts", "{{ 'ab' | append: 'c' | prepend: '_' | upcase }} {{ 'hELLO w' | capitalize }} {{ ' a ' | strip }}|{{ ' a ' | lstrip }}|{{ ' a ' | rstrip }}", "_ABC Hello w a|a | a"},
		{"replace", "{{ 'aXbXc' | replace: 'X', '-' }} {{ 'aXbX' | replace_first: 'X', '-' }} {{ 'aXbX' | replace_last: 'X', '' }} {{ 'aXbX' | remove: 'X' }}", "a-b-c a-bX aXb ab"},
		{"html", "{{ html | escape }} {{ html | strip_html }} {{ '&lt;<' | escape_once }} {{ lines | newline_to_br }}", "&lt;b&gt;a &amp; b&lt;/b&gt; a & b &lt;&lt; a<br />\nb"},
		{"stripped", "{{ '<script>x</script>a<!-- <b> -->b<style>c</style>d<i\n>e</i> 1 < 2' | strip_html }}", "abde 1 < 2"},
		{"codes", "{{ 'a b&c' | url_encode }} {{ 'a+b%26' | url_decode }} {{ 'é' | base64_encode | base64_decode }}", "a+b%26c a b& é"},
		{"truncate", "{{ 'Ground control' | truncate: 9 }} {{ 'a b c d' | truncatewords: 2 }} {{ 'abc' | truncate: 3 }} {{ 'abcd' | truncate: 2, '' }}", "Ground... a b... abc ab"},
		{"split", "{{ 'a,b,,' | split: ',' | size }} {{ 'a  b' | split: ' ' | join: '-' }} {{ 'abc' | split: '' | join: '.' }}", "2 a-b a.b.c"},
		{"json", "{{ items[0] | json }} {{ tags | jsonify }} {{ (1..3) | json }}", `{"sku":"x1","qty":2,"ok":true} ["b","a","c"] [1,2,3]`},
		{"default", "{{ missing | default: 'd' }} {{ '' | default: 'e' }} {{ false | default: 'f' }} {{ false | default: 'f', allow_false: true }} {{ 0 | default: 1 }}", "d e f false 0"},
		{"whole numbers", "{{ 7 | plus: 2 }} {{ 7 | minus: 9 }} {{ 7 | times: 3 }} {{ 7 | divided_by: 2 }} {{ -7 | divided_by: 2 }} {{ 7 | modulo: 3 }} {{ -7 | modulo: 3 }}", "9 -2 21 3 -4 1 2"},
		{"large numbers", "{{ 9007199254740993 | plus: 1 }} {{ 9223372036854775807 | plus: 1 }}", "9007199254740994 9223372036854776000"},
		{"fractions", "{{ 7 | divided_by: 2.0 }} {{ 1.5 | plus: '2' }} {{ 'x' | plus: 1 }} {{ 5.5 | modulo: 2 }}", "3.5 3.5 1 1.5"},
		{"rounding", "{{ 1.4 | ceil }} {{ 1.6 | floor }} {{ 2.567 | round: 2 }} {{ 2.5 | round }} {{ -3 | abs }} {{ big | abs }}", "2 1 2.57 3 3 12345678901234567890"},
		{"bounds", "{{ 4 | at_least: 5 }} {{ 4 | at_most: 3 }} {{ price | at_most: 9 }}", "5 3 1.50"},
		{"lists", "{{ tags | sort | join }} {{ tags | reverse | join: '' }} {{ tags | first }}{{ tags | last }} {{ tags | concat: tags | uniq | size }} {{ 'B,a' | split: ',' | sort_natural | join }}", "a b c cab bc 3 a B"},
		{"sort by a key", "{{ items | sort: 'qty' | map: 'sku' | join }}", "x1 x2 x3"},
		{"where", "{{ items | where: 'qty', 10 | map: 'sku' | join }} {{ items | where: 'ok' | size }} {{ items | reject: 'ok' | size }}", "x2 x3 1 2"},
		{"find", "{% assign f = items | find: 'qty', 10 %}{{ f.sku }} {{ items | has: 'sku', 'x3' }} {{ items | where: 'qty', 10 | size }}", "x2 true 2"},
		{"sum and compact", "{{ items | sum: 'qty' }} {{ items | map: 'ok' | compact | size }} {{ (1..4) | sum }}", "22 2 10"},
		{"slice", "{{ 'Liquid' | slice: 2, 3 }} {{ 'Liquid' | slice: -2, 9 }} {{ tags | slice: 1, 2 | join: '' }} {{ 'a' | slice: 5 }}", "qui id ac "},
		{"dates", "{{ when | date: '%Y-%m-%d %H:%M:%S %B %-d %j %A %s' }} {{ 0 | date: '%F %T' }} {{ 'soon' | date: '%Y' }} {{ '2026-01-05' | date: '%e|%-m|%y|%I %p|%%|%q' }}", "2026-01-31 12:05:06 January 31 031 Saturday 1769861106 1970-01-01 00:00:00 soon  5|1|26|12 AM|%|%q"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tmpl, err := Parse(tt.template)
			if err != nil {
				t.Fatal(err)
			}
			got, err := tmpl.Render(t.Context(), data(t))
			if err != nil || got != tt.want {
				t.Errorf("rendered %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestMalformedTemplates(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ template, want string }{
		{"a\n{{ name", "line 2: {{ is not closed: add }}"},
		{"{% if a %}", "line 1: the template ends where {% endif %} is missing"},
		{"{% for a in b %}\n{% endif %}", `line 2: there is no tag "endif" here`},
		{"{% nope %}", `there is no tag "nope" here`},
		{"{% else %}", `there is no tag "else" here`},
		{"{{ a | nope: 1 }}", `there is no filter "nope"`},
		{"{{ a b }}", "the expression goes on where it should end"},
		{"{{ 'a }}", "a quote is not closed"},
		{"{{ (1..2 }}", "a range is not closed"},
		{"{{ a[1 }}", "a [ is not closed"},
		{"{{ a. }}", "a name is missing after a dot"},
		{"{{ 1.2.3 }}", "a number is malformed"},
		{"{% assign x 1 %}", "write {% assign name = value %}"},
		{"{% capture %}{% endcapture %}", "write {% capture name %}"},
		{"{% for x %}{% endfor %}", "write {% for item in list %}"},
		{"{% for x in y by: 2 %}{% endfor %}", "a for knows limit:, offset: and reversed"},
		{"{% break %}", "{% break %} stands outside of a for"},
		{"{% include '/etc/passwd' %}", "{% include %} would need another template"},
		{"{% raw %}{{", "{% raw %} is not closed: add {% endraw %}"},
		{"{% raw %}" + strings.Repeat("{%", 100_000) + "%}", "{% raw %} is not closed"},
		{strings.Repeat("{% if a %}", 65), "blocks nest too deep"},
		{"{{ " + strings.Repeat("(", 200) + " }}", "an expression nests too deep"},
		{strings.Repeat("x", MaxSource+1), "the template is larger than 256 KiB"},
		{"{% if " + strings.Repeat("a or ", 2000) + "a %}{% endif %}", "a condition has too many parts"},
	} {
		if _, err := Parse(tt.template); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.60q: got %v, want %q", tt.template, err, tt.want)
		}
	}
}

// TestHostileTemplates proves that what would take forever, or all memory, ends soon in an error that names its line.
func TestHostileTemplates(t *testing.T) {
	t.Parallel()
	double := "{% assign x = 'xxxxxxxxxxxxxxxx' %}" + strings.Repeat("{% assign x = x | append: x %}", 40)
	big := "{% assign x = 'xxxxxxxxxxxxxxxx' %}" + strings.Repeat("{% assign x = x | append: x %}", 18)
	for _, tt := range []struct{ name, template, want string }{
		{"a billion steps", "\n{% for i in (1..1000000000) %}{% endfor %}", "line 2: rendering takes too much work"},
		{"loops in loops", "{% for i in (1..100000) %}{% for j in (1..100000) %}{% endfor %}{% endfor %}", "too much work"},
		{"a range as a list", "{{ (1..1000000000) | join: ',' }}", "a range is too large to be a list"},
		{"the range of everything", "{{ (-9999999999999999..9999999999999999) | size }}", "a number is too large to count with"},
		{"a text that doubles", double, "a text grows larger than 4 MiB"},
		{"a capture that doubles", strings.Repeat("{% capture x %}{{ x }}{{ x }}x{% endcapture %}", 40), "a text grows larger"},
		{"much output", "{% for i in (1..300000) %}0123456789012345678901234567890123456789{% endfor %}", "a text grows larger"},
		{"replacements that grow", big + "{{ x | replace: 'x', x }}", "a text grows larger"},
		{"large texts in a loop", big + "{% for i in (1..100000) %}{% assign y = x | upcase %}{% endfor %}", "too much work"},
		{"large texts compared", big + "{% assign y = x | append: '' %}{% for i in (1..1000000) %}{% if x == y %}{% endif %}{% endfor %}", "too much work"},
		{"a list that doubles", "{% assign l = (1..9) | concat: (1..9) %}" + strings.Repeat("{% assign l = l | concat: l %}", 40), "too much work"},
		{"a list sorted in a loop", "{% assign l = (1..100000) | reverse %}{% for i in l %}{% assign k = l | sort %}{% endfor %}", "too much work"},
		{"unequal lists made unique", "{% assign l = (1..100000) | uniq %}", "too much work"},
		{"division by zero", "{{ 1 | divided_by: 0 }}", "the filter divided_by divides by zero"},
		{"modulo of zero", "{{ 1 | modulo: 0.0 }}", "the filter modulo divides by zero"},
		{"huge numbers", "{{ 1.0.0 | times: 10 }}", "malformed"},
		{"overflow", "{% assign n = 10.5 %}{% for i in (1..400) %}{% assign n = n | times: 10 %}{% endfor %}", "a number is too large"},
		{"a missing argument", "\n\n{{ 1 | plus }}", "line 3: the filter plus wants an argument"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tmpl, err := Parse(tt.template)
			if err == nil {
				_, err = tmpl.Render(t.Context(), data(t))
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestBeginningsWithoutEnds proves that a text is not read again from every beginning in it.
func TestBeginningsWithoutEnds(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("<script>", 400_000)
	tmpl, err := Parse("{{ text | strip_html | size }}")
	if err != nil {
		t.Fatal(err)
	}
	got, err := tmpl.Render(t.Context(), value.Obj(value.Field{Key: "text", Value: text}))
	if err != nil || got != "0" {
		t.Errorf("rendered %q, %v", got, err)
	}
}

func TestRenderEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	late := errors.New("late")
	cancel(late)
	tmpl, err := Parse("{% for i in (1..100000) %}{% endfor %}")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tmpl.Render(ctx, nil); !errors.Is(err, late) {
		t.Errorf("got %v", err)
	}
}

func FuzzRender(f *testing.F) {
	for _, seed := range []string{
		"{{ name | upcase }}", "{% for i in items reversed limit: 2 %}{{ i.sku | default: 'x' }}{% else %}{% endfor %}", "{% if a > 1 and b contains 'c' %}{% endif %}",
		"{%- raw -%}{{{% endraw %}", "{% case name %}{% when 1, 2 %}{% else %}{% endcase %}", "{{ (1..5) | sum }}", "{% cycle 'a': 1, 2 %}", "{{ when | date: '%Y%^-d' }}",
		"{% assign x = items | where: 'qty', 10 | map: 'sku' %}{{ x | json }}", "{{ -9223372036854775808 | times: -1 | divided_by: -1 | modulo: 3 }}",
	} {
		f.Add(seed)
	}
	for name := range filters {
		f.Add(fmt.Sprintf("{{ items | %s: 1, 2 }}{{ name | %s }}", name, name))
	}
	vars := data(f)
	f.Fuzz(func(t *testing.T, template string) {
		tmpl, err := Parse(template)
		if err != nil {
			return
		}
		text, err := tmpl.Render(context.Background(), vars)
		if err == nil && len(text) > MaxOutput {
			t.Errorf("%d bytes of output", len(text))
		}
	})
}
