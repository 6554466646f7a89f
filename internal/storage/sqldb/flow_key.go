package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

const (
	selectIntegrationUID = `SELECT uid FROM integrations WHERE id = $1`
	selectKeysOfFlow     = `SELECT document FROM flow_keys WHERE owner_uid = $1 AND flow_id = $2`
	putKeysOfFlow        = `
INSERT INTO flow_keys (owner_uid, flow_id, document) VALUES ($1, $2, $3)
ON CONFLICT (owner_uid, flow_id) DO UPDATE SET document = excluded.document`
	deleteKeysOfFlow  = `DELETE FROM flow_keys WHERE owner_uid = $1 AND flow_id = $2`
	deleteKeysOfOwner = `DELETE FROM flow_keys WHERE owner_uid = $1`
	selectKeysOfOwner = `SELECT flow_id, document FROM flow_keys WHERE owner_uid = $1 ORDER BY flow_id`
)

// integrationUID returns the uid of an integration.
func integrationUID(ctx context.Context, q querier, id string) (uid string, err error) {
	err = q.row(ctx, selectIntegrationUID, []any{id}, &uid)
	if errors.Is(err, sql.ErrNoRows) {
		return "", ipaas.Absent("integration", id)
	}
	return uid, err
}

// keyOwner returns the uid of what a key belongs to.
func keyOwner(ctx context.Context, q querier, k *ipaas.FlowKey) (string, error) {
	if k.InstanceID != "" {
		return liveUID(ctx, q, k.InstanceID)
	}
	return integrationUID(ctx, q, k.IntegrationID)
}

// changeKeys replaces the keys of a flow by what change makes of them. They are few, and read at every request: one row holds them.
func changeKeys(ctx context.Context, tx *tx, k *ipaas.FlowKey, change func([]ipaas.FlowKey) ([]ipaas.FlowKey, error)) error {
	owner, err := keyOwner(ctx, tx, k)
	if err != nil {
		return err
	}
	var keys []ipaas.FlowKey
	err = tx.row(ctx, selectKeysOfFlow, []any{owner, k.FlowID}, intoJSON(&keys))
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if keys, err = change(keys); err != nil {
		return err
	}
	if len(keys) == 0 {
		return tx.do(ctx, deleteKeysOfFlow, owner, k.FlowID)
	}
	return tx.do(ctx, putKeysOfFlow, owner, k.FlowID, asJSON(keys))
}

// CreateFlowKey adds a key.
func (db *DB) CreateFlowKey(ctx context.Context, k ipaas.FlowKey, w storage.Write) error {
	return db.change(ctx, w, func(ctx context.Context, tx *tx) error {
		return changeKeys(ctx, tx, &k, func(keys []ipaas.FlowKey) ([]ipaas.FlowKey, error) {
			for i := range keys {
				if keys[i].ID == k.ID {
					return nil, ipaas.Taken("flow key", k.ID)
				}
				if keys[i].Hash == k.Hash {
					return nil, sameKey(keys[i].ID)
				}
			}
			if len(keys) >= ipaas.MaxFlowKeys {
				return nil, tooManyKeys(&k, len(keys))
			}
			// Whose it is stands in the row's own key.
			added := k
			added.InstanceID, added.IntegrationID, added.FlowID, added.CreateTime = "", "", "", stored(k.CreateTime)
			return append(keys, added), nil
		})
	})
}

func sameKey(id string) error {
	err := ipaas.Taken("flow key", id)
	err.Message = fmt.Sprintf("flow key %q is the same text: send another one, or none to have it made", id)
	return err
}

func tooManyKeys(k *ipaas.FlowKey, n int) error {
	return &ipaas.Error{
		Kind: ipaas.Exhausted, Reason: ipaas.ReasonTooManyKeys,
		Message: fmt.Sprintf("flow %q has %d keys, and no more may be: delete one that is no longer used", k.FlowID, n),
		Meta:    map[string]string{"flow_id": k.FlowID, "keys": strconv.Itoa(n)},
	}
}

// DeleteFlowKey forgets a key.
func (db *DB) DeleteFlowKey(ctx context.Context, k ipaas.FlowKey, w storage.Write) error {
	return db.change(ctx, w, func(ctx context.Context, tx *tx) error {
		return changeKeys(ctx, tx, &k, func(keys []ipaas.FlowKey) ([]ipaas.FlowKey, error) {
			i := slices.IndexFunc(keys, func(other ipaas.FlowKey) bool { return other.ID == k.ID })
			if i < 0 {
				return nil, ipaas.Absent("flow key", k.ID)
			}
			return slices.Delete(keys, i, i+1), nil
		})
	})
}

// ListFlowKeys returns the keys of an instance and of an integration.
func (db *DB) ListFlowKeys(ctx context.Context, instanceID, integrationID string) (found []ipaas.FlowKey, err error) {
	err = db.view(func(q querier) error {
		found = nil
		for _, owner := range []ipaas.FlowKey{{InstanceID: instanceID}, {IntegrationID: integrationID}} {
			if owner.InstanceID == "" && owner.IntegrationID == "" {
				continue
			}
			keys, err := keysOf(ctx, q, owner)
			if err != nil {
				return err
			}
			found = append(found, keys...)
		}
		slices.SortStableFunc(found, func(a, b ipaas.FlowKey) int { return strings.Compare(a.FlowID, b.FlowID) })
		return nil
	})
	return found, err
}

func keysOf(ctx context.Context, q querier, owner ipaas.FlowKey) (found []ipaas.FlowKey, err error) {
	uid, err := keyOwner(ctx, q, &owner)
	if err != nil {
		return nil, err
	}
	err = q.rows(ctx, selectKeysOfOwner, []any{uid}, func(scan scanner) error {
		var (
			flowID string
			keys   []ipaas.FlowKey
		)
		err := scan(&flowID, intoJSON(&keys))
		found = append(found, ownedKeys(keys, owner.InstanceID, owner.IntegrationID, flowID)...)
		return err
	})
	return found, err
}

// ownedKeys returns keys as they come out of a row, with whose they are.
func ownedKeys(keys []ipaas.FlowKey, instanceID, integrationID, flowID string) []ipaas.FlowKey {
	for i := range keys {
		keys[i].InstanceID, keys[i].IntegrationID, keys[i].FlowID = instanceID, integrationID, flowID
	}
	return keys
}
