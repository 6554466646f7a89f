package ipaas

// Loss is something that an import takes away from instances. They keep it until they are moved to a version with the new draft.
type Loss struct {
	Kind        LossKind
	ID          string // of the flow or the config variable
	DisplayName string
	Instances   int // that have it
	Description string
}

// LossKind is what is lost.
type LossKind string

// The kinds of losses.
const (
	LossFlow           LossKind = "FLOW"                    // it is gone, and its URLs with it
	LossConfigVariable LossKind = "CONFIG_VARIABLE"         // it is gone, and the values that instances hold
	LossConfigType     LossKind = "CONFIG_VARIABLE_CHANGED" // the values that instances hold may not fit
	LossSetting        LossKind = "SETTING"                 // something that the new definition does not say
)
