package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/headrace/headrace/client"
)

// usageError is a mistake of the caller that was found before anything was sent.
type usageError struct {
	message    string
	file       string // that the violations are in, where there are several
	violations []client.Violation
}

func (e *usageError) Error() string { return e.message }

func usage(format string, args ...any) error {
	return &usageError{message: fmt.Sprintf(format, args...)}
}

// flowFailed says that a flow was tested and failed: everything about it has been printed.
type flowFailed struct{ execution string }

func (e *flowFailed) Error() string { return "the flow failed: execution " + e.execution }

// fail prints an error and returns the code to leave with: the message, every violation on a line of its own, then the words for
// machines.
func fail(w io.Writer, paint paint, err error) int {
	fmt.Fprintf(w, "%s %s\n", paint.the("error:", red), clean(message(err)))
	violations := client.Violations(err)
	var wrong *usageError
	if errors.As(err, &wrong) {
		violations = wrong.violations
	}
	var at *located
	if errors.As(err, &at) && len(at.lines) > 0 {
		violations = nil
		for _, line := range at.lines {
			fmt.Fprintf(w, "  %s\n", clean(line))
		}
	}
	if len(violations) == 1 && strings.HasSuffix(message(err), violations[0].Field+": "+violations[0].Description) {
		violations = nil // the message has said it
	}
	for _, v := range violations {
		switch field := clean(v.Field); field {
		case "":
			fmt.Fprintf(w, "  %s\n", clean(v.Description))
		default:
			fmt.Fprintf(w, "  %s %s\n", paint.the(field+":", bold), clean(v.Description))
		}
	}
	if command := setting(err); command != "" {
		fmt.Fprintf(w, "  set them: %s\n", paint.the(clean(command), bold))
	}
	if info := client.ErrorInfo(err); info.GetReason() == "INIT_FLOW_FAILED" && info.GetMetadata()["execution_id"] != "" {
		fmt.Fprintf(w, "  see its steps: %s\n", paint.the(clean("headrace execution get "+info.GetMetadata()["execution_id"]), bold))
	}
	if about := marks(err); about != "" {
		fmt.Fprintf(w, "  %s\n", paint.the(clean(about), dim))
	}
	switch {
	case wrong != nil:
		return exitUsage
	case client.Unreachable(err):
		return exitUnreachable
	}
	return exitRefused
}

// setting is the command that sets the config values without which an instance, or a test instance, cannot run.
func setting(err error) string {
	info := client.ErrorInfo(err)
	if info.GetReason() != "CONFIG_INCOMPLETE" {
		return ""
	}
	command := "headrace instance set " + info.GetMetadata()["instance_id"]
	if integration := info.GetMetadata()["integration_id"]; integration != "" {
		command = "headrace test-instance set " + integration
	}
	var flags []string
	for _, v := range client.Violations(err) {
		field, ok := strings.CutPrefix(v.Field, "configValues.")
		if !ok {
			continue
		}
		flag := " --set " + field + "=…"
		if whole := field[:max(0, strings.IndexAny(field, ".["))]; whole != "" {
			flag = " --set-json " + whole + "=…"
			if input, _ := strings.CutPrefix(field, whole+"."); v.Reason == "REQUIRED" && input != "" {
				flag = " --set-connection " + field + "=…" // of all else no field below is required
			}
		}
		if !slices.Contains(flags, flag) {
			flags = append(flags, flag)
		}
	}
	if len(flags) == 0 {
		return ""
	}
	return command + strings.Join(flags, "")
}

// message is what an error says, without what gRPC puts in front, but with what was said around it here.
func message(err error) string {
	said := client.Message(err)
	if status.Code(err) == codes.DeadlineExceeded && client.ErrorInfo(err) == nil {
		said = "no answer came in time: allow more with --timeout; whether a change took effect can be read"
	}
	var at *located
	if errors.As(err, &at) {
		if len(at.lines) > 0 {
			said = plural(len(at.lines), "mistake") + " in the definition"
		}
		said = at.where + ": " + said
	}
	var away *unreachable
	if errors.As(err, &away) {
		return away.why()
	}
	return said
}

// unreachable is what a call says when nobody took it.
type unreachable struct {
	server string
	err    error
}

// why says what keeps a call from the server. What gRPC met on its way it tells in words only: where they change, the general ones come.
func (e *unreachable) why() string {
	met := client.Message(e.err)
	switch {
	case strings.Contains(met, "looked like an HTTP/1.1 header"), strings.Contains(met, "no application protocol"):
		return fmt.Sprintf("what answers at %s speaks HTTP and no gRPC: give --server the gRPC address, by default 127.0.0.1:9090", e.server)
	case strings.Contains(met, "does not look like a TLS handshake"):
		return fmt.Sprintf("the server at %s speaks no TLS: leave --tls and --ca out", e.server)
	case strings.Contains(met, "x509:"):
		return fmt.Sprintf("the certificate of the server at %s is not trusted: name the file of its authority with --ca", e.server)
	case strings.Contains(met, "error reading server preface"):
		return fmt.Sprintf("what answers at %s speaks no plain gRPC: is --server right, or does it want --tls?", e.server)
	}
	return fmt.Sprintf("no server answered at %s: is it running, and is --server right?", e.server)
}

func (e *unreachable) Error() string { return e.server + ": " + e.err.Error() }
func (e *unreachable) Unwrap() error { return e.err }

// located is an error with the file it is about, and perhaps what is wrong in which line of it.
type located struct {
	where string
	err   error
	lines []string
}

func (e *located) Error() string { return e.where + ": " + e.err.Error() }
func (e *located) Unwrap() error { return e.err }

// marks are what a person passes on when asking for help: reason, metadata, request id.
func marks(err error) string {
	var out []string
	if client.Unreachable(err) {
		out = append(out, client.Message(err))
	}
	info := client.ErrorInfo(err)
	if reason := info.GetReason(); reason != "" {
		out = append(out, reason)
	}
	for _, key := range slices.Sorted(maps.Keys(info.GetMetadata())) {
		if text := info.GetMetadata()[key]; key != "request_id" && text != "" {
			out = append(out, key+" "+text)
		}
	}
	if id := client.RequestIDOf(err); id != "" {
		out = append(out, "request "+id)
	}
	return strings.Join(out, " · ")
}
