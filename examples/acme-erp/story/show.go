package story

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/headrace/headrace/examples/acme-erp/fake"
	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// shortURL is a webhook URL of which the token is cut: it says which one it is, without filling the line.
func shortURL(url string) string {
	base, rest, found := strings.Cut(url, "/hooks/")
	if !found {
		return url
	}
	token, path, _ := strings.Cut(rest, "/")
	if path != "" {
		path = "/" + path
	}
	return base + "/hooks/" + token[:min(8, len(token))] + "…" + path
}

// word is the name of an enum value without its prefix, as people say it.
func word(name, prefix string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, prefix)), "_", " ")
}

// showWebhooks shows what is registered at an ERP, and whose URLs they are.
func (p *play) showWebhooks(ctx context.Context, e *erp) error {
	hooks, err := e.webhooks(ctx)
	if err != nil {
		return err
	}
	rows := [][]string{{"At " + e.name, "event", "calls", "which is of"}}
	for _, h := range hooks {
		rows = append(rows, []string{h.ID, h.Event, shortURL(h.CallbackURL), p.ownerOf(h)})
	}
	if len(hooks) == 0 {
		rows = append(rows, []string{"(no webhooks)", "", "", ""})
	}
	p.tell.Show(rows...)
	return nil
}

func (p *play) ownerOf(h fake.Webhook) string {
	for _, s := range []*subscriber{p.sandbox, p.smith, p.jones} {
		if s == nil {
			continue
		}
		for flow, url := range s.urls {
			if h.CallbackURL == url || strings.HasPrefix(h.CallbackURL, url+"/") {
				return s.name + ": " + flow
			}
		}
	}
	return "nobody"
}

// showURLs shows the URLs of an instance in the order of the flows.
func (p *play) showURLs(urls map[string]string) {
	rows := [][]string{{"Flow", "webhook URL"}}
	for _, flow := range flowNames {
		rows = append(rows, []string{flow, shortURL(urls[flow])})
	}
	p.tell.Show(rows...)
}

// showSteps shows what an execution did, step by step.
func (p *play) showSteps(ex *headracev1.Execution) {
	rows := [][]string{{"Step", "does", "ended", "took"}}
	for _, s := range ex.GetStepResults() {
		rows = append(rows, []string{
			s.GetDisplayName(), s.GetAction(), word(s.GetState().String(), "STATE_"), s.GetDuration().AsDuration().Round(10 * time.Microsecond).String(),
		})
	}
	p.tell.Show(rows...)
}

// showChanges shows what a deployment did in other systems.
func (p *play) showChanges(d *headracev1.Deployment) {
	rows := [][]string{{"Registration", "at the ERP", "was"}}
	for _, c := range d.GetChanges() {
		rows = append(rows, []string{c.GetRegistration().GetKey(), c.GetRegistration().GetRemoteId(), word(c.GetKind().String(), "KIND_")})
	}
	p.tell.Show(rows...)
}

// showArrivals shows the record that Progix got from each subscriber.
func (p *play) showArrivals(c change, subscribers ...*subscriber) {
	head := []string{"Progix got at"}
	for _, f := range c.fields {
		head = append(head, f.atProgix)
	}
	rows := [][]string{append(head, "source", "from")}
	for _, s := range subscribers {
		row := []string{c.path}
		for _, f := range c.fields {
			row = append(row, fmt.Sprint(f.value))
		}
		rows = append(rows, append(row, s.source, s.name))
	}
	p.tell.Show(rows...)
}
