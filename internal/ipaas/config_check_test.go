package ipaas_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

func TestConfigVariableCheck(t *testing.T) {
	t.Parallel()
	picklist := ipaas.ConfigVariable{Type: ipaas.ConfigPicklist, Choices: []string{"EU", "US"}}
	of := func(t ipaas.ConfigType) ipaas.ConfigVariable { return ipaas.ConfigVariable{Type: t} }
	numbers := func(c ipaas.Collection) ipaas.ConfigVariable {
		return ipaas.ConfigVariable{Type: ipaas.ConfigNumber, Collection: c}
	}
	tests := []struct {
		name     string
		variable ipaas.ConfigVariable
		json     string
		want     []string // path and reason of each violation
	}{
		{"nothing", of(ipaas.ConfigNumber), `null`, nil},
		{"a line", of(ipaas.ConfigString), `"a line"`, nil},
		{"two lines", of(ipaas.ConfigString), `"a\nb"`, []string{" WRONG_TYPE"}},
		{"a number for a line", of(ipaas.ConfigString), `1`, []string{" WRONG_TYPE"}},
		{"two lines of text", of(ipaas.ConfigText), `"a\nb"`, nil},
		{"an object for a text", of(ipaas.ConfigText), `{}`, []string{" WRONG_TYPE"}},
		{"code", of(ipaas.ConfigCode), `"{\n}"`, nil},
		{"a number", of(ipaas.ConfigNumber), `1.50`, nil},
		{"a number as a text", of(ipaas.ConfigNumber), `" 1e3 "`, nil},
		{"a word for a number", of(ipaas.ConfigNumber), `"one"`, []string{" WRONG_TYPE"}},
		{"no text for a number", of(ipaas.ConfigNumber), `""`, []string{" WRONG_TYPE"}},
		{"a boolean for a number", of(ipaas.ConfigNumber), `true`, []string{" WRONG_TYPE"}},
		{"a boolean", of(ipaas.ConfigBoolean), `false`, nil},
		{"a boolean as a text", of(ipaas.ConfigBoolean), `"True"`, nil},
		{"a word for a boolean", of(ipaas.ConfigBoolean), `"yes"`, []string{" WRONG_TYPE"}},
		{"a number for a boolean", of(ipaas.ConfigBoolean), `1`, []string{" WRONG_TYPE"}},
		{"a choice", picklist, `"EU"`, nil},
		{"no choice", picklist, `"eu"`, []string{" NOT_A_CHOICE"}},
		{"a date", of(ipaas.ConfigDate), `"2026-02-28"`, nil},
		{"a date that is not", of(ipaas.ConfigDate), `"2026-02-29"`, []string{" WRONG_TYPE"}},
		{"a moment", of(ipaas.ConfigTimestamp), `"2026-01-31T08:00:00.25+01:00"`, nil},
		{"a moment without a zone", of(ipaas.ConfigTimestamp), `"2026-01-31T08:00:00"`, []string{" WRONG_TYPE"}},
		{"json", of(ipaas.ConfigJSON), `[{"a":1}]`, nil},
		{"a connection", of(ipaas.ConfigConnection), `{"apiKey":"x"}`, nil},
		{"a text for a connection", of(ipaas.ConfigConnection), `"x"`, []string{" WRONG_TYPE"}},
		{"a list", numbers(ipaas.CollectionList), `[1, "x", null]`, []string{"[1] WRONG_TYPE", "[2] WRONG_TYPE"}},
		{"one for a list", numbers(ipaas.CollectionList), `1`, []string{" WRONG_TYPE"}},
		{"pairs", numbers(ipaas.CollectionKeyValueList), `{"a": 1, "b c": true, "": 1}`, []string{".b c WRONG_TYPE", ". REQUIRED"}},
		{"a list for pairs", numbers(ipaas.CollectionKeyValueList), `[1]`, []string{" WRONG_TYPE"}},
		{"a schedule", of(ipaas.ConfigSchedule), `"*/5 8-17 * * 1-5"`, nil},
		{"a schedule in a zone", of(ipaas.ConfigSchedule), `"CRON_TZ=Europe/Berlin 0 8 * * *"`, nil},
		{"an interval", of(ipaas.ConfigSchedule), `"every 15m"`, nil},
		{"an interval with spaces", of(ipaas.ConfigSchedule), `" every  1h30m "`, nil},
		{"an interval that is too short", of(ipaas.ConfigSchedule), `"every 30s"`, []string{" WRONG_TYPE"}},
		{"an interval that is none", of(ipaas.ConfigSchedule), `"every now and then"`, []string{" WRONG_TYPE"}},
		{"an interval in a zone", of(ipaas.ConfigSchedule), `"CRON_TZ=Europe/Berlin every 15m"`, []string{" WRONG_TYPE"}},
		{"a schedule of six fields", of(ipaas.ConfigSchedule), `"0 0 8 * * *"`, []string{" WRONG_TYPE"}},
		{"a schedule by name", of(ipaas.ConfigSchedule), `"@daily"`, nil},
		{"a schedule by no name", of(ipaas.ConfigSchedule), `"@often"`, []string{" WRONG_TYPE"}},
		{"a schedule out of range", of(ipaas.ConfigSchedule), `"60 * * * *"`, []string{" WRONG_TYPE"}},
		{"a schedule that never comes", of(ipaas.ConfigSchedule), `"0 0 30 2 *"`, []string{" WRONG_TYPE"}},
		{"a zone without a schedule", of(ipaas.ConfigSchedule), `"CRON_TZ=Europe/Berlin"`, []string{" WRONG_TYPE"}},
		{"the other prefix", of(ipaas.ConfigSchedule), `"TZ=UTC * * * *"`, []string{" WRONG_TYPE"}},
		{"an unknown zone", of(ipaas.ConfigSchedule), `"CRON_TZ=Mars/Olympus 0 8 * * *"`, []string{" WRONG_TYPE"}},
		{"the server's own zone", of(ipaas.ConfigSchedule), `"CRON_TZ=Local 0 8 * * *"`, []string{" WRONG_TYPE"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			val, err := value.Parse([]byte(tt.json))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, v := range tt.variable.Check(val) {
				got = append(got, v.Field+" "+string(v.Reason))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

func TestConfigVariableCheckSaysWhatToGive(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		variable ipaas.ConfigVariable
		value    any
		want     string
	}{
		{
			"open",
			ipaas.ConfigVariable{DisplayName: "Since", Type: ipaas.ConfigDate},
			"yesterday",
			`config variable "Since" is the text "yesterday": give a date such as 2026-01-31`,
		},
		{
			"secret",
			ipaas.ConfigVariable{DisplayName: "Since", Type: ipaas.ConfigDate, Secret: true},
			"yesterday",
			`config variable "Since" is a text: give a date such as 2026-01-31`,
		},
		{
			"secret schedule",
			ipaas.ConfigVariable{DisplayName: "When", Type: ipaas.ConfigSchedule, Secret: true},
			"hush * * * *",
			`config variable "When" is no schedule: give a cron expression of five fields, e.g. 0 8 * * 1-5, or an interval, e.g. every 15m`,
		},
		{
			"item",
			ipaas.ConfigVariable{DisplayName: "N", Type: ipaas.ConfigNumber, Collection: ipaas.CollectionList},
			[]any{"x"},
			`[0] of config variable "N" is the text "x": give a number`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			found := tt.variable.Check(tt.value)
			if len(found) != 1 || found[0].Description != tt.want {
				t.Errorf("Check = %v, want %q", found, tt.want)
			}
		})
	}
}

func TestConfigVariableDefaultValue(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want any
		ok   bool
	}{{"", nil, false}, {"1.50", value.Number("1.50"), true}, {"null", nil, true}, {"{", nil, false}}
	for _, tt := range tests {
		v := ipaas.ConfigVariable{Default: tt.text}
		if got, ok := v.DefaultValue(); !cmp.Equal(got, tt.want) || ok != tt.ok {
			t.Errorf("default %q = %v, %t, want %v, %t", tt.text, got, ok, tt.want, tt.ok)
		}
	}
}
