package config

import (
	"testing"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

func TestGivenForElsewhere(t *testing.T) {
	t.Parallel()
	fields := []ipaas.InputField{{Key: "baseUrl"}, {Key: "apiKey", Secret: true}}
	stored := func(baseURL string) ipaas.ConfigValue {
		return ipaas.ConfigValue{Inputs: map[string]ipaas.ConfigValue{
			"baseUrl": {JSON: `"` + baseURL + `"`}, "apiKey": {Sealed: "v1.k.x"},
		}}
	}
	for _, c := range []struct {
		name, was, is string
		sent          bool
		refused       bool
	}{
		{name: "same host", was: "https://erp.example.com", is: "https://ERP.example.com/v2"},
		{name: "another host", was: "https://erp.example.com", is: "https://evil.example.net", refused: true},
		{name: "another port", was: "https://erp.example.com", is: "https://erp.example.com:8443", refused: true},
		{name: "no TLS any more", was: "https://erp.example.com", is: "http://erp.example.com", refused: true},
		{name: "no address any more", was: "https://erp.example.com", is: "", refused: true},
		{name: "another host with the secret sent again", was: "https://erp.example.com", is: "https://other.example.com", sent: true},
		{name: "first address", was: "", is: "https://erp.example.com"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			entered := value.Obj(value.Field{Key: "baseUrl", Value: c.is})
			if c.sent {
				entered.Set("apiKey", "again")
			}
			wrong := givenForElsewhere(fields, stored(c.was), stored(c.is), entered)
			if refused := len(wrong) > 0; refused != c.refused {
				t.Fatalf("violations %v, refused expected: %t", wrong, c.refused)
			}
			if c.refused && (wrong[0].Field != "apiKey" || wrong[0].Reason != ipaas.ReasonRequired) {
				t.Errorf("violation %+v, expected REQUIRED at apiKey", wrong[0])
			}
		})
	}
}
