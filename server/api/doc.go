// Package api is the face that programs talk to: the gRPC services, and the same services as REST through the gateway. It decodes
// what was asked, calls the plane or reads from the store, and encodes the answer.
// It must not decide anything: rules live in control, and only the convert files know both the wire and the nouns.
package api
