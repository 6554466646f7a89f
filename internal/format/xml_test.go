package format

import (
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/value"
)

func TestXMLBecomesValues(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, xml, want string
		how             XMLValue
	}{
		{"an order", `<?xml version="1.0"?><order><item><name>Bolt</name></item><qty>2</qty><price>1.50</price></order>`, `{"order":{"item":{"name":"Bolt"},"qty":2,"price":1.50}}`, XMLValue{}},
		{"numbers as texts", `<a><b>1.50</b><c>007</c></a>`, `{"a":{"b":"1.50","c":"007"}}`, XMLValue{NumbersAsStrings: true}},
		{"what is no JSON number", `<a><b>007</b><c>0x1</c><d>1e5</d><e>-0.10</e><f>12345678901234567890.10</f><g>true</g></a>`, `{"a":{"b":"007","c":"0x1","d":1e5,"e":-0.10,"f":12345678901234567890.10,"g":"true"}}`, XMLValue{}},
		{"attributes", `<a x="1" y='b "c"'><b z="">t</b></a>`, `{"a":{"@x":"1","@y":"b \"c\"","b":{"@z":"","#text":"t"}}}`, XMLValue{}},
		{"repeated elements", `<a><b>1</b><c/><b>2</b></a>`, `{"a":{"b":[1,2],"c":""}}`, XMLValue{}},
		{"lists where they are asked for", `<a><b>1</b></a>`, `{"a":{"b":[1]}}`, XMLValue{AlwaysLists: map[string]bool{"b": true}}},
		{"empty", `<a></a>`, `{"a":""}`, XMLValue{}},
		{"white space", "<a>\n  <b>\n x y \n</b>\n</a>", `{"a":{"b":"x y"}}`, XMLValue{}},
		{"white space preserved", `<a xml:space="preserve"><b> x </b></a>`, `{"a":{"@xml:space":"preserve","b":" x "}}`, XMLValue{}},
		{"mixed", `<p>Hello <b>big</b> world</p>`, `{"p":{"b":"big","#text":"Hello  world"}}`, XMLValue{}},
		{"CDATA and entities", `<a>x &lt; <![CDATA[<y> & z]]> &#65;&quot;</a>`, `{"a":"x < <y> & z A\""}`, XMLValue{}},
		{"comments and instructions", `<?xml-stylesheet href="x"?><!-- a --><a><!-- b --><?p i?>1</a><!-- c -->`, `{"a":1}`, XMLValue{}},
		{"namespaces", `<s:a xmlns:s="urn:s" xmlns="urn:d"><b s:c="1">2</b></s:a>`, `{"s:a":{"@xmlns:s":"urn:s","@xmlns":"urn:d","b":{"@s:c":"1","#text":2}}}`, XMLValue{}},
		{"namespaces dropped", `<s:a xmlns:s="urn:s"><s:b s:c="1">2</s:b></s:a>`, `{"a":{"b":{"@c":"1","#text":2}}}`, XMLValue{DropPrefixes: true}},
		{"byte order mark", "\xef\xbb\xbf<a/>", `{"a":""}`, XMLValue{}},
		{"latin 1", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>caf\xe9</a>", `{"a":"café"}`, XMLValue{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			doc, err := ParseXML([]byte(tt.xml), false)
			if err != nil {
				t.Fatal(err)
			}
			v, err := tt.how.Of(doc)
			if err != nil || string(value.JSON(v)) != tt.want {
				t.Errorf("got %s, %v\nwant %s", value.JSON(v), err, tt.want)
			}
		})
	}
	doc, err := ParseXML([]byte(`<?xml version="1.0" encoding="ISO-8859-1"?><a>café</a>`), true)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := (XMLValue{}).Of(doc); err != nil || string(value.JSON(v)) != `{"a":"café"}` {
		t.Errorf("a text with a declared encoding: %s, %v", value.JSON(v), err)
	}
}

func TestXMLThatIsRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, xml, want string }{
		{"external entity", "<?xml version=\"1.0\"?>\n<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>", "line 2, column 1: a document type stands here"},
		{"billion laughs", `<!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;">]><a>&y;</a>`, "a document type stands here"},
		{"unknown entity", "<a>\n&secret;</a>", "line 2, column 9: an & begins no entity that is known"},
		{"bare ampersand", "<a>Tom & Jerry</a>", "an & begins no entity"},
		{"unclosed", "<a><b></b>", "the document ends within the element <a>: close it"},
		{"cut", "<a><b", "the document ends too soon"},
		{"crossed", "<a><b></a></b>", "</a> closes no element that is open last"},
		{"closed too often", "<a></a></a>", "</a> closes no element"},
		{"two roots", "<a/><b/>", "column 5: a second root begins"},
		{"text outside", "<a/>hidden", "text stands outside of the root"},
		{"no XML", "hidden", "text stands outside of the root"},
		{"nothing", " ", "it holds no element"},
		{"attribute twice", `<a x="1" x="2"/>`, "the attribute x stands twice in the element <a>"},
		{"control character", "<a>\x01</a>", "a character stands here that XML does not allow"},
		{"unknown encoding", `<?xml version="1.0" encoding="klingon"?><a/>`, "an encoding that is not known"},
		{"too deep", strings.Repeat("<a>", 65), "column 193: it nests deeper than 64 levels"},
		{"too large", strings.Repeat(" ", MaxBytes+1), "it is larger than 16 MiB"},
		{"too many", "<a>" + strings.Repeat("<b/>", MaxItems) + "</a>", "it has more than 1000000 parts"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseXML([]byte(tt.xml), false)
			wantError(t, err, tt.want)
			if strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "Jerry") {
				t.Errorf("the error quotes data: %v", err)
			}
		})
	}
	// Lists count as levels: elements that are allowed may nest too deep as values.
	doc, err := ParseXML([]byte(strings.Repeat("<a><a/>", 60)+strings.Repeat("</a>", 60)), false)
	if err != nil {
		t.Fatal(err)
	}
	_, err = XMLValue{}.Of(doc)
	wantError(t, err, "it nests deeper than 64 levels")
}

func TestCheckNamespaces(t *testing.T) {
	t.Parallel()
	for xml, want := range map[string]string{
		`<a xmlns:s="urn:s"><s:b xml:lang="de" s:c=""/></a>`: "",
		"<a>\n<s:b/></a>":                            "line 2, column 1: the prefix of s:b is declared nowhere: add xmlns:s",
		`<a><b xmlns:s="urn:s"/><c s:d="1"/></a>`:    "the prefix of s:d is declared nowhere",
		`<a><b xmlns:s="urn:s"><s:c/></b><s:d/></a>`: "the prefix of s:d is declared nowhere",
	} {
		doc, err := ParseXML([]byte(xml), true)
		if err != nil {
			t.Fatal(err)
		}
		wantError(t, doc.Root().CheckNamespaces(), want)
	}
}

func TestValuesBecomeXML(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in string
		how      WriteXML
		want     string
	}{
		{"one key is the root", `{"order":{"qty":2,"price":1.50}}`, WriteXML{}, `<order><qty>2</qty><price>1.50</price></order>`},
		{"several keys", `{"Hydrazine":12.5,"O2":0.10}`, WriteXML{}, `<root><Hydrazine>12.5</Hydrazine><O2>0.10</O2></root>`},
		{"a root by name", `{"a":1}`, WriteXML{Root: "fuel"}, `<fuel><a>1</a></fuel>`},
		{"a key with a list is no root", `{"a":[1,2]}`, WriteXML{}, `<root><a>1</a><a>2</a></root>`},
		{"an attribute is no root", `{"@a":1}`, WriteXML{}, `<root a="1"></root>`},
		{"a list", `[1,[2,3],{"a":4}]`, WriteXML{}, `<root><item>1</item><item><item>2</item><item>3</item></item><item><a>4</a></item></root>`},
		{"a text", `"a < b & c"`, WriteXML{}, `<root>a &lt; b &amp; c</root>`},
		{"attributes and text", `{"a":{"@x":"\"1\" <","@y":true,"#text":"t","b":null}}`, WriteXML{}, `<a x="&#34;1&#34; &lt;" y="true">t<b></b></a>`},
		{"empty", `{"a":{"b":"","c":[],"d":{}}}`, WriteXML{}, `<a><b></b><d></d></a>`},
		{"declared and indented", `{"a":{"b":[1,2],"c":{"d":3}}}`, WriteXML{Pretty: true, Declaration: true}, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a>\n  <b>1</b>\n  <b>2</b>\n  <c>\n    <d>3</d>\n  </c>\n</a>"},
		{"prefixes", `{"s:a":{"@xmlns:s":"urn:s","s:b":1}}`, WriteXML{}, `<s:a xmlns:s="urn:s"><s:b>1</s:b></s:a>`},
	} {
		got, err := tt.how.Of(parsed(t, tt.in))
		if err != nil || got != tt.want {
			t.Errorf("%s: got %s, %v\nwant %s", tt.name, got, err, tt.want)
		}
	}
}

func TestValuesThatNoXMLHolds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{`{"a":{"Column 1":1}}`, "a.Column 1: the key is no name that XML allows"},
		{`{"a":{"1":1}}`, "a.1: the key is no name"},
		{`{"a":{"":1}}`, "a.: the key is no name"},
		{`{"a":{"b><c":1}}`, "the key is no name"},
		{`{"a":{"@b c":1}}`, "a.@b c: the key is no name"},
		{`{"a":{"@b":{}}}`, "a.@b: an attribute is an object"},
		{`{"a":{"b":"\u0000"}}`, "a.b: the text holds the character U+0000, which XML cannot carry"},
		{strings.Repeat(`{"a":`, 64) + "1" + strings.Repeat("}", 64), ""},
	} {
		_, err := WriteXML{}.Of(parsed(t, tt.in))
		wantError(t, err, tt.want)
	}
	_, err := WriteXML{Root: "1"}.Of(nil)
	wantError(t, err, "the key is no name that XML allows")
	_, err = WriteXML{}.Of(strings.Repeat("x", MaxBytes))
	wantError(t, err, "it is larger than 16 MiB")
	var deep any = "x"
	for range 100 {
		deep = []any{deep}
	}
	_, err = WriteXML{}.Of(deep)
	wantError(t, err, "it nests deeper than 64 levels")
}

// TestLongNames proves that the length of names is paid once, not by every element below.
func TestLongNames(t *testing.T) {
	t.Parallel()
	many := value.Obj()
	for i := range 100_000 {
		many.Set("k"+value.FromInt(int64(i)).String(), value.Number("1"))
	}
	long := strings.Repeat("x", 4<<20)
	if _, err := (WriteXML{}).Of(value.Obj(value.Field{Key: long, Value: many})); err != nil {
		t.Error(err)
	}
	many.Set("not a name", nil)
	_, err := WriteXML{}.Of(value.Obj(value.Field{Key: long, Value: many}))
	wantError(t, err, "x….not a name: the key is no name")
	if len(err.Error()) > 1000 {
		t.Errorf("the error is %d bytes long", len(err.Error()))
	}
	_, err = CSV{Unflatten: true}.Write([]any{value.Obj(value.Field{Key: long, Value: many})})
	wantError(t, err, "the names of its columns are too long in sum")
	_, err = ParseXML([]byte("<"+long+">"), true)
	wantError(t, err, "the document ends within the element <x")
	if len(err.Error()) > 1000 {
		t.Errorf("the error is %d bytes long", len(err.Error()))
	}
	var b strings.Builder
	b.WriteString("<a")
	for i := range 100_000 {
		n := value.FromInt(int64(i)).String()
		b.WriteString(" xmlns:n" + n + `="u" n` + n + `:a=""`)
	}
	doc, err := ParseXML([]byte(b.String()+"/>"), true)
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, doc.Root().CheckNamespaces(), "")
}

func TestQuery(t *testing.T) {
	t.Parallel()
	const shop = `<shop xmlns:s="urn:s"><item id="1"><name>Bolt</name><price>1.50</price></item><item id="2"><name>Nut</name><price>0.10</price></item><s:note>x <b>y</b></s:note></shop>`
	doc, err := ParseXML([]byte(shop), true)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		expression string
		namespaces map[string]string
		want, err  string
	}{
		{"/shop/item/name", nil, `["Bolt","Nut"]`, ""},
		{"//item[price > 1]", nil, `[{"@id":"1","name":"Bolt","price":1.50}]`, ""},
		{"//item/@id", nil, `["1","2"]`, ""},
		{"//item[last()]/name/text()", nil, `["Nut"]`, ""},
		{"//item[name='Nut']/preceding-sibling::item/name", nil, `["Bolt"]`, ""},
		{"//name/..", nil, `[{"@id":"1","name":"Bolt","price":1.50},{"@id":"2","name":"Nut","price":0.10}]`, ""},
		{"count(//item)", nil, `2`, ""},
		{"sum(//price)", nil, `1.6`, ""},
		{"string(//item[2]/name)", nil, `"Nut"`, ""},
		{"boolean(//nothing)", nil, `false`, ""},
		{"number('x')", nil, `null`, ""},
		{"//nothing", nil, `[]`, ""},
		{"//s:note", nil, `[{"b":"y","#text":"x"}]`, ""},
		{"//n:note/b", map[string]string{"n": "urn:s"}, `["y"]`, ""},
		{"//n:note/b", map[string]string{"n": "urn:other"}, `[]`, ""},
		{"/", nil, `[` + `{"shop":{"@xmlns:s":"urn:s","item":[{"@id":"1","name":"Bolt","price":1.50},{"@id":"2","name":"Nut","price":0.10}],"s:note":{"b":"y","#text":"x"}}}` + `]`, ""},
		{"//item[", nil, "", "is no XPath 1.0"},
		{"///", nil, "", "is no XPath 1.0"},
		{"replace(//name, '.', '$0$0')", nil, "", "the expression calls replace, which is no function of XPath 1.0"},
		{"matches (//name, 'x')", nil, "", "the expression calls matches"},
		{"//name[.='replace(']", nil, "[]", ""},
		{strings.Repeat("(", 40) + "1" + strings.Repeat(")", 40), nil, "", "nests deeper than 32 levels"},
		{strings.Repeat("/a", 2100), nil, "", "longer than 4096 bytes"},
	} {
		got, err := XMLValue{}.Query(doc, tt.expression, tt.namespaces)
		wantError(t, err, tt.err)
		if tt.err == "" && string(value.JSON(got)) != tt.want {
			t.Errorf("%s: got %s, want %s", tt.expression, value.JSON(got), tt.want)
		}
	}
}

// TestHostileQueries proves that a query that would walk through a document over and over is cut.
func TestHostileQueries(t *testing.T) {
	t.Parallel()
	doc, err := ParseXML([]byte("<a>"+strings.Repeat("<b><c>x</c></b>", 3000)+"</a>"), true)
	if err != nil {
		t.Fatal(err)
	}
	for _, expression := range []string{
		"count(//*[count(//*[count(//*) > 1]) > 1])",
		"//*[count(following::*) > count(preceding::*)]",
		"concat(" + strings.Repeat("string(/),", 20) + "count(//*[string(/) = 'x']))",
	} {
		_, err := XMLValue{}.Query(doc, expression, nil)
		wantError(t, err, "the expression takes more than 20000000 steps through the document")
	}
	if v, err := (XMLValue{}).Query(doc, "count(//b[c='x'])", nil); err != nil || value.Text(v) != "3000" {
		t.Errorf("an ordinary query: %v, %v", v, err)
	}
}

// FuzzQuery proves that no expression ends in a panic or takes long: the library was not made for hostile ones.
func FuzzQuery(f *testing.F) {
	doc, err := ParseXML([]byte(`<a x="1" xmlns:s="u"><b>1</b><s:b y="2">t<c/></s:b><b>3</b></a>`), true)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		"//b[last()]/@y", "count(//*[position()=2])+1", "substring-before(concat(//b,'x'),'x')", "//s:b/following-sibling::*", "translate(//b,'1','2')", "//b[.=1 or not(.=3)]|//c",
		"-(1 div 0)", "//*[name()='b']/ancestor-or-self::node()", "normalize-space(//text()[2])", "starts-with(//@x,1)", "sum(//b) mod 2", "$x", "a[1][1][1]", "..//..",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		v, err := XMLValue{}.Query(doc, expression, nil)
		if err != nil {
			return
		}
		if _, err := value.FromGo(v); err != nil {
			t.Errorf("%q finds what is no value: %v", expression, err)
		}
	})
}

// FuzzXML proves that what is read can be written and is read again as the same.
func FuzzXML(f *testing.F) {
	for _, seed := range []string{
		`<a x="1"><b>2</b><b/>t<![CDATA[<]]></a>`, `<s:a xmlns:s="u"><s:b s:c="é"> x </s:b></s:a>`, "<a>&#0;</a>", `<a><a><a>1e400</a></a></a>`, "<!DOCTYPE a><a/>",
		"<?xml version='1.0' encoding='utf-16'?><a/>", "<a:b:c/>", "<a =''/>",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := ParseXML(data, false)
		if err != nil {
			return
		}
		v, err := XMLValue{}.Of(doc)
		if err != nil {
			return
		}
		if _, err := value.FromGo(v); err != nil {
			t.Fatalf("%q becomes what is no value: %v", data, err)
		}
		text, err := WriteXML{}.Of(v)
		if err != nil {
			return // a name or a character that the decoder lets pass and XML does not know
		}
		again, err := ParseXML([]byte(text), true)
		if err != nil {
			t.Fatalf("%q was written as %q, which cannot be read: %v", data, text, err)
		}
		w, err := XMLValue{}.Of(again)
		if err != nil || !value.Equal(v, w) {
			t.Errorf("%q became %s, and after writing and reading %s, %v", data, value.JSON(v), value.JSON(w), err)
		}
	})
}
