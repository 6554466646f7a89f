package ipaas

import "time"

// Component describes a connector: what the catalogue shows and, for a declarative one, all it takes to run it.
// The JSON of this type is the format on disk.
type Component struct {
	ID              string           `json:"id"`
	UID             string           `json:"uid"`
	DisplayName     string           `json:"display_name"`
	Description     string           `json:"description,omitempty"`
	Kind            ComponentKind    `json:"kind"`
	Version         int              `json:"version"` // counted from 1; every change makes the next one
	ConnectionTypes []ConnectionType `json:"connection_types,omitempty"`
	Actions         []Action         `json:"actions,omitempty"`
	Triggers        []TriggerType    `json:"triggers,omitempty"`
	CreateTime      time.Time        `json:"create_time,omitzero"`
	UpdateTime      time.Time        `json:"update_time,omitzero"`
}

// ComponentKind tells where a component comes from.
type ComponentKind string

// The kinds of components.
const (
	ComponentBuiltin     ComponentKind = "BUILTIN"
	ComponentDeclarative ComponentKind = "DECLARATIVE"
)

// ConnectionType is one way to sign in to the system behind a component.
type ConnectionType struct {
	Key         string       `json:"key"`
	DisplayName string       `json:"display_name,omitempty"`
	Description string       `json:"description,omitempty"`
	Inputs      []InputField `json:"inputs,omitempty"`
}

// InputField declares one input: it documents, defaults and checks it.
type InputField struct {
	Key             string     `json:"key"`
	DisplayName     string     `json:"display_name,omitempty"`
	Description     string     `json:"description,omitempty"`
	Type            FieldType  `json:"type,omitempty"`
	Collection      Collection `json:"collection,omitempty"`
	Required        bool       `json:"required,omitempty"`
	Default         string     `json:"default,omitempty"` // JSON text; empty: none
	Choices         []string   `json:"choices,omitempty"`
	Secret          bool       `json:"secret,omitempty"`
	Example         string     `json:"example,omitempty"`
	ConnectionTypes []string   `json:"connection_types,omitempty"`
}

// FieldType is what a value of an input must be.
type FieldType string

// The types of inputs. The zero value means FieldString.
const (
	FieldString     FieldType = "STRING"
	FieldText       FieldType = "TEXT"
	FieldNumber     FieldType = "NUMBER"
	FieldBoolean    FieldType = "BOOLEAN"
	FieldCode       FieldType = "CODE"
	FieldData       FieldType = "DATA"
	FieldConnection FieldType = "CONNECTION"
	FieldConditions FieldType = "CONDITIONS"
	FieldDate       FieldType = "DATE"
	FieldTimestamp  FieldType = "TIMESTAMP"
)

// Action is one thing a component can do.
type Action struct {
	Key         string       `json:"key"`
	DisplayName string       `json:"display_name,omitempty"`
	Description string       `json:"description,omitempty"`
	Effect      Effect       `json:"effect,omitempty"`
	Inputs      []InputField `json:"inputs,omitempty"`
	Request     *HTTPRequest `json:"request,omitempty"` // of a declarative action
	Result      string       `json:"result,omitempty"`  // template over the response
	Undo        *Undo        `json:"undo,omitempty"`
	Find        *Find        `json:"find,omitempty"`
	Update      *Update      `json:"update,omitempty"`
	Loops       bool         `json:"loops,omitempty"`
	Branches    bool         `json:"branches,omitempty"`
	Output      string       `json:"output,omitempty"` // what the step's result is, for people
}

// Effect is what running an action does to the world. The zero value means EffectWrite.
type Effect string

// The effects.
const (
	EffectPure  Effect = "PURE"
	EffectRead  Effect = "READ"
	EffectWrite Effect = "WRITE"
)

// HTTPRequest is the template of the request a declarative action sends.
type HTTPRequest struct {
	Method          string            `json:"method"`
	URL             string            `json:"url"`
	Headers         map[string]string `json:"headers,omitempty"`
	Query           map[string]string `json:"query,omitempty"`
	Body            string            `json:"body,omitempty"` // JSON whose texts are templates; empty: no body
	SuccessStatuses []int             `json:"success_statuses,omitempty"`
}

// Undo tells which action of the same component removes what an action created.
type Undo struct {
	Action   string            `json:"action"`
	Inputs   map[string]string `json:"inputs,omitempty"`
	RemoteID string            `json:"remote_id,omitempty"`
}

// Find tells how to look for what an action created, or may have created: by an action of the same component that lists, whose
// items are compared with the inputs of the creation.
type Find struct {
	Action string            `json:"action"`
	Inputs map[string]string `json:"inputs,omitempty"` // templates over the creation's inputs
	Items  string            `json:"items,omitempty"`  // template over the listing's result; empty: all of it
	Match  Match             `json:"match"`
	Result string            `json:"result,omitempty"` // template over an item; empty: all of it
}

// Match is what makes an item of a list the one that is looked for: both texts are exactly equal.
type Match struct {
	Item   string `json:"item"`   // template over the item
	Equals string `json:"equals"` // template over the creation's inputs
}

// Update tells which action of the same component gives an object that an action created other inputs.
type Update struct {
	Action string            `json:"action"`
	Inputs map[string]string `json:"inputs,omitempty"` // templates over the new inputs and the recorded result
	Result string            `json:"result,omitempty"` // template over the updating action's result and the recorded one; empty: the recorded one
}

// TriggerType is one way to start a flow.
type TriggerType struct {
	Key         string       `json:"key"`
	DisplayName string       `json:"display_name,omitempty"`
	Description string       `json:"description,omitempty"`
	Inputs      []InputField `json:"inputs,omitempty"`
	Output      string       `json:"output,omitempty"` // what is in the trigger's result beside what every trigger gives
}

// Field returns the field with a key, or nil.
func Field(fields []InputField, key string) *InputField {
	for i := range fields {
		if fields[i].Key == key {
			return &fields[i]
		}
	}
	return nil
}
