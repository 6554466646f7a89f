package prismatic_test

import (
	"testing"

	"github.com/headrace/headrace/internal/ipaas"
)

// TestReadConfigVariables reads config variables and connections.
func TestReadConfigVariables(t *testing.T) {
	t.Parallel()
	reads(t, []readCase{
		{
			"a picklist", variable("dataType: picklist\npickList: [a, b, a, '', 3]\ndefaultValue: b\norgOnly: true\ndescription: D\nstableKey: v\n"),
			firstVariable,
			ipaas.ConfigVariable{
				DisplayName: "V", Description: "D", StableKey: "v", Type: ipaas.ConfigPicklist, Choices: []string{"a", "b", "3"}, Default: `"b"`, OrgOnly: true,
			},
			append(noFlow, "DROPPED requiredConfigVars[0].pickList[2]", "DROPPED requiredConfigVars[0].pickList[3]"),
		},
		{
			"a picklist from a data source", variable("dataType: picklist\ndataSource: {key: d, component: {key: x}}\ninputs: {c: {type: value, value: y}}\n"),
			firstVariable,
			ipaas.ConfigVariable{DisplayName: "V", Type: ipaas.ConfigString, Required: true},
			append(noFlow, "CHANGED requiredConfigVars[0].dataType", "DROPPED requiredConfigVars[0].dataSource"),
		},
		{
			"lists", variable("dataType: string\ncollectionType: valuelist\ndefaultValue: '[\"a\",\"b\"]'\n"),
			firstVariable,
			ipaas.ConfigVariable{DisplayName: "V", Type: ipaas.ConfigString, Collection: ipaas.CollectionList, Default: `["a","b"]`},
			noFlow,
		},
		{
			"key/value lists", variable("dataType: string\ncollectionType: keyvaluelist\ndefaultValue: '[{\"key\":\"a\",\"value\":\"1\"},{\"key\":\"a\",\"value\":\"2\"}]'\n"),
			firstVariable,
			ipaas.ConfigVariable{DisplayName: "V", Type: ipaas.ConfigString, Collection: ipaas.CollectionKeyValueList, Default: `{"a":"2"}`},
			append(noFlow, "DROPPED requiredConfigVars[0].defaultValue[1]"),
		},
		{
			"JSON, whatever it is called", variable("dataType: objectFieldMap\ndefaultValue: '{\"a\": 1.0}'\n"),
			firstVariable,
			ipaas.ConfigVariable{DisplayName: "V", Type: ipaas.ConfigJSON, Default: `{"a":1.0}`},
			append(noFlow, "CHANGED requiredConfigVars[0].dataType"),
		},
		{
			"numbers and booleans stay texts", variable("dataType: boolean\ndefaultValue: true\n"),
			firstVariable,
			ipaas.ConfigVariable{DisplayName: "V", Type: ipaas.ConfigBoolean, Default: `"true"`},
			noFlow,
		},
		{
			"a schedule with a time zone", variable("dataType: schedule\ndefaultValue: 0 8 * * *\ntimeZone: Europe/Berlin\nscheduleType: day\n"),
			firstVariable,
			ipaas.ConfigVariable{DisplayName: "V", Type: ipaas.ConfigSchedule, Default: `"CRON_TZ=Europe/Berlin 0 8 * * *"`},
			append(noFlow, "DROPPED requiredConfigVars[0].scheduleType"),
		},
		{
			"a schedule without a default is not required", variable("dataType: schedule\n"),
			firstVariable,
			ipaas.ConfigVariable{DisplayName: "V", Type: ipaas.ConfigSchedule},
			noFlow,
		},
		{
			"what customers do not see", variable("dataType: string\nmeta: {visibleToCustomerDeployer: false, isVisibleToOrgDeployer: false, more: 1}\n"),
			firstVariable,
			ipaas.ConfigVariable{DisplayName: "V", Type: ipaas.ConfigString, Required: true, OrgOnly: true},
			append(noFlow, "CHANGED requiredConfigVars[0].meta.visibleToCustomerDeployer", "DROPPED requiredConfigVars[0].meta.isVisibleToOrgDeployer",
				"DROPPED requiredConfigVars[0].meta.more"),
		},
		{
			"a connection", variable(`dataType: connection
connection: {key: oauth2, component: {key: acme, version: 3, signature: abc}, template: t}
onPremiseConnectionConfig: allowed
collectionType: valuelist
inputs:
  host: {type: value, value: h, meta: {orgOnly: true}}
  port: 80
  none: {type: value, value: ''}
  from: {type: configVar, value: X}
`),
			firstVariable,
			ipaas.ConfigVariable{DisplayName: "V", Type: ipaas.ConfigConnection, ConnectionType: "acme.oauth2", Default: `{"host":"h","port":80}`},
			append(noFlow, "DROPPED requiredConfigVars[0].collectionType", "DROPPED requiredConfigVars[0].connection.component.version",
				"DROPPED requiredConfigVars[0].connection.component.signature", "DROPPED requiredConfigVars[0].connection.template",
				"DROPPED requiredConfigVars[0].onPremiseConnectionConfig", "DROPPED requiredConfigVars[0].inputs.from", "DROPPED requiredConfigVars[0].inputs"),
		},
		{
			"a shared connection is of the component that takes it",
			step("inputs: {c: {type: configVar, value: V}}\n") + "requiredConfigVars: [{key: V, dataType: connection, useScopedConfigVar: 1 my key}]\n",
			firstVariable,
			ipaas.ConfigVariable{DisplayName: "V", Type: ipaas.ConfigConnection, ConnectionType: "log.my-key", SharedConnection: "1 my key", Required: true},
			[]string{"ASSUMED requiredConfigVars[0].useScopedConfigVar"},
		},
		{
			"a bare key and no type", "name: A\nflows: [{name: F, trigger: {name: T}}]\nrequiredConfigVars: [a, {key: b}]\n",
			func(d *ipaas.Definition) any { return d.ConfigVariables },
			[]ipaas.ConfigVariable{{DisplayName: "a", Type: ipaas.ConfigString, Required: true}, {DisplayName: "b", Type: ipaas.ConfigString, Required: true}},
			[]string{"ASSUMED requiredConfigVars[1]", "ASSUMED flows[0].trigger"},
		},
	})
}
