package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/ipaas"
)

const (
	insertDefinition          = `INSERT INTO definitions (hash, document) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING`
	insertDefinitionFlow      = `INSERT INTO definition_flows (hash, flow_id, concurrency) VALUES ($1, $2, $3) ON CONFLICT (hash, flow_id) DO NOTHING`
	insertDefinitionComponent = `INSERT INTO definition_components (hash, component_id) VALUES ($1, $2)`
)

// SaveDefinition keeps a definition and returns its hash.
func (db *DB) SaveDefinition(ctx context.Context, d ipaas.Definition) (string, error) {
	doc := newDocument(&d)
	return doc.hash, db.writeMuch(ctx, len(doc.text), func(ctx context.Context, tx *tx) error { return putDefinition(ctx, tx, doc) })
}

// definitionDocument is a definition as it is stored, with what can be asked of it without reading it whole. It is made before its step
// is, so that nobody waits for that.
type definitionDocument struct {
	hash, text string
	flows      []ipaas.Flow
	components []string
}

func newDocument(d *ipaas.Definition) *definitionDocument {
	text, hash := d.Document()
	return &definitionDocument{hash: hash, text: text, flows: d.Flows, components: usedComponents(d)}
}

func putDefinition(ctx context.Context, tx *tx, d *definitionDocument) error {
	n, err := tx.exec(ctx, insertDefinition, d.hash, d.text)
	if err != nil {
		return err
	}
	if n == 0 {
		return tx.do(ctx, useDefinition, d.hash) // whoever saves it is about to point at it
	}
	for i := range d.flows {
		if err := tx.do(ctx, insertDefinitionFlow, d.hash, d.flows[i].ID, d.flows[i].Concurrency); err != nil {
			return err
		}
	}
	for _, id := range d.components {
		if err := tx.do(ctx, insertDefinitionComponent, d.hash, id); err != nil {
			return err
		}
	}
	return nil
}

// usedComponents returns the ids of the components that triggers, steps and config variables name.
func usedComponents(d *ipaas.Definition) []string {
	used := map[string]bool{}
	var steps func(list []ipaas.Step)
	steps = func(list []ipaas.Step) {
		for i := range list {
			used[componentOf(list[i].Action)] = true
			steps(list[i].Steps)
			for _, b := range list[i].Branches {
				steps(b.Steps)
			}
		}
	}
	for i := range d.Flows {
		used[componentOf(d.Flows[i].Trigger.Type)] = true
		steps(d.Flows[i].Steps)
	}
	for i := range d.ConfigVariables {
		used[componentOf(d.ConfigVariables[i].ConnectionType)] = true
	}
	delete(used, "")
	return slices.Sorted(maps.Keys(used))
}

// componentOf returns the component in component.action, or nothing.
func componentOf(dotted string) string {
	id, _, ok := strings.Cut(dotted, ".")
	if !ok {
		return ""
	}
	return id
}

const selectDefinition = `SELECT document FROM definitions WHERE hash = $1`

// GetDefinition returns the definition with a hash.
func (db *DB) GetDefinition(ctx context.Context, hash string) (d ipaas.Definition, err error) {
	err = db.view(func(q querier) error { return q.row(ctx, selectDefinition, []any{hash}, intoJSON(&d)) })
	if errors.Is(err, sql.ErrNoRows) {
		return ipaas.Definition{}, ipaas.Absent("definition", hash)
	}
	return d, err
}
