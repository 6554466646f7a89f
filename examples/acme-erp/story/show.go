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
	rows := [][]string{{"webhook", "event", "of", "calls"}}
	for _, h := range hooks {
		rows = append(rows, []string{h.ID, h.Event, p.ownerOf(h), shortURL(h.CallbackURL)})
	}
	if len(hooks) == 0 {
		rows = [][]string{nil, {"(none)"}}
	}
	p.tell.Show("The webhooks at "+e.name, rows...)
	return nil
}

func (p *play) ownerOf(h fake.Webhook) string {
	for _, s := range []*subscriber{p.sandbox, p.smith, p.jones} {
		if s == nil {
			continue
		}
		for _, url := range s.urls {
			if h.CallbackURL == url || strings.HasPrefix(h.CallbackURL, url+"/") {
				return s.name
			}
		}
	}
	return "nobody"
}

// showURLs shows the URLs of an instance in the order of the flows.
func (p *play) showURLs(urls map[string]string) {
	rows := [][]string{{"flow", "webhook URL"}}
	for _, flow := range flowNames {
		rows = append(rows, []string{flow, shortURL(urls[flow])})
	}
	p.tell.Show("The resolved URLs", rows...)
}

// showSteps shows what an execution did, step by step.
func (p *play) showSteps(ex *headracev1.Execution) {
	rows := [][]string{{"step", "does", "ended", "took"}}
	for _, s := range ex.GetStepResults() {
		rows = append(rows, []string{
			s.GetDisplayName(), s.GetAction(), word(s.GetState().String(), "STATE_"), s.GetDuration().AsDuration().Round(10 * time.Microsecond).String(),
		})
	}
	p.tell.Show("What ran", rows...)
}

// showChanges shows what a deployment did in other systems.
func (p *play) showChanges(d *headracev1.Deployment) {
	rows := [][]string{{"registration", "at the ERP", "was"}}
	for _, c := range d.GetChanges() {
		rows = append(rows, []string{c.GetRegistration().GetKey(), c.GetRegistration().GetRemoteId(), word(c.GetKind().String(), "KIND_")})
	}
	p.tell.Show("What the deployment did elsewhere", rows...)
}

// showArrivals shows the record that Progix got from each subscriber.
func (p *play) showArrivals(c change, subscribers ...*subscriber) {
	head := []string{"at"}
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
	p.tell.Show("What Progix got", rows...)
}

// showPlan shows what a deployment would do.
func (p *play) showPlan(plan *headracev1.DeployPlan) {
	rows := [][]string{nil, {"deploys", fmt.Sprintf("version %d", plan.GetVersion())}}
	for _, id := range plan.GetFlowIds() {
		rows = append(rows, []string{"runs", id})
	}
	for _, id := range plan.GetPossibleCreations() {
		rows = append(rows, []string{"may create", id})
	}
	for _, r := range plan.GetObsoleteRegistrations() {
		rows = append(rows, []string{"removes", r.GetKey()})
	}
	p.tell.Show("The plan", rows...)
}
