package api

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/headrace/headrace/internal/control"
	"github.com/headrace/headrace/internal/ipaas"
)

// mutating is a request that changes something.
type mutating interface {
	proto.Message
	GetRequestId() string
	GetValidateOnly() bool
}

// mutation says what goes with every change: who, what, once only, and from which revision on.
func mutation(req mutating, base int64) control.Mutation {
	m := control.Mutation{
		Method:       strings.TrimSuffix(string(req.ProtoReflect().Descriptor().Name()), "Request"),
		RequestID:    req.GetRequestId(),
		ValidateOnly: req.GetValidateOnly(),
		Base:         base,
	}
	if m.RequestID != "" {
		m.RequestHash = requestHash(req)
	}
	return m
}

// requestHash is the SHA-256 of all of a request but its request_id, in hex.
func requestHash(req proto.Message) string {
	clone := proto.Clone(req)
	message := clone.ProtoReflect()
	if field := message.Descriptor().Fields().ByName("request_id"); field != nil {
		message.Clear(field)
	}
	// A message that came in over the wire marshals again: it is within the limits and its texts are UTF-8.
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(clone)
	if err != nil {
		panic("api: a request does not marshal: " + err.Error())
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// sameID checks that a body names the resource its path names, or none.
func sameID(pathID, bodyID string) error {
	if bodyID == "" || bodyID == pathID {
		return nil
	}
	return invalid(violation("id", ipaas.ReasonImmutable,
		"is %q but the path names %q: ids never change; leave it out of the body or send the same", bodyID, pathID))
}

func isNotFound(err error) bool { return errors.Is(err, ipaas.NotFound) }
