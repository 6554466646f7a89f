package compat_test

import (
	"strings"
	"testing"

	"github.com/headrace/headrace/client"
	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// TestConnectorsRunByTheClock deploys flows whose triggers are a connector's that looks for changes: the clock starts them as the file says, by
// an expression or by a config variable, and an export says so, too.
func TestConnectorsRunByTheClock(t *testing.T) {
	t.Parallel()
	polls := func(name, schedule string) string {
		return "  - {name: " + name + ", steps: [{name: Poll, isTrigger: true, action: {key: pollChanges, component: {key: crm}}, schedule: " + schedule + "}]}\n"
	}
	d, err := readDocument("clock", "definitionVersion: 7\nname: Clock\nrequiredConfigVars:\n  - {key: When, dataType: schedule, defaultValue: '@daily', timeZone: Asia/Tokyo}\nflows:\n"+
		polls("Fixed", "{type: value, value: '*/5 * * * *', meta: {scheduleType: minute, timeZone: ''}}")+polls("Chosen", "{type: configVar, value: When}"))
	if err != nil {
		t.Fatal(err)
	}
	p := newPlant(t)
	imported, err := p.imports(integrationID, d.text)
	if err != nil {
		t.Fatal(everything(err))
	}
	for _, c := range components(imported.GetIntegration()) {
		if _, err := p.client.ApplyComponent(t.Context(), c); err != nil {
			t.Fatal(everything(err))
		}
	}
	instance := p.subscribe(&d)
	if _, err := p.client.Deploy(t.Context(), instance, client.DeployOptions{}); err != nil {
		t.Fatal(everything(err))
	}
	got, err := p.client.Instances.GetInstance(t.Context(), &headracev1.GetInstanceRequest{InstanceId: instance})
	if err != nil {
		t.Fatal(everything(err))
	}
	for i, want := range []string{"CRON_TZ=UTC */5 * * * *", "CRON_TZ=Asia/Tokyo @daily"} {
		if f := got.GetInstance().GetFlows()[i]; f.GetSchedule() != want || f.GetNextRunTime() == nil {
			t.Errorf("flow %q runs by %q, next %v; want %q", f.GetDisplayName(), f.GetSchedule(), f.GetNextRunTime(), want)
		}
	}
	text, err := p.exports(integrationID, headracev1.DefinitionFormat_DEFINITION_FORMAT_V7)
	if err != nil {
		t.Fatal(everything(err))
	}
	for _, want := range []string{"value: '*/5 * * * *'", "value: When", "timeZone: Asia/Tokyo"} {
		if !strings.Contains(text, want) {
			t.Errorf("the export lacks %q:\n%s", want, text)
		}
	}
}
