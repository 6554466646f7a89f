package main

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	headracev1 "github.com/headrace/headrace/proto/gen/headrace/v1"
)

func TestUpgradeIsFollowedToItsEnd(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	results := []*headracev1.UpgradeResult{
		{
			InstanceId: "smith", State: headracev1.UpgradeResult_STATE_SUCCEEDED, Canary: true,
			StartTime: timestamppb.New(begin), EndTime: timestamppb.New(begin.Add(1500 * time.Millisecond)),
		},
		{
			InstanceId: "jones", State: headracev1.UpgradeResult_STATE_FAILED, Reason: "INIT_FLOW_FAILED", Message: "no way",
			StartTime: timestamppb.New(begin), EndTime: timestamppb.New(begin.Add(2 * time.Second)),
		},
	}
	for _, tt := range []struct {
		state headracev1.Upgrade_State
		code  int
		says  string
	}{
		{headracev1.Upgrade_STATE_SUCCEEDED, exitOK, ""},
		{headracev1.Upgrade_STATE_STOPPED, exitRefused, "headrace upgrade resume upg-1"},
		{headracev1.Upgrade_STATE_CANCELED, exitRefused, "was canceled"},
	} {
		t.Run(tt.state.String(), func(t *testing.T) {
			t.Parallel()
			u := &headracev1.Upgrade{Id: "upg-1", IntegrationId: "acme", Version: 2, State: tt.state, Total: 2, Succeeded: 1, Failed: 1}
			p := &peer{answers: map[string]any{
				"CreateUpgrade":      &headracev1.CreateUpgradeResponse{Upgrade: u},
				"GetUpgrade":         &headracev1.GetUpgradeResponse{Upgrade: u},
				"ListUpgradeResults": &headracev1.ListUpgradeResultsResponse{UpgradeResults: results},
			}}
			code, stdout, stderr := headrace(t, p, "", "upgrade", "start", "acme")
			if code != tt.code || !strings.Contains(stderr, tt.says) {
				t.Errorf("code %d, said %q", code, stderr)
			}
			for _, line := range []string{
				"upgrade upg-1 moves 2 instances of acme to version 2\n", "  1/2  SUCCEEDED  smith  1.5 s  canary\n", "  2/2  FAILED     jones  2.0 s\n",
				"      INIT_FLOW_FAILED no way\n", ": 1 succeeded, 1 failed, 0 skipped, 0 remaining\n",
			} {
				if !strings.Contains(stdout, line) {
					t.Errorf("printed\n%s\nwithout %q", stdout, line)
				}
			}
		})
	}
}

func TestDebtThatStaysIsAFailure(t *testing.T) {
	t.Parallel()
	p := &peer{answers: map[string]any{"RetryCleanupDebt": &headracev1.RetryCleanupDebtResponse{
		CleanupDebt: &headracev1.CleanupDebt{Id: "reg-1", Error: "503", State: headracev1.CleanupDebt_STATE_OWED},
	}}}
	code, stdout, stderr := headrace(t, p, "", "cleanup-debt", "retry", "reg-1")
	if code != exitRefused || !strings.Contains(stdout, "503") || !strings.Contains(stderr, "still there") {
		t.Errorf("code %d, printed %q and %q", code, stdout, stderr)
	}
}
