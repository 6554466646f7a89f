package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/prismatic"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// A definition in the words of another product is told apart by its keys. It goes by the same rules as one of ours, but all that is said
// of it names its own words and lines.

// enoughViolations is with how many of them a definition is not looked at any further: more is wrong than anyone mends at a time.
const enoughViolations = 1000

func (a *API) readForeign(exact exactText, v any) (source, []ipaas.Violation, error) {
	read := prismatic.Read(v)
	src := source{
		def: read.Definition, format: pb.DefinitionFormat_DEFINITION_FORMAT_V7, notes: read.Notes, lines: exact.lines, foreign: read,
	}
	violations := slices.Concat(exact.twice, read.Violations)
	if len(violations) > enoughViolations {
		return src, exact.lines.mark(violations), nil
	}
	rules, err := a.rules.violations(definitionToProto("", read.Definition))
	if err != nil {
		return src, nil, err
	}
	for i := range rules {
		rules[i].Field = restPath(rules[i].Field)
	}
	// Normalising fills in what the import makes itself, so that it is done to another reading.
	checked := prismatic.Read(v).Definition
	checked.Normalize(nil, time.Now())
	violations = merged(merged(violations, read.InFile(checked.Validate())), read.InFile(rules))
	inOrder(src.lines, violations, func(v ipaas.Violation) string { return v.Field })
	return src, exact.lines.mark(violations), nil
}

// inOrder sorts what is said of places of a text by their lines: it is read in no particular order.
func inOrder[T any](lines lines, said []T, place func(T) string) {
	slices.SortStableFunc(said, func(a, b T) int { return lines.of(place(a)) - lines.of(place(b)) })
}

// merged adds violations of what nothing is said about yet: one mistake is told once.
func merged(violations, more []ipaas.Violation) []ipaas.Violation {
	said := make(map[string]bool, len(violations))
	for _, v := range violations {
		said[v.Field] = true
	}
	for _, v := range more {
		if !said[v.Field] {
			violations = append(violations, v)
		}
	}
	return violations
}

// marked spells paths of violations of the definition in the words of what was sent, with their lines.
func (s source) marked(violations []ipaas.Violation) []ipaas.Violation {
	if s.foreign != nil {
		violations = s.foreign.InFile(violations)
	}
	return s.lines.mark(violations)
}

// inFile adds to the problems of the draft that a definition became the lines of what was sent, where that has the same paths. Of one in
// foreign words the paths are those of the draft.
func (s source) inFile(problems []*pb.Problem) []*pb.Problem {
	if s.foreign != nil {
		return problems
	}
	violations := make([]ipaas.Violation, len(problems))
	for i, p := range problems {
		violations[i] = ipaas.Violation{Field: p.GetField(), Reason: ipaas.Reason(p.GetReason()), Description: p.GetDescription()}
	}
	return problemsToProto(s.marked(violations))
}

// explained is an error about the definition in the words of what was sent.
func (s source) explained(err error) error {
	var ours *ipaas.Error
	if !errors.As(err, &ours) || len(ours.Violations) == 0 {
		return err
	}
	said := *ours
	said.Violations = s.marked(slices.Clone(ours.Violations))
	return &said
}

// fit takes out of a definition in foreign words what must not stand in one, and what nobody here takes. In ours both are problems of
// the draft.
func (s *services) fit(ctx context.Context, src *source) error {
	if src.foreign == nil {
		return nil
	}
	removed, changed, err := s.plane.Catalogue().FitForeign(ctx, &src.def, src.foreign.Guessed)
	if err != nil {
		return err
	}
	src.notes = append(src.notes, dropped(src.foreign.InFile(removed))...)
	src.notes = append(src.notes, noted(prismatic.Changed, src.foreign.InFile(changed))...)
	inOrder(src.lines, src.notes, func(n prismatic.Note) string { return n.Path })
	return nil
}

// dropped are notes on what was taken out.
func dropped(removed []ipaas.Violation) []prismatic.Note { return noted(prismatic.Dropped, removed) }

// noted are notes on what became of things.
func noted(kind prismatic.NoteKind, said []ipaas.Violation) []prismatic.Note {
	var notes []prismatic.Note
	for _, v := range said {
		notes = append(notes, prismatic.Note{Path: v.Field, Kind: kind, Description: v.Description})
	}
	return notes
}

// writeForeign writes a definition in the current layout of the other product.
func writeForeign(id string, def ipaas.Definition) (string, []prismatic.Note, error) {
	written, notes := prismatic.Write(def)
	text, err := writeYAML(valueNode(written))
	if err != nil {
		return "", nil, fmt.Errorf("export integration %s: %w", id, err)
	}
	return text, notes, nil
}

func notesToProto(notes []prismatic.Note, lines lines) []*pb.DefinitionNote {
	out := make([]*pb.DefinitionNote, 0, len(notes))
	for _, n := range notes {
		out = append(out, &pb.DefinitionNote{
			Field: n.Path, Kind: enumToProto[pb.DefinitionNote_Kind](n.Kind), Description: n.Description, Line: int32(lines.of(n.Path)),
		})
	}
	return out
}

func lossesToProto(losses []ipaas.Loss) []*pb.ImportWarning {
	var out []*pb.ImportWarning
	for _, l := range losses {
		out = append(out, &pb.ImportWarning{
			Kind: enumToProto[pb.ImportWarning_Kind](l.Kind), Id: l.ID, DisplayName: l.DisplayName, InstanceCount: int32(l.Instances),
			Description: l.Description,
		})
	}
	return out
}
