package builtin

import (
	"context"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
)

func managementTriggers() *component.Component {
	return &component.Component{
		ID: "management-triggers", DisplayName: "Management Triggers",
		Description: "Start a flow when something happens to its instance.",
		Triggers: []component.Trigger{
			{
				TriggerType: ipaas.TriggerType{
					Key: "instanceDeploy", DisplayName: "Instance Deploy",
					Description: "Runs the flow inside every deployment of its instance, before the deployment counts. The trigger's results hold the webhook URLs " +
						"of all flows of the instance under `webhookUrls`, by the flows' display names. If the flow fails, so does the deployment.",
					Output: "`webhookUrls`, the URL of each flow of the instance by the flow's display name; there is no body.",
				},
				Receive: runs,
			},
			{
				TriggerType: ipaas.TriggerType{
					Key: "instanceRemove", DisplayName: "Instance Remove",
					Description: "Runs the flow when its instance is undeployed or deleted. Whether it fails or not, the instance goes.",
					Output:      "`webhookUrls`, the URL of each flow of the instance by the flow's display name; there is no body.",
				},
				Receive: runs,
			},
		},
	}
}

// runs lets every request at the flow's URL run the flow, as it is.
func runs(context.Context, component.Request) (component.Reception, error) {
	return component.Reception{}, nil
}
