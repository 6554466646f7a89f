package builtin

import (
	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
)

func scheduleTriggers() *component.Component {
	return &component.Component{
		ID: "schedule-triggers", DisplayName: "Schedule Triggers", Description: "Start a flow by the clock.",
		Triggers: []component.Trigger{{
			TriggerType: ipaas.TriggerType{
				Key: "schedule", DisplayName: "Schedule",
				Description: "Runs the flow at the times that the trigger's `schedule` says, from the deployment on that brings it, and for every request at its URL. " +
					"Times that pass while the server is down or the instance is paused are made up for once.",
				Output: "What every trigger gives; `scheduledFor` is the time that the run is for.",
			},
			Receive: runs,
		}},
	}
}
