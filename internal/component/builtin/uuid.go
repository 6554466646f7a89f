package builtin

import (
	"context"
	"crypto/sha256"
	"strings"

	"github.com/google/uuid"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
)

func uuidComponent() *component.Component {
	form := []ipaas.InputField{
		{Key: "casing", DisplayName: "Lower / Upper Case UUID", Choices: []string{"lower", "upper"}, Default: `"lower"`, Description: "The case of its letters."},
		{Key: "removeDashes", DisplayName: "Remove dashes?", Type: ipaas.FieldBoolean, Default: "false", Description: "Whether to leave the hyphens out."},
	}
	return &component.Component{
		ID: "uuid", DisplayName: "UUID", Description: "Make ids that nothing else has.",
		Actions: []component.Action{
			{
				Action: ipaas.Action{
					Key: "generateUUID", DisplayName: "Generate UUID", Effect: ipaas.EffectPure, Output: "The UUID as a text.",
					Description: "Makes a UUID. Version 4 is the same in every attempt of the step, replays included, so what is created with it is not created twice; it is no secret. " +
						"Version 7 begins with the time, so that later ones sort behind earlier ones, and another attempt makes another one.",
					Inputs: append([]ipaas.InputField{
						{Key: "version", DisplayName: "Version", Choices: []string{"v4", "v7"}, Default: `"v4"`, Description: "The version of the UUID."},
					}, form...),
				},
				Perform: generateUUID,
			},
			{
				Action: ipaas.Action{
					Key: "emptyUUID", DisplayName: "Nil/Empty UUID", Effect: ipaas.EffectPure, Output: "00000000-0000-0000-0000-000000000000.",
					Description: "Gives the UUID of which every digit is 0.", Inputs: form[1:],
				},
				Perform: func(_ context.Context, call component.Call) (component.Result, error) {
					return component.Result{Data: uuidText(uuid.Nil, call.Inputs)}, nil
				},
			},
		},
	}
}

// generateUUID makes version 4 out of the step's idempotency key, which is as random as the id of the execution in it. A random one
// would differ when an execution is resumed or replayed, and with it the idempotency keys of all the calls it is sent in.
func generateUUID(_ context.Context, call component.Call) (component.Result, error) {
	var id uuid.UUID
	var err error
	switch {
	case call.Inputs.Text("version") == "v7":
		id, err = uuid.NewV7()
	case call.IdempotencyKey == "":
		id, err = uuid.NewRandom()
	default:
		sum := sha256.Sum256([]byte("uuid v4\n" + call.IdempotencyKey))
		copy(id[:], sum[:])
		id[6] = id[6]&0x0f | 0x40 // version 4
		id[8] = id[8]&0x3f | 0x80 // variant of RFC 9562
	}
	return component.Result{Data: uuidText(id, call.Inputs)}, err
}

func uuidText(id uuid.UUID, in component.Inputs) string {
	text := id.String()
	if in.Bool("removeDashes") {
		text = strings.ReplaceAll(text, "-", "")
	}
	if in.Text("casing") == "upper" {
		text = strings.ToUpper(text)
	}
	return text
}
