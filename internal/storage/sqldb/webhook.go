package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/storage"
)

const (
	insertWebhook = `
INSERT INTO webhooks (token_hash, token_sealed, instance_uid, flow_id, current, expire_time, create_time)
VALUES ($1, $2, $3, $4, 1, 0, $5)`
	selectCurrentWebhook = `SELECT token_hash FROM webhooks WHERE instance_uid = $1 AND flow_id = $2 AND current = 1`
	retireWebhook        = `
UPDATE webhooks SET current = 0, expire_time = $3 WHERE instance_uid = $1 AND flow_id = $2 AND current = 1`
)

// AddWebhooks adds hooks of flows that have no current one, and returns all current ones.
func (db *DB) AddWebhooks(ctx context.Context, instanceID string, hooks []ipaas.Webhook) (current []ipaas.Webhook, err error) {
	err = db.write(ctx, func(ctx context.Context, tx *tx) error {
		uid, err := liveUID(ctx, tx, instanceID)
		if err != nil {
			return err
		}
		if err := addWebhooks(ctx, tx, uid, hooks); err != nil {
			return err
		}
		current, err = currentWebhooks(ctx, tx, uid)
		return err
	})
	return current, err
}

func addWebhooks(ctx context.Context, tx *tx, uid string, hooks []ipaas.Webhook) error {
	for i := range hooks {
		known, err := exists(ctx, tx, selectCurrentWebhook, uid, hooks[i].FlowID)
		if err != nil {
			return err
		}
		if known {
			continue
		}
		if err := putWebhook(ctx, tx, uid, &hooks[i]); err != nil {
			return err
		}
	}
	return nil
}

func putWebhook(ctx context.Context, tx *tx, uid string, h *ipaas.Webhook) error {
	return tx.do(ctx, insertWebhook, h.TokenHash, h.TokenSealed, uid, h.FlowID, micros(h.CreateTime))
}

const touchInstance = `UPDATE instances SET revision = revision + 1, update_time = $2 WHERE uid = $1`

// RotateWebhooks makes the hooks the current ones of their flows.
func (db *DB) RotateWebhooks(
	ctx context.Context, instanceID string, hooks []ipaas.Webhook, expire time.Time, base int64, now time.Time, w storage.Write,
) (in ipaas.Instance, err error) {
	err = db.change(ctx, w, func(ctx context.Context, tx *tx) error {
		if in, err = instanceToChange(ctx, tx, instanceID, base); err != nil {
			return err
		}
		for i := range hooks {
			if err := tx.do(ctx, retireWebhook, in.UID, hooks[i].FlowID, micros(expire)); err != nil {
				return err
			}
			if err := putWebhook(ctx, tx, in.UID, &hooks[i]); err != nil {
				return err
			}
		}
		if err := tx.do(ctx, touchInstance, in.UID, micros(now)); err != nil {
			return err
		}
		in, err = getInstance(ctx, tx, instanceID)
		return err
	})
	return in, err
}

// ListWebhooks returns the current hooks of an instance.
func (db *DB) ListWebhooks(ctx context.Context, instanceID string) (hooks []ipaas.Webhook, err error) {
	err = db.view(func(q querier) error {
		uid, err := liveUID(ctx, q, instanceID)
		if err != nil {
			return err
		}
		hooks, err = currentWebhooks(ctx, q, uid)
		return err
	})
	return hooks, err
}

const (
	webhookColumns        = `w.token_hash, w.token_sealed, i.id, w.flow_id, w.current, w.expire_time, w.create_time`
	selectCurrentWebhooks = `
SELECT ` + webhookColumns + ` FROM webhooks w JOIN instances i ON i.uid = w.instance_uid
WHERE w.instance_uid = $1 AND w.current = 1
UNION ALL
SELECT ` + webhookColumns + ` FROM instances s JOIN instances i ON i.id = s.integration_id || '--test' AND i.kind = 'TEST' AND i.state <> 'DELETED'
	JOIN webhooks w ON w.instance_uid = i.uid AND w.flow_id = '*' AND w.current = 1
WHERE s.uid = $1 AND s.uid <> i.uid
ORDER BY 4`
)

func currentWebhooks(ctx context.Context, q querier, uid string) (hooks []ipaas.Webhook, err error) {
	err = q.rows(ctx, selectCurrentWebhooks, []any{uid}, func(scan scanner) error {
		var h ipaas.Webhook
		err := scan(webhookDest(&h)...)
		hooks = append(hooks, h)
		return err
	})
	return hooks, err
}

func webhookDest(h *ipaas.Webhook) []any {
	return []any{&h.TokenHash, &h.TokenSealed, &h.InstanceID, &h.FlowID, &h.Current, intoTime(&h.ExpireTime), intoTime(&h.CreateTime)}
}

const selectWebhook = `
SELECT ` + webhookColumns + `, COALESCE(own.document, ''), COALESCE(shared.document, ''), ` + instanceColumns + `
FROM webhooks w JOIN instances i ON i.uid = w.instance_uid LEFT JOIN configs c ON c.instance_uid = i.uid AND c.revision = i.config_revision
LEFT JOIN flow_keys own ON own.owner_uid = i.uid AND own.flow_id = w.flow_id
LEFT JOIN integrations n ON n.id = i.integration_id LEFT JOIN flow_keys shared ON shared.owner_uid = n.uid AND shared.flow_id = w.flow_id
WHERE w.token_hash = $1 AND (w.expire_time = 0 OR w.expire_time > $2)`

// LookupWebhook returns the hook with a token's hash and its instance.
func (db *DB) LookupWebhook(ctx context.Context, tokenHash string, now time.Time) (h ipaas.Webhook, in ipaas.Instance, err error) {
	err = db.view(func(q querier) error {
		in, err = scanInstance(func(dest ...any) error {
			columns := append(webhookDest(&h), intoJSON(&h.Keys), intoJSON(&h.SharedKeys))
			return q.row(ctx, selectWebhook, []any{tokenHash, micros(now)}, append(columns, dest...)...)
		})
		h.Keys, h.SharedKeys = ownedKeys(h.Keys, in.ID, "", h.FlowID), ownedKeys(h.SharedKeys, "", in.IntegrationID, h.FlowID)
		return err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return ipaas.Webhook{}, ipaas.Instance{}, ipaas.Absent("webhook", "")
	}
	return h, in, err
}
