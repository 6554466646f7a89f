package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/headrace/headrace/client"
	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// importCmd makes a definition in a file the draft of an integration. Unlike apply it takes what others wrote, too.
type importCmd struct {
	File         string `arg:"" help:"The definition as YAML or JSON, in our format or any of Prismatic's; - reads the input."`
	Integration  string `help:"The integration whose draft is replaced. Default: the one the definition names; it is created if there is none." placeholder:"ID"`
	ValidateOnly bool   `help:"Check everything and change nothing."`
}

// Run carries out the command.
func (c *importCmd) Run(ctx context.Context, a *app) error {
	text, err := a.readText(c.File)
	if err != nil {
		return err
	}
	res, err := a.client.Integrations.ImportIntegration(ctx, &headracev1.ImportIntegrationRequest{
		Definition: string(text), IntegrationId: c.Integration, ValidateOnly: c.ValidateOnly,
	})
	where := sourceOf(c.File)
	if err != nil {
		return where.mistakes(err)
	}
	return a.show(res, func() {
		verb := "replaced"
		if res.GetCreated() {
			verb = "created"
		}
		if c.ValidateOnly {
			verb = "would be " + verb
		}
		a.line("integration %s %s", clean(res.GetIntegration().GetId()), a.the(verb, green))
		for _, w := range res.GetWarnings() {
			a.warning(w.GetDescription())
		}
		a.notes(a.w, where, res.GetNotes())
		a.problems("  ", where, res.GetIntegration().GetProblems())
	})
}

// exportCmd writes a definition.
type exportCmd struct {
	ID      string `arg:"" help:"The integration's id."`
	Version int32  `help:"The version. Default: the draft." placeholder:"N"`
	Format  string `help:"The format: ${enum}. v7 is version 7 of Prismatic's definitions." enum:"native,v7" default:"native"`
	File    string `short:"f" help:"Write to this file. Default: print." placeholder:"FILE"`
}

// Run carries out the command.
func (c *exportCmd) Run(ctx context.Context, a *app) error {
	req := &headracev1.ExportIntegrationRequest{IntegrationId: c.ID, Version: c.Version}
	if c.Format == "v7" {
		req.Format = headracev1.DefinitionFormat_DEFINITION_FORMAT_V7
	}
	res, err := a.client.Integrations.ExportIntegration(ctx, req)
	if err != nil {
		return err
	}
	definition := res.GetDefinition()
	if c.Format == "native" {
		// With its kind the definition can be applied as it is.
		definition = "kind: " + kindIntegration + "\n" + definition
	}
	a.notes(a.err, "", res.GetNotes())
	to := *a.printer
	if c.File != "" {
		var written strings.Builder
		to.w = &written
		if err := to.definition(definition); err != nil {
			return err
		}
		if err := os.WriteFile(c.File, []byte(written.String()), 0o644); err != nil {
			return usage("%v", err)
		}
		return nil
	}
	return to.definition(definition)
}

// definition prints a definition as it is, or as JSON.
func (p *printer) definition(text string) error {
	if p.format != "json" {
		_, err := io.WriteString(p.w, text)
		return err
	}
	root, err := parseYAML([]byte(text))
	if err != nil {
		return fmt.Errorf("the exported definition: %w", err)
	}
	exact, err := yamlToJSON(root)
	if err != nil {
		return fmt.Errorf("the exported definition: %w", err)
	}
	return p.document(exact)
}

// validateCmd checks definitions in files.
type validateCmd struct {
	File []string `arg:"" help:"Definitions as YAML or JSON, in our format or any of Prismatic's; - reads the input."`
}

// invalidFiles says that files hold mistakes, which have been printed.
type invalidFiles struct{ n int }

func (e *invalidFiles) Error() string {
	return plural(e.n, "definition") + " with problems: mend what is listed"
}

// Run carries out the command.
func (c *validateCmd) Run(ctx context.Context, a *app) error {
	type validated struct {
		File string          `json:"file"`
		Is   json.RawMessage `json:"result"`
	}
	all, wrong := []validated{}, 0
	for _, name := range c.File {
		text, err := a.readText(name)
		if err != nil {
			return err
		}
		res, err := a.client.Integrations.ValidateIntegration(ctx, &headracev1.ValidateIntegrationRequest{Definition: string(text)})
		if err != nil {
			return &located{where: string(sourceOf(name)), err: err}
		}
		if !res.GetValid() {
			wrong++
		}
		if a.format == "table" {
			a.validated(sourceOf(name), res)
			continue
		}
		exact, err := messageJSON(res)
		if err != nil {
			return err
		}
		all = append(all, validated{string(sourceOf(name)), exact})
	}
	if a.format != "table" {
		text, err := json.Marshal(map[string]any{"validated": all})
		if err != nil {
			return err
		}
		if err := a.document(text); err != nil {
			return err
		}
	}
	if wrong > 0 {
		return &invalidFiles{wrong}
	}
	return nil
}

func (p *printer) validated(where source, res *headracev1.ValidateIntegrationResponse) {
	result := p.the("valid", green)
	if n := len(res.GetProblems()); n > 0 {
		result = p.the(plural(n, "problem"), yellow)
	}
	p.line("%s: %s", clean(string(where)), result)
	for _, one := range res.GetProblems() {
		line, description := lineOf(one.GetDescription())
		p.line("  %s%s %s", where.at(line), p.the(clean(one.GetField())+":", bold), clean(description))
	}
	p.notes(p.w, where, res.GetNotes())
}

// source is the name of a file with a definition.
type source string

func sourceOf(name string) source {
	if name == "-" {
		return "the input"
	}
	return source(name)
}

// at is how a line of the file is named: file:line, which editors jump to.
func (s source) at(line int) string {
	if line == 0 || s == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d: ", clean(string(s)), line)
}

// mistakes puts the file and the lines before what is wrong with a definition.
func (s source) mistakes(err error) error {
	violations := client.Violations(err)
	if status.Code(err) != codes.InvalidArgument || len(violations) == 0 {
		return &located{where: string(s), err: err}
	}
	return &located{where: string(s), err: err, lines: s.placed(violations)}
}

// placed puts the file and the line before each violation.
func (s source) placed(violations []client.Violation) []string {
	lines := make([]string, len(violations))
	for i, v := range violations {
		line, description := lineOf(v.Description)
		lines[i] = fmt.Sprintf("%s%s: %s", s.at(line), v.Field, description)
	}
	return lines
}

var linePrefix = regexp.MustCompile(`^line (\d+): `)

// lineOf takes the line apart that the server puts before a description.
func lineOf(description string) (int, string) {
	found := linePrefix.FindStringSubmatch(description)
	if found == nil {
		return 0, description
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		return 0, description
	}
	return n, description[len(found[0]):]
}

// notes lists what could not be taken over as it is.
func (p *printer) notes(w io.Writer, where source, notes []*headracev1.DefinitionNote) {
	if len(notes) == 0 {
		return
	}
	to := *p
	to.w = w
	to.line("  %s", p.the(plural(len(notes), "note")+" on what could not be taken over as it is:", dim))
	for _, n := range notes {
		kind := strings.ToLower(word(n.GetKind(), "KIND_"))
		to.line("    %s%s %s %s", where.at(int(n.GetLine())), p.the(kind, cyan), p.the(clean(n.GetField())+":", bold), clean(n.GetDescription()))
	}
}

// warning tells what an import takes from instances.
func (p *printer) warning(description string) {
	p.line("  %s %s", p.the("warning:", yellow), clean(description))
}
