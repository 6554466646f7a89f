package prismatic_test

import (
	"testing"
	"time"

	"github.com/headrace/headrace/internal/ipaas"
)

// TestReadFlows reads flows and their triggers.
func TestReadFlows(t *testing.T) {
	t.Parallel()
	reads(t, []readCase{
		// Flows.
		{
			"a flow with everything",
			flow(`description: D
stableKey: k
isSynchronous: "false"
endpointSecurityType: customer_required
retryConfig: {maxAttempts: "3", delayMinutes: 5, usesExponentialBackoff: true, uniqueRequestIdField: {type: reference, value: hook.results.body.data.id}}
queueConfig: {usesFifoQueue: true, concurrencyLimit: 4, dedupeIdField: body.data.id}
`, ""),
			firstFlow,
			ipaas.Flow{
				DisplayName: "F", Description: "D", StableKey: "k", Trigger: hook, Security: ipaas.SecurityCustomerRequired, Concurrency: 4,
				Retry: &ipaas.Retry{
					MaxAttempts: 3, Delay: 5 * time.Minute, Multiplier: 2, RequestKey: reference("hook.results.body.data.id"),
				},
				Ordering: &ipaas.Ordering{Scope: ipaas.OrderByFlow}, DeduplicationKey: reference("trigger.results.body.data.id"),
			},
			[]string{"ASSUMED flows[0].queueConfig.dedupeIdField"},
		},
		{
			"a synchronous flow neither tries again nor keeps an order",
			flow("isSynchronous: true\nretryConfig: {maxAttempts: 3, delayMinutes: 5}\nqueueConfig: {usesFifoQueue: true, singletonExecutions: true}\n", ""),
			firstFlow,
			ipaas.Flow{DisplayName: "F", Trigger: hook, Synchronous: true},
			[]string{"DROPPED flows[0].retryConfig", "DROPPED flows[0].queueConfig.singletonExecutions", "DROPPED flows[0].queueConfig.usesFifoQueue"},
		},
		{
			"what has no place",
			flow(`organizationApiKeys: [hush]
isAgentFlow: true
schemas: {invoke: {type: object}}
supplementalComponents: [{component: {key: x}}]
triggerResolver: {enabled: true, batchSize: 3}
testPayload: "{}"
colour: red
empty: ""
`, ""),
			firstFlow,
			ipaas.Flow{DisplayName: "F", Trigger: hook},
			[]string{
				"DROPPED flows[0].organizationApiKeys", "DROPPED flows[0].isAgentFlow", "DROPPED flows[0].schemas", "DROPPED flows[0].supplementalComponents",
				"DROPPED flows[0].triggerResolver", "DROPPED flows[0].testPayload", "DROPPED flows[0].colour",
			},
		},
		{
			"a retry without attempts, and none without words", flow("retryConfig: {maxAttempts: 0, delayMinutes: 5}\nqueueConfig: {}\n", ""),
			firstFlow,
			ipaas.Flow{DisplayName: "F", Trigger: hook},
			nil,
		},
		// Triggers.
		{
			"a schedule", "name: A\nflows:\n  - name: F\n    steps:\n      - {name: T, isTrigger: true, action: {key: schedule, component: {key: schedule-triggers}}, " +
				"schedule: {type: value, value: '00 00 * * 0', meta: {scheduleType: week, timeZone: Europe/Berlin}}}\n    queueConfig: {singletonExecutions: true}\n",
			firstFlow,
			ipaas.Flow{DisplayName: "F", Trigger: ipaas.Trigger{
				DisplayName: "T", Type: ipaas.TriggerSchedule, Schedule: &ipaas.Schedule{Cron: "00 00 * * 0", TimeZone: "Europe/Berlin", Singleton: true},
			}},
			[]string{"DROPPED flows[0].steps[0].schedule.meta.scheduleType"},
		},
		{
			"a trigger that is not marked", "name: A\ndefinitionVersion: 7\nflows: [{name: F, steps: [{name: T, action: {key: instanceDeploy, component: {key: management-triggers}}}]}]\n",
			firstFlow,
			ipaas.Flow{DisplayName: "F", Trigger: ipaas.Trigger{DisplayName: "T", Type: ipaas.TriggerInstanceDeploy}},
			[]string{"ASSUMED flows[0].steps[0]"},
		},
		{
			"an empty schedule", "name: A\nflows:\n  - name: F\n    steps:\n      - {name: T, isTrigger: true, action: {key: schedule, component: {key: schedule-triggers}}, " +
				"schedule: {type: value, value: '', meta: {scheduleType: none}}}\n",
			firstFlow,
			ipaas.Flow{DisplayName: "F", Trigger: ipaas.Trigger{DisplayName: "T", Type: ipaas.TriggerSchedule}},
			[]string{"ASSUMED flows[0].steps[0]"},
		},
		{
			"a polling trigger", "name: A\nflows:\n  - name: F\n    queueConfig: {singletonExecutions: true}\n    steps:\n      - {name: T, isTrigger: true, action: {key: poll, component: {key: salesforce}}, " +
				"schedule: {type: value, value: '*/5 * * * *'}}\n",
			firstFlow,
			ipaas.Flow{DisplayName: "F", Trigger: ipaas.Trigger{DisplayName: "T", Type: "salesforce.poll", Schedule: &ipaas.Schedule{Cron: "*/5 * * * *", Singleton: true}}},
			[]string{"CHANGED flows[0].steps[0].schedule"},
		},
		{
			"a webhook with a schedule", "name: A\nflows:\n  - name: F\n    steps:\n      - {name: T, isTrigger: true, action: {key: webhook, component: {key: webhook-triggers}}, " +
				"schedule: {type: value, value: '*/5 * * * *'}}\n",
			firstFlow,
			ipaas.Flow{DisplayName: "F", Trigger: ipaas.Trigger{DisplayName: "T", Type: ipaas.TriggerWebhook}},
			[]string{"DROPPED flows[0].steps[0].schedule"},
		},
		{
			"schedules by other words", "name: A\nflows:\n  - {name: F, steps: [{name: T, isTrigger: true, action: {key: schedule, component: {key: schedule-triggers}}, schedule: {value: '@every 15m'}}]}\n" +
				"  - {name: G, steps: [{name: T, isTrigger: true, action: {key: schedule, component: {key: schedule-triggers}}, schedule: {value: '@daily'}}]}\n",
			func(d *ipaas.Definition) any {
				return []*ipaas.Schedule{d.Flows[0].Trigger.Schedule, d.Flows[1].Trigger.Schedule}
			},
			[]*ipaas.Schedule{{Cron: "*/15 * * * *"}, {Cron: "@daily"}},
			[]string{"CHANGED flows[0].steps[0].schedule.value"},
		},
		{
			"a flow of version 4", "definitionVersion: 4\nname: A\nflows:\n  - name: F\n    trigger: {name: Start, action: {componentKey: Standard Triggers, key: trigger}}\n" +
				"    steps: [{name: S, action: {componentKey: reformat, key: jsonToXml}, credential: Key}]\n",
			firstFlow,
			ipaas.Flow{
				DisplayName: "F", Trigger: ipaas.Trigger{DisplayName: "Start", Type: ipaas.TriggerWebhook},
				Steps: []ipaas.Step{{
					DisplayName: "S", Action: "change-data-format.jsonToXml",
					Inputs: map[string]ipaas.Input{"connection": {Kind: ipaas.InputConfigVariable, Text: "Key"}},
				}},
			},
			[]string{"CHANGED flows[0].trigger.action", "CHANGED flows[0].steps[0].action.componentKey", "CHANGED flows[0].steps[0].credential"},
		},
		{
			"a layout without flows", "name: A\nisSynchronous: true\ntrigger: {name: T, schedule: null}\nsteps: []\nrequiredConfigVars: {a: 1, b: null}\n",
			func(d *ipaas.Definition) any { return []any{d.Flows[0], d.ConfigVariables} },
			[]any{
				ipaas.Flow{DisplayName: "Flow 1", Synchronous: true, Trigger: ipaas.Trigger{DisplayName: "T", Type: ipaas.TriggerWebhook}},
				[]ipaas.ConfigVariable{
					{DisplayName: "a", Type: ipaas.ConfigString, Default: `"1"`}, {DisplayName: "b", Type: ipaas.ConfigString, Required: true},
				},
			},
			[]string{"ASSUMED steps", "ASSUMED trigger"},
		},
	})
}
