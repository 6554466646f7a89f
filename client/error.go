package client

import (
	"errors"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Violation is one thing that is wrong with a request.
type Violation struct {
	// Field is where, as a path in the words of the REST API, e.g. flows[2].steps[0].inputs.url.
	Field string
	// Reason is the kind of mistake, stable, e.g. UNKNOWN_ACTION.
	Reason string
	// Description is the trouble and the way out, for people.
	Description string
}

// Message returns what an error of a call says to people, without the gRPC code in front.
func Message(err error) string {
	if st := statusOf(err); st != nil {
		return st.Message()
	}
	if err == nil {
		return ""
	}
	return err.Error()
}

// ReasonOf returns the reason of an error: a stable word for machines, e.g. INIT_FLOW_FAILED. It is empty for nil and for what
// did not come from a Headrace server.
func ReasonOf(err error) string { return ErrorInfo(err).GetReason() }

// ErrorInfo returns reason and metadata of an error, nil for nil and for what did not come from a Headrace server.
func ErrorInfo(err error) *errdetails.ErrorInfo {
	info := detail[*errdetails.ErrorInfo](err)
	if info.GetDomain() != "headrace" {
		return nil
	}
	return info
}

// Violations returns everything that is wrong with a request, in the server's order.
func Violations(err error) []Violation {
	var out []Violation
	for _, v := range detail[*errdetails.BadRequest](err).GetFieldViolations() {
		out = append(out, Violation{Field: v.GetField(), Reason: v.GetReason(), Description: v.GetDescription()})
	}
	return out
}

// RequestIDOf returns the id under which a failed call stands in the server's log, if the server gave one.
func RequestIDOf(err error) string {
	if id := detail[*errdetails.RequestInfo](err).GetRequestId(); id != "" {
		return id
	}
	return ErrorInfo(err).GetMetadata()["request_id"]
}

// Unreachable reports whether an error means that no Headrace server answered.
func Unreachable(err error) bool {
	st := statusOf(err)
	return st != nil && st.Code() == codes.Unavailable && ErrorInfo(err) == nil
}

// detail returns the first detail of a type, or that type's nil.
func detail[D any](err error) (none D) {
	st := statusOf(err)
	if st == nil {
		return none
	}
	for _, d := range st.Details() {
		if d, ok := d.(D); ok {
			return d
		}
	}
	return none
}

// statusOf returns the status in an error or in what it wraps, nil if there is none.
func statusOf(err error) *status.Status {
	var holder interface{ GRPCStatus() *status.Status }
	if !errors.As(err, &holder) {
		return nil
	}
	return holder.GRPCStatus()
}
