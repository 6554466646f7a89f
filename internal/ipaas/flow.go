package ipaas

import "time"

// Flow is one sequence of steps and the trigger that starts it.
type Flow struct {
	ID          string       `json:"id"`
	UID         string       `json:"uid"`
	DisplayName string       `json:"display_name"`
	Description string       `json:"description,omitempty"`
	Trigger     Trigger      `json:"trigger"`
	Steps       []Step       `json:"steps,omitempty"`
	Synchronous bool         `json:"synchronous,omitempty"`
	TestPayload *TestPayload `json:"test_payload,omitempty"`
	CreateTime  time.Time    `json:"create_time"`
	UpdateTime  time.Time    `json:"update_time"`
}

// Trigger is what starts a flow.
type Trigger struct {
	DisplayName string           `json:"display_name"`
	Description string           `json:"description,omitempty"`
	Type        string           `json:"type"` // component.trigger
	Inputs      map[string]Input `json:"inputs,omitempty"`
}

// The trigger types the plane itself acts on.
const (
	TriggerWebhook        = "webhook-triggers.webhook"
	TriggerInstanceDeploy = "management-triggers.instanceDeploy"
	TriggerInstanceRemove = "management-triggers.instanceRemove"
)

// TriggerStepID is the step id and path of a trigger among step results; no step may take it.
const TriggerStepID = "trigger"

// Step runs one action of a component.
type Step struct {
	ID          string           `json:"id"`
	DisplayName string           `json:"display_name"`
	Description string           `json:"description,omitempty"`
	Action      string           `json:"action"` // component.action
	Inputs      map[string]Input `json:"inputs,omitempty"`
	Branches    []Branch         `json:"branches,omitempty"`
	Steps       []Step           `json:"steps,omitempty"` // the body of a loop
}

// Branch is one of several ways a flow can take.
type Branch struct {
	Name  string `json:"name"`
	Steps []Step `json:"steps,omitempty"`
}

// ElseBranch is the name of the branch that is taken when no condition holds.
const ElseBranch = "Else"

// TestPayload is what a test sends to a flow's trigger in place of a webhook.
type TestPayload struct {
	Kind        BodyKind          `json:"kind,omitempty"`
	Text        string            `json:"text,omitempty"` // the body of kinds text and json
	Binary      []byte            `json:"binary,omitempty"`
	Headers     map[string]string `json:"headers,omitempty"`
	ContentType string            `json:"content_type,omitempty"`
	Method      string            `json:"method,omitempty"`
	Query       map[string]string `json:"query,omitempty"`
	Path        string            `json:"path,omitempty"`
}

// BodyKind tells how the body of a test payload was given.
type BodyKind string

// The kinds of bodies. The zero value means an empty body.
const (
	BodyText   BodyKind = "text"
	BodyJSON   BodyKind = "json"
	BodyBinary BodyKind = "binary"
)
