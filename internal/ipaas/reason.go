package ipaas

// Reason names a kind of error for machines. The list is closed; docs/errors.md has cause and cure of each.
type Reason string

// The reasons of errors.
const (
	ReasonNotFound               Reason = "NOT_FOUND"
	ReasonAlreadyExists          Reason = "ALREADY_EXISTS"
	ReasonInvalidArgument        Reason = "INVALID_ARGUMENT"
	ReasonStaleEtag              Reason = "STALE_ETAG"
	ReasonRequestIDReused        Reason = "REQUEST_ID_REUSED"
	ReasonDraftHasProblems       Reason = "DRAFT_HAS_PROBLEMS"
	ReasonNotPublished           Reason = "NOT_PUBLISHED"
	ReasonInUse                  Reason = "IN_USE"
	ReasonReadOnly               Reason = "READ_ONLY"
	ReasonLastFlow               Reason = "LAST_FLOW"
	ReasonConfigIncomplete       Reason = "CONFIG_INCOMPLETE"
	ReasonDeploymentRunning      Reason = "DEPLOYMENT_RUNNING"
	ReasonInitFlowFailed         Reason = "INIT_FLOW_FAILED"
	ReasonDeployTimeout          Reason = "DEPLOY_TIMEOUT"
	ReasonDeployInterrupted      Reason = "DEPLOY_INTERRUPTED"
	ReasonDeployCanceled         Reason = "DEPLOY_CANCELED"
	ReasonTestInstance           Reason = "TEST_INSTANCE"
	ReasonInstanceDeleting       Reason = "INSTANCE_DELETING"
	ReasonInstancePaused         Reason = "INSTANCE_PAUSED"
	ReasonInstanceRemoved        Reason = "INSTANCE_REMOVED"
	ReasonTooManyHeld            Reason = "TOO_MANY_HELD"
	ReasonTooManyQueued          Reason = "TOO_MANY_QUEUED"
	ReasonTooManyRunning         Reason = "TOO_MANY_RUNNING"
	ReasonDeduplicationKeyReused Reason = "DEDUPLICATION_KEY_REUSED"
	ReasonExecutionEnded         Reason = "EXECUTION_ENDED"
	ReasonExecutionRunning       Reason = "EXECUTION_RUNNING"
	ReasonNotReplayable          Reason = "NOT_REPLAYABLE"
	ReasonPartOfDeployment       Reason = "PART_OF_DEPLOYMENT"
	ReasonPayloadExpired         Reason = "PAYLOAD_EXPIRED"
	ReasonShuttingDown           Reason = "SHUTTING_DOWN"
	ReasonStorageBusy            Reason = "STORAGE_BUSY"
	ReasonStorageFull            Reason = "STORAGE_FULL"
	ReasonStorageFailed          Reason = "STORAGE_FAILED"
	ReasonMemoryBusy             Reason = "MEMORY_BUSY"
	ReasonPayloadTooLarge        Reason = "PAYLOAD_TOO_LARGE"
	ReasonMalformedPayload       Reason = "MALFORMED_PAYLOAD"
	ReasonNothingToRollBack      Reason = "NOTHING_TO_ROLL_BACK"
	ReasonUpgradeRunning         Reason = "UPGRADE_RUNNING"
	ReasonStateFull              Reason = "STATE_FULL"
	ReasonAPIKeyRequired         Reason = "API_KEY_REQUIRED"
	ReasonTooManyKeys            Reason = "TOO_MANY_KEYS"
	ReasonNotRouted              Reason = "NOT_ROUTED"
	ReasonUnsupportedMediaType   Reason = "UNSUPPORTED_MEDIA_TYPE"
	ReasonInternal               Reason = "INTERNAL"
)

// Why an upgrade passes over an instance, beside some of the above.
const (
	ReasonUpToDate    Reason = "UP_TO_DATE"
	ReasonNotDeployed Reason = "NOT_DEPLOYED"
)

// The reasons of violations and problems.
const (
	ReasonRequired              Reason = "REQUIRED"
	ReasonMalformed             Reason = "MALFORMED"
	ReasonDuplicate             Reason = "DUPLICATE"
	ReasonImmutable             Reason = "IMMUTABLE"
	ReasonWrongType             Reason = "WRONG_TYPE"
	ReasonNotAChoice            Reason = "NOT_A_CHOICE"
	ReasonUnknownField          Reason = "UNKNOWN_FIELD"
	ReasonUnknownComponent      Reason = "UNKNOWN_COMPONENT"
	ReasonUnknownAction         Reason = "UNKNOWN_ACTION"
	ReasonUnknownTrigger        Reason = "UNKNOWN_TRIGGER"
	ReasonUnknownInput          Reason = "UNKNOWN_INPUT"
	ReasonUnknownConfigVariable Reason = "UNKNOWN_CONFIG_VARIABLE"
	ReasonUnknownConnectionType Reason = "UNKNOWN_CONNECTION_TYPE"
	ReasonUnknownFlow           Reason = "UNKNOWN_FLOW"
	ReasonUnknownStep           Reason = "UNKNOWN_STEP"
	ReasonLaterStep             Reason = "LATER_STEP"
	ReasonMisplaced             Reason = "MISPLACED"
	ReasonTooDeep               Reason = "TOO_DEEP"
	ReasonTooLarge              Reason = "TOO_LARGE"
)
