package rehearsal

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/outbound"
	"github.com/headrace/headrace/internal/secret"
)

// Tape returns what answers the requests of a test, or records them; nil: they go out as they are. Of what is recorded neither the secrets
// that the redactor knows are to be seen nor the URLs of flows, which are others in every instance.
func (r *Rehearsal) Tape(def *ipaas.Definition, urls map[string]string, redactor *secret.Redactor) *outbound.Tape {
	if !r.Isolated() && !r.Record {
		return nil
	}
	hide, show := words(def, urls, redactor)
	return outbound.NewTape(outbound.TapeOptions{
		Exchanges: toTape(r.Exchanges), Offline: r.Isolated(), Record: r.Record, Hide: hide, Show: show,
	})
}

// webhookURLWord stands in recorded exchanges for the URL of a flow: it is another one in every instance.
func webhookURLWord(flow string) string { return "${webhookUrls." + flow + "}" }

// words returns what takes secrets and URLs out of what is recorded, and what puts URLs in again.
func words(def *ipaas.Definition, urls map[string]string, redactor *secret.Redactor) (hide, show func(string) string) {
	mask := access.Mask(urls)
	var out, in []string
	for i := range def.Flows {
		f := &def.Flows[i]
		full := urls[f.ID]
		if full == "" {
			continue
		}
		word := webhookURLWord(f.ID)
		out = append(out, full, word, url.QueryEscape(full), url.QueryEscape(word))
		in = append(in, word, full, url.QueryEscape(word), url.QueryEscape(full), webhookURLWord(f.DisplayName), full)
	}
	hider, shower := strings.NewReplacer(out...), strings.NewReplacer(in...)
	hide = func(text string) string { return mask.Hide(redactor.Text(hider.Replace(text))) }
	show = func(text string) string { return mask.Reveal(shower.Replace(text)) }
	return hide, show
}

func toTape(exchanges []ipaas.Exchange) []outbound.Exchange {
	out := make([]outbound.Exchange, len(exchanges))
	for i := range exchanges {
		e := &exchanges[i]
		out[i] = outbound.Exchange{
			Method: e.Request.Method, URL: e.Request.URL, RequestBody: e.Request.Body, AnyBody: e.Request.AnyBody, Error: e.Error,
		}
		if r := e.Response; r != nil {
			out[i].Status, out[i].ResponseBody, out[i].ResponseHeader = r.Status, r.Body, map[string][]string{}
			for _, h := range r.Headers {
				out[i].ResponseHeader[h.Name] = append(out[i].ResponseHeader[h.Name], h.Text)
			}
		}
	}
	return out
}

// Made returns the requests that were made with a tape, in their order; nil: there is no tape.
func Made(tape *outbound.Tape) []ipaas.Exchange {
	if tape == nil {
		return nil
	}
	made := tape.Made()
	out := make([]ipaas.Exchange, len(made))
	for i := range made {
		e := &made[i]
		out[i] = ipaas.Exchange{
			StepPath: e.Label, Error: e.Error, Truncated: e.Truncated,
			Request: ipaas.ExchangeRequest{Method: e.Method, URL: e.URL, Headers: headerTexts(e.RequestHeader), Body: e.RequestBody},
		}
		if e.Status != 0 {
			out[i].Response = &ipaas.Response{Status: e.Status, Headers: headerTexts(e.ResponseHeader), Body: e.ResponseBody}
		}
	}
	return out
}

// headerTexts returns the headers of a message, sorted by name.
func headerTexts(header map[string][]string) []ipaas.NamedText {
	var out []ipaas.NamedText
	for _, name := range slices.Sorted(maps.Keys(header)) {
		for _, text := range header[name] {
			out = append(out, ipaas.NamedText{Name: name, Text: text})
		}
	}
	return out
}
