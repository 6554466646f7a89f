package ipaas

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"
)

// Integration describes, once for all customers, how to integrate with one other system. Its draft is what is edited.
type Integration struct {
	ID            string
	UID           string
	Draft         Definition
	LatestVersion int    // 0: never published
	PublishedHash string // hash of the newest version's definition
	Revision      int64  // counts changes of the integration or anything in it; what an etag stands for
	CreateTime    time.Time
	UpdateTime    time.Time
}

// UnpublishedChanges reports whether the draft differs from the newest version.
func (in *Integration) UnpublishedChanges() bool {
	return in.PublishedHash == "" || in.Draft.Hash() != in.PublishedHash
}

// Definition is the document that says all an integration is. A stored definition never changes: a draft, a version, a
// generation and an execution point at one by its hash. The JSON of this type is the format on disk.
type Definition struct {
	DisplayName     string            `json:"display_name"`
	Description     string            `json:"description,omitempty"`
	Category        string            `json:"category,omitempty"`
	Labels          map[string]string `json:"labels,omitempty"`
	Documentation   string            `json:"documentation,omitempty"`
	Flows           []Flow            `json:"flows"`
	ConfigVariables []ConfigVariable  `json:"config_variables,omitempty"`
	ConfigPages     []ConfigPage      `json:"config_pages,omitempty"`
	Deploy          DeploySettings    `json:"deploy"`
	Endpoint        *Endpoint         `json:"endpoint,omitempty"`
}

// Hash returns the SHA-256 of the definition, in hex. Equal definitions have equal hashes.
func (d *Definition) Hash() string {
	_, hash := d.Document()
	return hash
}

// Document returns the definition as JSON, and its hash, which is that of this text.
func (d *Definition) Document() (text, hash string) {
	// Marshal of this type cannot fail: it holds strings, numbers, times and maps with string keys only, and
	// encoding/json sorts map keys.
	document, err := json.Marshal(d)
	if err != nil {
		panic("ipaas: a definition does not marshal: " + err.Error())
	}
	sum := sha256.Sum256(document)
	return string(document), hex.EncodeToString(sum[:])
}

// Flow returns the flow with an id, and its index, or nil and -1.
func (d *Definition) Flow(id string) (*Flow, int) {
	for i := range d.Flows {
		if d.Flows[i].ID == id {
			return &d.Flows[i], i
		}
	}
	return nil, -1
}

// FlowByName returns the flow that name stands for, a display name or else an id, or nil.
func (d *Definition) FlowByName(name string) *Flow {
	for i := range d.Flows {
		if d.Flows[i].DisplayName == name {
			return &d.Flows[i]
		}
	}
	f, _ := d.Flow(name)
	return f
}

// ConfigVariable returns the config variable that name stands for, a display name or else an id, and its index, or nil and -1.
func (d *Definition) ConfigVariable(name string) (*ConfigVariable, int) {
	for i := range d.ConfigVariables {
		if d.ConfigVariables[i].DisplayName == name {
			return &d.ConfigVariables[i], i
		}
	}
	for i := range d.ConfigVariables {
		if d.ConfigVariables[i].ID == name {
			return &d.ConfigVariables[i], i
		}
	}
	// A template leaves out the spaces around a name, which may be there.
	for i := range d.ConfigVariables {
		if name != "" && strings.TrimSpace(d.ConfigVariables[i].DisplayName) == name {
			return &d.ConfigVariables[i], i
		}
	}
	return nil, -1
}

// DeploySettings tells how deployments of an integration's instances behave.
type DeploySettings struct {
	Policy  FailurePolicy `json:"policy,omitempty"`
	Timeout time.Duration `json:"timeout,omitempty"` // 0: DefaultDeployTimeout
}

// FailurePolicy tells what happens to what a failed deployment created.
type FailurePolicy string

// The failure policies. The zero value means Rollback.
const (
	Rollback FailurePolicy = "ROLLBACK"
	Keep     FailurePolicy = "KEEP"
)

// DefaultDeployTimeout is how long a deployment may take where the integration does not say.
const DefaultDeployTimeout = 120 * time.Second

// IntegrationVersion is an integration as it was published. It never changes.
type IntegrationVersion struct {
	IntegrationID     string
	Version           int // counted from 1
	Comment           string
	Definition        Definition
	ComponentVersions map[string]int // declarative components by id; built-in ones come with the server
	CreateTime        time.Time
}
