package api

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/headrace/headrace/internal/ipaas"
)

// Domain is the domain of every ErrorInfo.
const Domain = "headrace"

// The reasons that only this face gives. The others are those of ipaas.
const (
	reasonCanceled         ipaas.Reason = "CANCELED"
	reasonDeadlineExceeded ipaas.Reason = "DEADLINE_EXCEEDED"
	reasonUnknownMethod    ipaas.Reason = "UNKNOWN_METHOD"
	reasonMethodNotAllowed ipaas.Reason = "METHOD_NOT_ALLOWED"
	reasonCrossOrigin      ipaas.Reason = "CROSS_ORIGIN"
)

// codeOf is the only table from the kind of an error to a code. The gateway's own table makes HTTP statuses of the codes.
var codeOf = map[ipaas.Kind]codes.Code{
	ipaas.NotFound:        codes.NotFound,
	ipaas.Unauthenticated: codes.Unauthenticated,
	ipaas.Gone:            codes.NotFound,
	ipaas.Invalid:         codes.InvalidArgument,
	ipaas.Exists:          codes.AlreadyExists,
	ipaas.Conflict:        codes.Aborted,
	ipaas.Precondition:    codes.FailedPrecondition,
	ipaas.Exhausted:       codes.ResourceExhausted,
	ipaas.Unavailable:     codes.Unavailable,
}

// maxViolations is how many violations one answer lists: details travel in HTTP/2 trailers, which clients bound.
const maxViolations = 100

// The most bytes of one path or id, and of one sentence, in an answer: both may quote what the caller sent.
const (
	maxField = 1000
	maxText  = 4000
)

// clip makes a text one that protobuf takes, of bounded length.
func clip(text string, most int) string {
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// defaultRetry is the advice for an UNAVAILABLE that does not say when to come back.
const defaultRetry = time.Second

// statusOf turns an error into what the caller is told. fault is what must be logged because the caller is not told: the cause of
// an internal error, or the hidden cause of one of ours.
func statusOf(err error, requestID string) (st *status.Status, fault error) {
	var ours *ipaas.Error
	if errors.As(err, &ours) {
		if code, ok := codeOf[ours.Kind]; ok {
			return describe(code, ours), ours.Err
		}
		return internalError(requestID), err
	}
	if st, ok := status.FromError(err); ok && st.Code() != codes.Unknown {
		// Made by gRPC itself, or by this package: all it may lack is the ErrorInfo.
		return withErrorInfo(st), nil
	}
	switch {
	case errors.Is(err, context.Canceled):
		return describe(codes.Canceled, &ipaas.Error{
			Reason:  reasonCanceled,
			Message: "the caller went away before the answer was ready: whether the call took effect can be read, or asked again with the same request_id",
		}), nil
	case errors.Is(err, context.DeadlineExceeded):
		return describe(codes.DeadlineExceeded, &ipaas.Error{
			Reason:  reasonDeadlineExceeded,
			Message: "the deadline passed before the answer was ready: allow more time, or ask again with the same request_id",
		}), nil
	}
	return internalError(requestID), err
}

func internalError(requestID string) *status.Status {
	return describe(codes.Internal, &ipaas.Error{
		Reason: ipaas.ReasonInternal, Message: "internal error",
		Meta: map[string]string{"request_id": requestID},
	})
}

// describe makes a status that carries everything the error tells.
func describe(code codes.Code, e *ipaas.Error) *status.Status {
	meta := make(map[string]string, len(e.Meta))
	for key, text := range e.Meta {
		meta[key] = clip(text, maxField)
	}
	details := []protoadapt.MessageV1{&errdetails.ErrorInfo{Reason: string(e.Reason), Domain: Domain, Metadata: meta}}
	if len(e.Violations) > 0 {
		details = append(details, badRequest(e.Violations))
		if code == codes.FailedPrecondition {
			details = append(details, preconditionFailure(e.Violations))
		}
	}
	retry := e.RetryAfter
	if retry == 0 && code == codes.Unavailable {
		retry = defaultRetry
	}
	if retry > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(retry)})
	}
	return withDetails(status.New(code, clip(e.Message, maxText)), details...)
}

func badRequest(violations []ipaas.Violation) *errdetails.BadRequest {
	out := &errdetails.BadRequest{}
	for _, v := range firstOf(violations) {
		out.FieldViolations = append(out.FieldViolations, &errdetails.BadRequest_FieldViolation{
			Field: clip(restPath(v.Field), maxField), Reason: string(v.Reason), Description: clip(v.Description, maxText),
		})
	}
	return out
}

func preconditionFailure(violations []ipaas.Violation) *errdetails.PreconditionFailure {
	out := &errdetails.PreconditionFailure{}
	for _, v := range firstOf(violations) {
		out.Violations = append(out.Violations, &errdetails.PreconditionFailure_Violation{
			Type: string(v.Reason), Subject: clip(restPath(v.Field), maxField), Description: clip(v.Description, maxText),
		})
	}
	return out
}

// firstOf returns the violations an answer has room for; the last one says how many are left out.
func firstOf(violations []ipaas.Violation) []ipaas.Violation {
	if len(violations) <= maxViolations {
		return violations
	}
	out := append([]ipaas.Violation(nil), violations[:maxViolations-1]...)
	return append(out, ipaas.Violation{
		Reason:      violations[maxViolations-1].Reason,
		Description: fmt.Sprintf("and %d more: mend these first", len(violations)-len(out)),
	})
}

// withErrorInfo gives a status of foreign make the ErrorInfo that every answer of ours has.
func withErrorInfo(st *status.Status) *status.Status {
	if st.Code() == codes.OK || errorInfo(st) != nil {
		return st
	}
	reason := ipaas.ReasonInvalidArgument
	switch st.Code() {
	case codes.Canceled:
		reason = reasonCanceled
	case codes.DeadlineExceeded:
		reason = reasonDeadlineExceeded
	case codes.Unimplemented:
		reason = reasonUnknownMethod
	case codes.NotFound:
		reason = ipaas.ReasonNotFound
	case codes.ResourceExhausted:
		reason = ipaas.ReasonPayloadTooLarge
	case codes.Unavailable:
		reason = ipaas.ReasonShuttingDown
	case codes.Internal, codes.Unknown, codes.DataLoss:
		reason = ipaas.ReasonInternal
	}
	return withDetails(st, &errdetails.ErrorInfo{Reason: string(reason), Domain: Domain})
}

// errorInfo returns the ErrorInfo of a status, or nil.
func errorInfo(st *status.Status) *errdetails.ErrorInfo {
	for _, detail := range st.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info
		}
	}
	return nil
}

// withDetails adds details. It fails for a status that is OK or a detail that does not marshal only, and neither occurs here.
func withDetails(st *status.Status, details ...protoadapt.MessageV1) *status.Status {
	detailed, err := st.WithDetails(details...)
	if err != nil {
		return st
	}
	return detailed
}

// invalid is the error for a request with violations.
func invalid(violations ...ipaas.Violation) error {
	message := "the request is not valid: see the field violations"
	if len(violations) == 1 {
		message = violations[0].Description
		if field := restPath(violations[0].Field); field != "" {
			message = field + ": " + message
		}
	}
	return ipaas.InvalidArgument(message, violations...)
}

// violation is an ipaas.Violation whose description is formatted.
func violation(field string, reason ipaas.Reason, format string, args ...any) ipaas.Violation {
	return ipaas.Violation{Field: field, Reason: reason, Description: fmt.Sprintf(format, args...)}
}
