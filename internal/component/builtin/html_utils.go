package builtin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/outbound"
)

// The bounds of HTML. It is read as a stream of tags, never as a tree, so that its depth costs nothing.
const (
	maxHTML       = 8 << 20 // bytes in and out
	maxHTMLIndent = 32      // levels; what is deeper stands no further to the right
)

func htmlUtils() *component.Component {
	field := dataField("html", "HTML", "The HTML, as a text or bytes of UTF-8; at most 8 MiB. None: there is none to change, and the result is an empty text.")
	field.Required = false
	text := func(key, name, description, output string, do func(text string) (string, error)) component.Action {
		return dataAction(key, name, description, output, []ipaas.InputField{field}, func(in component.Inputs) (any, error) {
			source, err := htmlText(in)
			if err != nil {
				return nil, err
			}
			made, err := do(source)
			if err != nil {
				return nil, inInput("html", err)
			}
			return made, nil
		})
	}
	return &component.Component{
		ID: "html-utils", DisplayName: "HTML Utils", Description: "Make and change HTML, and make text of it.",
		Actions: []component.Action{
			text("stripHtmlTags", "Strip HTML Tags", "Removes all tags and comments, and scripts and styles with what is in them. Characters that are escaped stay so.",
				"What is left of the HTML.", stripTags),
			text("htmlToPlaintext", "HTML to Plaintext", "Makes a text that reads as a browser shows the HTML: paragraphs and rows on lines of their own, items of lists after a hyphen, characters unescaped.",
				"The text.", plainText),
			text("formatHtml", "Format HTML", "Puts blocks on lines of their own, indented. What stands in pre, textarea, script and style stays as it is.", "The HTML as a text.", formatHTML),
			text("escapeHtml", "Escape HTML", "Writes <, >, &, ' and \" so that HTML takes them for characters.", "The escaped text.", func(s string) (string, error) { return html.EscapeString(s), nil }),
			text("unescapeHtml", "Unescape HTML", "Turns what is escaped, such as &lt; and &eacute;, back into characters.", "The text.", func(s string) (string, error) { return html.UnescapeString(s), nil }),
			{
				Action: ipaas.Action{
					Key: "getHtmlFromUrl", DisplayName: "Get HTML from URL", Effect: ipaas.EffectRead, Output: "The HTML as a text, whatever encoding it came in.",
					Description: "Fetches a page. Redirects are followed, three at most. An answer that is not 2xx fails the step.",
					Inputs:      []ipaas.InputField{{Key: "url", DisplayName: "URL", Required: true, Example: "https://example.com/", Description: "Where the page is: an absolute URL that begins with https:// or http://."}},
				},
				Perform: fetchHTML,
			},
		},
	}
}

func htmlText(in component.Inputs) (string, error) {
	v := contentInput(in, "html")
	if v == nil {
		return "", nil
	}
	data, _, ok := encodedData(v)
	switch {
	case !ok:
		return "", wrongKind("html", v, "HTML as a text")
	case len(data) > maxHTML:
		return "", fmt.Errorf("input %q is larger than %d MiB", "html", maxHTML>>20)
	default:
		return strings.ToValidUTF8(string(data), "\ufffd"), nil
	}
}

func fetchHTML(ctx context.Context, call component.Call) (component.Result, error) {
	address, err := httpURL(call.Inputs)
	if err != nil {
		return component.Result{}, err
	}
	resp, err := component.Send(ctx, call, component.Exchange{Request: outbound.Request{
		Method: http.MethodGet, URL: address, Header: http.Header{"Accept": {"text/html, */*"}}, FollowRedirects: outbound.MaxRedirects,
	}})
	if err != nil {
		return component.Result{}, err
	}
	r, err := charset.NewReader(bytes.NewReader(resp.Body), resp.ContentType)
	if err != nil {
		return component.Result{Data: strings.ToValidUTF8(string(resp.Body), "\ufffd")}, nil //nolint:nilerr // an encoding that is not known
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return component.Result{}, component.Failf("the page cannot be read: %w", err)
	}
	return component.Result{Data: strings.ToValidUTF8(string(text), "\ufffd")}, nil
}

// tags ranges over the tokens of HTML. The tokenizer never fails but at the end of its input.
func tags(source string) func(yield func(html.Token, []byte) bool) {
	return func(yield func(html.Token, []byte) bool) {
		z := html.NewTokenizer(strings.NewReader(source))
		for z.Next() != html.ErrorToken {
			raw := bytes.Clone(z.Raw())
			if !yield(z.Token(), raw) {
				return
			}
		}
	}
}

// hidden is the elements whose text is not shown.
var hidden = map[atom.Atom]bool{atom.Script: true, atom.Style: true, atom.Title: true, atom.Template: true, atom.Noscript: true}

func stripTags(source string) (string, error) {
	var b strings.Builder
	var inside atom.Atom // of a script or a style
	for t, raw := range tags(source) {
		switch t.Type {
		case html.StartTagToken:
			if t.DataAtom == atom.Script || t.DataAtom == atom.Style {
				inside = t.DataAtom
			}
		case html.EndTagToken:
			if t.DataAtom == inside {
				inside = 0
			}
		case html.TextToken:
			if inside == 0 {
				b.Write(raw)
			}
		}
	}
	return b.String(), nil
}

// Elements that stand on lines of their own; those of paragraphs have an empty line around them.
var (
	blocks = atoms(atom.Address, atom.Article, atom.Aside, atom.Body, atom.Dd, atom.Details, atom.Div, atom.Dl, atom.Dt, atom.Fieldset, atom.Figcaption, atom.Figure,
		atom.Footer, atom.Form, atom.Head, atom.Header, atom.Hr, atom.Html, atom.Li, atom.Link, atom.Main, atom.Meta, atom.Nav, atom.Ol, atom.Section, atom.Table, atom.Tbody,
		atom.Td, atom.Tfoot, atom.Th, atom.Thead, atom.Title, atom.Tr, atom.Ul, atom.Script, atom.Style)
	paragraphs = atoms(atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Blockquote, atom.Pre)
	// Elements without an end.
	voids = atoms(atom.Area, atom.Base, atom.Br, atom.Col, atom.Embed, atom.Hr, atom.Img, atom.Input, atom.Link, atom.Meta, atom.Source, atom.Track, atom.Wbr)
	// Elements whose text stays as it is.
	verbatims = atoms(atom.Pre, atom.Textarea, atom.Script, atom.Style)
)

func atoms(list ...atom.Atom) map[atom.Atom]bool {
	m := map[atom.Atom]bool{}
	for _, a := range list {
		m[a] = true
	}
	return m
}

// plainWriter writes text with the white space that HTML means.
type plainWriter struct {
	b      strings.Builder
	breaks int  // line breaks that are due before the next text
	space  bool // a space is due
}

func (w *plainWriter) text(s string) {
	for _, word := range strings.Fields(s) {
		if at := strings.Index(s, word); at > 0 {
			w.space = true
		}
		w.put(word)
		s = s[strings.Index(s, word)+len(word):]
	}
	w.space = w.space || s != ""
}

func (w *plainWriter) put(word string) {
	switch {
	case w.b.Len() == 0:
	case w.breaks > 0:
		w.b.WriteString(strings.Repeat("\n", w.breaks))
	case w.space:
		w.b.WriteByte(' ')
	}
	w.breaks, w.space = 0, false
	w.b.WriteString(word)
}

func (w *plainWriter) line(breaks int) { w.breaks = max(w.breaks, breaks) }

func plainText(source string) (string, error) {
	w := &plainWriter{}
	pre := 0
	var inside atom.Atom
	for t := range tags(source) {
		switch t.Type {
		case html.TextToken:
			switch {
			case inside != 0:
			case pre > 0 && t.Data != "":
				w.put(strings.TrimSuffix(strings.TrimPrefix(t.Data, "\n"), "\n"))
			default:
				w.text(t.Data)
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			if hidden[t.DataAtom] && inside == 0 && t.Type == html.StartTagToken {
				inside = t.DataAtom
			}
			if inside == 0 {
				w.open(t.DataAtom)
			}
			if t.DataAtom == atom.Pre && t.Type == html.StartTagToken {
				pre++
			}
		case html.EndTagToken:
			if t.DataAtom == inside {
				inside = 0
				continue
			}
			if t.DataAtom == atom.Pre && pre > 0 {
				pre--
			}
			w.close(t.DataAtom)
		}
	}
	return w.b.String(), nil
}

func (w *plainWriter) open(tag atom.Atom) {
	switch {
	case tag == atom.Br:
		w.breaks++
	case tag == atom.Li:
		w.line(1)
		w.put("-")
		w.space = true
	case tag == atom.Td || tag == atom.Th:
		w.space = true
	case paragraphs[tag]:
		w.line(2)
	case blocks[tag]:
		w.line(1)
	}
}

func (w *plainWriter) close(tag atom.Atom) {
	switch {
	case paragraphs[tag]:
		w.line(2)
	case tag == atom.Td || tag == atom.Th:
	case blocks[tag]:
		w.line(1)
	}
}

func formatHTML(source string) (string, error) {
	f := &htmlFormatter{}
	for t, raw := range tags(source) {
		f.token(t, raw)
		if f.b.Len() > maxHTML {
			return "", errors.New("it grows larger than 8 MiB when it is formatted")
		}
	}
	return strings.TrimSpace(f.b.String()) + "\n", nil
}

type htmlFormatter struct {
	b      strings.Builder
	depth  int
	inside atom.Atom // an element whose text stays as it is
	fresh  bool      // nothing stands on the line but white space
}

func (f *htmlFormatter) token(t html.Token, raw []byte) {
	block := blocks[t.DataAtom] || paragraphs[t.DataAtom]
	switch {
	case f.inside != 0:
		f.b.Write(raw)
		if t.Type == html.EndTagToken && t.DataAtom == f.inside {
			f.inside, f.depth = 0, max(f.depth-1, 0)
			f.newline()
		}
	case t.Type == html.TextToken:
		f.text(string(raw))
	case t.Type == html.StartTagToken:
		if block {
			f.newline()
		}
		f.write(raw)
		switch {
		case verbatims[t.DataAtom]:
			f.inside = t.DataAtom
			f.depth++
		case block && !voids[t.DataAtom]:
			f.depth++
			f.newline()
		case block || t.DataAtom == atom.Br:
			f.newline()
		}
	case t.Type == html.EndTagToken && block:
		f.depth = max(f.depth-1, 0)
		f.newline()
		f.write(raw)
		f.newline()
	case t.Type == html.DoctypeToken, t.Type == html.CommentToken:
		f.newline()
		f.write(raw)
		f.newline()
	default:
		f.write(raw)
	}
}

func (f *htmlFormatter) write(raw []byte) {
	if f.fresh {
		f.b.WriteString(strings.Repeat("  ", min(f.depth, maxHTMLIndent)))
	}
	f.fresh = false
	f.b.Write(raw)
}

func (f *htmlFormatter) newline() {
	if !f.fresh && f.b.Len() > 0 {
		f.b.WriteByte('\n')
	}
	f.fresh = true
}

// text writes words with one space between them, and one at an end where there was some.
func (f *htmlFormatter) text(s string) {
	words := strings.Join(strings.Fields(s), " ")
	if words == "" {
		if !f.fresh && s != "" {
			f.b.WriteByte(' ')
		}
		return
	}
	first, _ := utf8.DecodeRuneInString(s)
	last, _ := utf8.DecodeLastRuneInString(s)
	if isHTMLSpace(first) && !f.fresh {
		words = " " + words
	}
	if isHTMLSpace(last) {
		words += " "
	}
	f.write([]byte(words))
}

func isHTMLSpace(r rune) bool { return strings.ContainsRune(" \t\r\n\f", r) }
