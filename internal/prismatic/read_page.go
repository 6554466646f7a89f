package prismatic

import (
	"fmt"
	"html"
	"regexp"
	"strings"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// defaultPage is what a page without a name is called.
const defaultPage = "Configuration"

// configPages reads the pages of the configuration wizard.
func (r *reader) configPages(o *object) {
	list := o.list("configPages")
	if len(list) > ipaas.MaxConfigPages {
		r.wrong(o.path("configPages"), ipaas.ReasonTooLarge, "there are %d config pages: keep at most %d", len(list), ipaas.MaxConfigPages)
		return
	}
	for i, v := range list {
		in := r.object(item(o.path("configPages"), i), v)
		native := fmt.Sprintf("configPages[%d]", i)
		r.places[native] = in.at
		page := ipaas.ConfigPage{Title: in.name("name"), Tagline: in.text("tagline")}
		if strings.TrimSpace(page.Title) == "" {
			page.Title = defaultPage
			r.notes.add(in.at, Assumed, "the page has no name: it is called %q", defaultPage)
		}
		if in.yes("userLevelConfigured") {
			r.notes.add(in.path("userLevelConfigured"), Dropped, "an instance has one configuration: users do not have their own")
		}
		for j, v := range in.list("elements") {
			e := r.object(item(in.path("elements"), j), v)
			if element, ok := r.element(e); ok {
				r.places[item(native+".elements", len(page.Elements))] = e.at
				page.Elements = append(page.Elements, element)
			}
			e.rest()
		}
		in.rest()
		r.def.ConfigPages = append(r.def.ConfigPages, page)
	}
}

func (r *reader) element(o *object) (ipaas.ConfigElement, bool) {
	kind := word(o, "type", map[string]string{"": "configVar", "configVar": "configVar", "htmlElement": "htmlElement", "jsonForm": "jsonForm"})
	text := o.text("value")
	if kind == "htmlElement" {
		heading := plainText(text)
		whole := []rune(heading)
		switch {
		case heading == "" && strings.TrimSpace(text) != "":
			r.notes.add(o.path("value"), Dropped, "a page shows plain text, and there is none in it")
		case len(whole) > maxHeading:
			heading = strings.TrimSpace(string(whole[:maxHeading-1])) + "…"
			r.notes.add(o.path("value"), Changed, "it is shown as a heading of plain text, of its first %d characters", maxHeading-1)
		case heading != strings.TrimSpace(html.UnescapeString(text)):
			r.notes.add(o.path("value"), Changed, "it is shown as a heading of plain text: %q", value.Shorten(heading))
		}
		return ipaas.ConfigElement{Heading: heading}, heading != ""
	}
	if strings.TrimSpace(text) == "" {
		return ipaas.ConfigElement{}, false
	}
	v, _ := r.def.ConfigVariable(text)
	if kind == "jsonForm" {
		if v == nil {
			r.notes.add(o.at, Dropped, "the form belongs to no config variable")
			return ipaas.ConfigElement{}, false
		}
		r.notes.add(o.path("type"), Changed, "the form is shown as its config variable")
	}
	return ipaas.ConfigElement{ConfigVariable: text}, true
}

// maxHeading bounds a heading, as the API does.
const maxHeading = 1000

var (
	htmlTag    = regexp.MustCompile(`(?s)<!--.*?-->|</?[A-Za-z][^<>]*>`)
	htmlScript = regexp.MustCompile(`(?is)<(script|style)\b.*?</(script|style)\s*>`)
)

// plainText is what a person reads of HTML.
func plainText(text string) string {
	text = htmlScript.ReplaceAllString(text, " ")
	text = htmlTag.ReplaceAllString(text, " ")
	return strings.Join(strings.Fields(html.UnescapeString(text)), " ")
}

// oldPage makes a page of the headings that layouts without pages have among the variables.
func (r *reader) oldPage(o *object, headings map[int]string) {
	if len(headings) == 0 {
		return
	}
	at := o.path("requiredConfigVars")
	if o.has("configPages") {
		r.notes.add(at, Dropped, "headings stand on the config pages")
		return
	}
	page := ipaas.ConfigPage{Title: defaultPage}
	for i := range r.def.ConfigVariables {
		if heading, ok := headings[i]; ok {
			page.Elements = append(page.Elements, ipaas.ConfigElement{Heading: heading})
		}
		page.Elements = append(page.Elements, ipaas.ConfigElement{ConfigVariable: r.def.ConfigVariables[i].DisplayName})
	}
	r.notes.add(at, Changed, "the headings among the variables make the config page %q", page.Title)
	r.places["configPages[0]"] = at
	r.def.ConfigPages = []ipaas.ConfigPage{page}
}
