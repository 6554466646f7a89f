package trigger

import (
	"bytes"
	"errors"
	"testing"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

func FuzzParseBody(f *testing.F) {
	for _, seed := range []struct{ contentType, body string }{
		{"application/json", `{"a":[1,2.50,null]}`},
		{"application/x-www-form-urlencoded", "a=1&a=2&b=%20"},
		{"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x--"},
		{"text/plain", "text"},
		{"image/png", "\x89PNG"},
		{"", "\xff"},
		{"; =", ""},
	} {
		f.Add(seed.contentType, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		payload := ipaas.Payload{ContentType: contentType, Body: body}
		raw, parsed, err := ParseBody(payload)
		if err != nil {
			var e *ipaas.Error
			if !errors.As(err, &e) || e.Reason != ipaas.ReasonMalformedPayload {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		data, _ := raw.Get("data")
		switch data := data.(type) {
		case nil:
			if len(body) != 0 {
				t.Error("the raw body is lost")
			}
		case string:
			if data != string(body) {
				t.Error("the raw body is another")
			}
		case value.Bytes:
			if !bytes.Equal(data.Data, body) {
				t.Error("the raw body is another")
			}
		default:
			t.Errorf("the raw body is %T", data)
		}
		// What a flow sees is stored: it has to stand it, and must not be a multiple of what came in.
		stored := value.Encode(parsed)
		if back, err := value.Decode(stored); err != nil || !value.Equal(back, parsed) {
			t.Errorf("what was parsed is stored as something else: %v", err)
		}
		if most := 200 + 64*len(body) + 4*len(contentType)*(1+len(body)/8); len(stored) > most {
			t.Errorf("%d bytes of %q became %d", len(body), contentType, len(stored))
		}
	})
}
