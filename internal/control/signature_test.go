package control_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
)

// TestOnlySignedEventsAreRecorded sends to a flow whose trigger checks signatures with a key that is a secret config variable.
func TestOnlySignedEventsAreRecorded(t *testing.T) {
	t.Parallel()
	const key = "canary-signing-key-31d0"
	w := newWorld(t)
	flow := hookFlow("Signed", note("Note", ref("trigger.results.body.data.n")))
	flow.Trigger.Type = "hash.hmacWebhookTrigger"
	flow.Trigger.Inputs = inputs{"hmacHeaderName": lit("X-Signature"), "prefix": lit("sha256="), "secretKey": cfg("Signing Key")}
	urls := w.deployed("signed", ipaas.Definition{
		DisplayName: "Signed", ConfigVariables: []ipaas.ConfigVariable{{DisplayName: "Signing Key", Secret: true}}, Flows: []ipaas.Flow{flow},
	}, map[string]string{"Signing Key": `"` + key + `"`})
	send := func(body, signature string) (control.Reply, error) {
		payload := jsonPayload(body)
		payload.Headers = append(payload.Headers, ipaas.NamedText{Name: "x-signature", Text: signature})
		return w.ReceiveWebhook(t.Context(), tokenOf(urls["Signed"]), payload, control.Preferences{})
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(`{"n": 1.0}`))
	signature := "sha256=" + hex.EncodeToString(mac.Sum(nil))

	for body, wrong := range map[string]string{`{"n":1.0}`: signature, `{"n": 1.0}`: signature[7:], `{"n": 2.0}`: ""} {
		_, err := send(body, wrong)
		var refuse *component.Refuse
		if !errors.As(err, &refuse) || refuse.Status != http.StatusUnauthorized {
			t.Errorf("%s with %q: %v, want a refusal with 401", body, wrong, err)
		}
	}
	var refuse *component.Refuse
	if _, err := w.receive(urls["Signed"], `{"n": 1.0}`); !errors.As(err, &refuse) || refuse.Status != http.StatusUnauthorized {
		t.Errorf("without a signature: %v", err)
	}
	if got := w.executions("flow_id", "signed"); len(got) != 0 {
		t.Errorf("%d executions of requests that were refused", len(got))
	}
	w.succeeded(must[control.Reply](t)(send(`{"n": 1.0}`, signature)).ExecutionID)
	if diff := cmp.Diff([]string{"1.0"}, w.probe.notes()); diff != "" {
		t.Errorf("ran (-want +got):\n%s", diff)
	}
	if leaks := w.leaks(map[string]string{"signing key": key}); len(leaks) > 0 {
		t.Errorf("the key is found in %v", leaks)
	}
}
