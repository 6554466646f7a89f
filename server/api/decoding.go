package api

import (
	"errors"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// decoding collects everything that is wrong with a request while it is turned into nouns.
type decoding struct {
	violations []ipaas.Violation
	other      error // what is no violation stops everything
}

// add takes over the violations of an error.
func (d *decoding) add(err error) {
	if err == nil {
		return
	}
	var ours *ipaas.Error
	if errors.As(err, &ours) && ours.Kind == ipaas.Invalid {
		d.violations = append(d.violations, ours.Violations...)
		return
	}
	if d.other == nil {
		d.other = err
	}
}

// refuse adds a violation.
func (d *decoding) refuse(path string, reason ipaas.Reason, format string, args ...any) {
	if len(d.violations) < maxCollected {
		d.violations = append(d.violations, violation(path, reason, format, args...))
	}
}

// maxCollected is where collecting stops: nobody mends more at a time.
const maxCollected = 1000

// err returns what was collected as one error.
func (d *decoding) err() error {
	if d.other != nil {
		return d.other
	}
	if len(d.violations) == 0 {
		return nil
	}
	return invalid(d.violations...)
}

// jsonOf returns a protobuf value as JSON text, "" for nil.
func (d *decoding) jsonOf(path string, v *structpb.Value) string {
	if v == nil {
		return ""
	}
	exact, err := valueFromProto(v, 0)
	if err != nil {
		d.refuse(path, err.reason, "%s", err.message)
		return ""
	}
	return string(value.JSON(exact))
}

// The most bytes of a value, however it is sent: as the rules in the protos say of the fields that hold JSON as a text.
const (
	maxConfigJSON = 256 << 10
	maxInputJSON  = 1 << 20
)

// boundedJSON is jsonOf for a value of at most so many bytes.
func (d *decoding) boundedJSON(path string, v *structpb.Value, most int) string {
	text := d.jsonOf(path, v)
	if len(text) > most {
		d.refuse(path, ipaas.ReasonTooLarge, "has %d bytes as JSON: keep it at most %d", len(text), most)
	}
	return text
}

// jsonText checks that a text is JSON and returns it as it is, "" for "".
func (d *decoding) jsonText(path, text string) string {
	if _, err := value.Parse([]byte(text)); err != nil {
		reason := ipaas.ReasonMalformed
		var syntax *value.SyntaxError
		if errors.As(err, &syntax) && syntax.TooDeep {
			reason = ipaas.ReasonTooDeep
		}
		d.refuse(path, reason, "is not JSON: %v", err)
	}
	return text
}
