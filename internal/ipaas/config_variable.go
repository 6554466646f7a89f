package ipaas

import "time"

// ConfigVariable is a setting that every instance gives its own value and every flow can use.
type ConfigVariable struct {
	ID             string     `json:"id"`
	UID            string     `json:"uid"`
	StableKey      string     `json:"stable_key,omitempty"` // what it is known by where definitions come from
	DisplayName    string     `json:"display_name"`
	Description    string     `json:"description,omitempty"`
	Type           ConfigType `json:"type"`
	Collection     Collection `json:"collection,omitempty"`
	Required       bool       `json:"required,omitempty"`
	Default        string     `json:"default,omitempty"`      // JSON text; empty: none
	DefaultJSON    bool       `json:"default_json,omitempty"` // the default was written as JSON text
	Secret         bool       `json:"secret,omitempty"`
	OrgOnly        bool       `json:"org_only,omitempty"`
	Choices        []string   `json:"choices,omitempty"`
	ConnectionType string     `json:"connection_type,omitempty"` // component.connectionType
	// SharedConnection is the key of the connection that integrations share where the definition comes from; here each instance has its own.
	SharedConnection string    `json:"shared_connection,omitempty"`
	CodeLanguage     string    `json:"code_language,omitempty"`
	CreateTime       time.Time `json:"create_time"`
	UpdateTime       time.Time `json:"update_time"`
}

// ConfigType is what a value of a config variable must be.
type ConfigType string

// The types of config variables.
const (
	ConfigString     ConfigType = "STRING"
	ConfigText       ConfigType = "TEXT"
	ConfigNumber     ConfigType = "NUMBER"
	ConfigBoolean    ConfigType = "BOOLEAN"
	ConfigPicklist   ConfigType = "PICKLIST"
	ConfigDate       ConfigType = "DATE"
	ConfigTimestamp  ConfigType = "TIMESTAMP"
	ConfigCode       ConfigType = "CODE"
	ConfigSchedule   ConfigType = "SCHEDULE"
	ConfigJSON       ConfigType = "JSON"
	ConfigConnection ConfigType = "CONNECTION"
)

// Collection tells whether something holds one value or many. The zero value means one.
type Collection string

// The collections.
const (
	CollectionList         Collection = "LIST"
	CollectionKeyValueList Collection = "KEY_VALUE_LIST"
)

// ConfigPage is one page of the configuration wizard.
type ConfigPage struct {
	ID       string          `json:"id"`
	Title    string          `json:"title"`
	Tagline  string          `json:"tagline,omitempty"`
	Elements []ConfigElement `json:"elements,omitempty"`
}

// ConfigElement is one thing on a page: a heading, or a config variable by display name or id.
type ConfigElement struct {
	Heading        string `json:"heading,omitempty"`
	ConfigVariable string `json:"config_variable,omitempty"`
}
