// Package prismatic reads and writes integration definitions in the layouts of Prismatic: definition version 7, those before it that
// people still have, and the two from before there were versions. It turns the words of those files into ipaas.Definition and back,
// and says of everything that has no place on the other side what became of it.
// It must not know YAML, the wire or where definitions are kept: it is given values and gives values.
package prismatic

import (
	"fmt"

	"github.com/headrace/headrace/internal/ipaas"
)

// CurrentVersion is the definition version that is written, and the newest that is read.
const CurrentVersion = 7

// Note says what became of something that could not be taken over as it is.
type Note struct {
	Path        string // in the words of what was read: the file for Read, the definition of the API for Write
	Kind        NoteKind
	Description string
}

// NoteKind is what became of a thing.
type NoteKind string

// The kinds of notes.
const (
	Dropped NoteKind = "DROPPED" // it is left out
	Assumed NoteKind = "ASSUMED" // something that does not stand there was taken for granted
	Changed NoteKind = "CHANGED" // it says the same, or nearly the same, in another way
)

// MaxNotes is how many notes are told; the last one says how many more there are.
const MaxNotes = 1000

// notes collects notes.
type notes struct {
	all  []Note
	more int
}

func (n *notes) add(path string, kind NoteKind, format string, args ...any) {
	if len(n.all) >= MaxNotes-1 {
		n.more++
		return
	}
	n.all = append(n.all, Note{Path: path, Kind: kind, Description: fmt.Sprintf(format, args...)})
}

func (n *notes) list() []Note {
	if n.more == 0 {
		return n.all
	}
	return append(n.all, Note{Kind: Dropped, Description: fmt.Sprintf("and %d more notes, which are not listed", n.more)})
}

// The words of the other product for what only has a word.
var (
	configTypes = map[string]ipaas.ConfigType{
		"string": ipaas.ConfigString, "date": ipaas.ConfigDate, "timestamp": ipaas.ConfigTimestamp, "picklist": ipaas.ConfigPicklist,
		"schedule": ipaas.ConfigSchedule, "code": ipaas.ConfigCode, "boolean": ipaas.ConfigBoolean, "number": ipaas.ConfigNumber,
		"jsonForm": ipaas.ConfigJSON, "objectSelection": ipaas.ConfigJSON, "objectFieldMap": ipaas.ConfigJSON,
		"connection": ipaas.ConfigConnection, "credential": ipaas.ConfigConnection,
	}
	securities = map[string]ipaas.FlowSecurity{
		"": "", "unsecured": ipaas.SecurityUnsecured, "customer_optional": ipaas.SecurityCustomerOptional,
		"customer_required": ipaas.SecurityCustomerRequired, "organization": ipaas.SecurityOrganization,
	}
	endpointTypes = map[string]ipaas.EndpointType{
		"": "", "flow_specific": ipaas.EndpointPerFlow, "instance_specific": ipaas.EndpointPerInstance, "shared_instance": ipaas.EndpointShared,
	}
	collections = map[string]ipaas.Collection{
		"": "", "valuelist": ipaas.CollectionList, "keyvaluelist": ipaas.CollectionKeyValueList,
	}
)

// What a flow and a step may ask for at most.
const (
	mostConcurrency  = 15
	mostRetryMinutes = 60
	mostStepTries    = 5
	mostStepSeconds  = 60
)

// renamed are components that had another key once.
var renamed = map[string]string{"reformat": "change-data-format", "customHttp": "http"}
