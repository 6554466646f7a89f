package ledger

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/headrace/headrace/internal/catalogue"
	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/secret"
)

// beforeImage is what a registration was before a deployment updated it. Inputs and result stay sealed as they were. The JSON of this
// type is the format on disk.
type beforeImage struct {
	ComponentVersion int    `json:"component_version"`
	ExecutionID      string `json:"execution_id"`
	ConfigRevision   int64  `json:"config_revision"`
	InputsHash       string `json:"inputs_hash"`
	InputsSealed     string `json:"inputs_sealed"`
	ResultSealed     string `json:"result_sealed"`
	RemoteID         string `json:"remote_id"`
}

// ImageOf returns what is kept of a registration before an update.
func ImageOf(row ipaas.Registration) (string, error) {
	text, err := json.Marshal(beforeImage{
		ComponentVersion: row.ComponentVersion, ExecutionID: row.ExecutionID, ConfigRevision: row.ConfigRevision,
		InputsHash: row.InputsHash, InputsSealed: row.InputsSealed, ResultSealed: row.ResultSealed, RemoteID: row.RemoteID,
	})
	if err != nil {
		return "", fmt.Errorf("keep what registration %s was: %w", row.ID, err)
	}
	return string(text), nil
}

// BeforeUpdate returns a registration as it was before an update.
func BeforeUpdate(row ipaas.Registration) (ipaas.Registration, error) {
	var was beforeImage
	if err := json.Unmarshal([]byte(row.BeforeImage), &was); err != nil {
		return row, fmt.Errorf("read what registration %s was: %w", row.ID, err)
	}
	row.ComponentVersion, row.ExecutionID, row.ConfigRevision = was.ComponentVersion, was.ExecutionID, was.ConfigRevision
	row.InputsHash, row.InputsSealed, row.ResultSealed, row.RemoteID = was.InputsHash, was.InputsSealed, was.ResultSealed, was.RemoteID
	row.BeforeImage, row.Error = "", ""
	return row, nil
}

// restoreRegistration gives a remote object that a deployment updated the inputs it had before, and records that. What the other system
// refuses stays as the deployment made it, with the error, and is updated by the next deployment.
func (l *Ledger) restoreRegistration(ctx context.Context, in ipaas.Instance, row ipaas.Registration, mask *secret.Mask) (ipaas.Registration, error) {
	was, err := BeforeUpdate(row)
	if err == nil {
		err = l.restore(ctx, in, row, was)
	}
	row.UpdateTime = l.now()
	if err != nil && !gone(err) {
		row.Error = l.notRestored(ctx, in, row, mask, err)
		return row, unrecorded(row, l.store.SettleRegistration(ctx, row.ID, row.State, row.Error, row.UpdateTime))
	}
	if err != nil {
		was.InputsHash = "" // it is gone, and not as anything says: the next deployment finds that out
	}
	was.UpdateTime = row.UpdateTime
	if err := l.store.RestoreRegistration(ctx, was, was.UpdateTime); err != nil {
		return row, unrecorded(row, err)
	}
	return was, nil
}

// notRestored logs, and returns as it is stored, why a remote object is not as it was before.
func (l *Ledger) notRestored(ctx context.Context, in ipaas.Instance, row ipaas.Registration, mask *secret.Mask, why error) string {
	text := ipaas.Cut("what it was before could not be restored: "+mask.Hide(l.access.WithoutKeysOf(ctx, in, why.Error())), ipaas.MaxLogMessage)
	l.logger.Warn("a remote object could not be restored", "instance", in.ID, "registration", row.ID, "remote_id", row.RemoteID, "error", text)
	return text
}

// restore updates an object with the inputs it had, by the version of its component that had created it if that can, else by the latest.
func (l *Ledger) restore(ctx context.Context, in ipaas.Instance, row, was ipaas.Registration) error {
	c, action, err := l.creator(ctx, was.Action, was.ComponentVersion)
	if err == nil && action.Update == nil {
		c, action, err = l.creator(ctx, row.Action, catalogue.Latest)
	}
	if err != nil {
		return err
	}
	result, err := l.OpenResult(was)
	if err != nil {
		return err
	}
	return l.withCredentials(ctx, in, was, c, action, func(o *remote) error {
		_, err := component.Update(c, action, o.inputs, result, o.do)
		return err
	})
}
