package ipaas_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/headrace/headrace/internal/ipaas"
)

func TestErrorTellsItsKindAndReason(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		err    *ipaas.Error
		kind   ipaas.Kind
		reason ipaas.Reason
		text   string
	}{
		{"absent", ipaas.Absent("flow", "x"), ipaas.NotFound, ipaas.ReasonNotFound, `flow "x" does not exist`},
		{"taken", ipaas.Taken("flow", "x"), ipaas.Exists, ipaas.ReasonAlreadyExists, `flow "x" exists already: choose another id, or update the existing one`},
		{"stale", ipaas.Stale("flow", "x"), ipaas.Conflict, ipaas.ReasonStaleEtag, `flow "x" was changed since you read it: read it again and send its new etag`},
		{
			"invalid", ipaas.InvalidArgument("no", ipaas.Violation{Field: "a", Description: "b"}, ipaas.Violation{Description: "c"}),
			ipaas.Invalid, ipaas.ReasonInvalidArgument, "no: a: b; c",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := fmt.Errorf("outer: %w", tt.err)
			if !errors.Is(err, tt.kind) || errors.Is(err, ipaas.Gone) {
				t.Errorf("kind of %v, want %v", err, tt.kind)
			}
			if got := ipaas.ReasonOf(err); got != tt.reason {
				t.Errorf("reason = %q, want %q", got, tt.reason)
			}
			if tt.err.Error() != tt.text {
				t.Errorf("text = %q, want %q", tt.err.Error(), tt.text)
			}
		})
	}
}

func TestErrorKeepsItsCause(t *testing.T) {
	t.Parallel()
	err := &ipaas.Error{Kind: ipaas.Unavailable, Message: "not now", Err: io.ErrUnexpectedEOF}
	if !errors.Is(err, io.ErrUnexpectedEOF) || err.Error() != "not now" {
		t.Errorf("error = %v: the cause is for logs, not for callers", err)
	}
	if got := ipaas.ReasonOf(io.EOF); got != "" {
		t.Errorf("reason of a foreign error = %q", got)
	}
}
