package expr_test

import (
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"github.com/headrace/headrace/internal/expr"
)

func TestKey(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"Receive GitHub Events Trigger": "receiveGithubEventsTrigger",
		"POST to AcmeERP":               "postToAcmeerp",
		"file's ID":                     "fileSId",
		"  --Get__2nd.page!  ":          "get2ndPage",
		"trigger":                       "trigger",
		"Loop Over Items":               "loopOverItems",
		"ÜBER größe":                    "überGröße",
		"2 Факт ДЛЯ":                    "2ФактДля",
		"顧客 同期":                         "顧客同期",
		"":                              "",
		" .-! ":                         "",
	}
	for name, want := range tests {
		if got := expr.Key(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestKeyIsLettersAndDigitsAndCanBeReferredTo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		key := expr.Key(rapid.String().Draw(t, "name"))
		for _, r := range key {
			if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
				t.Fatalf("%q holds %q", key, r)
			}
		}
		if key == "" {
			return
		}
		n, err := expr.ParseReference(key + ".results")
		if err != nil || n.Key != key {
			t.Fatalf("%q: %+v, %v", key, n, err)
		}
	})
}
