package story

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	"google.golang.org/genproto/googleapis/rpc/errdetails" // the details of errors must be linked in to be read
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

var _ *errdetails.ErrorInfo

// rest speaks the REST API. An error it is answered is the same gRPC status that the SDK would have returned.
type rest struct {
	base string
	http *http.Client
}

// do sends a request with a message, or JSON text, or nil as its body, and reads the answer into a message, if there is one.
func (r *rest) do(ctx context.Context, method, path string, body any, answer proto.Message) error {
	var text []byte
	switch b := body.(type) {
	case nil:
	case []byte:
		text = b
	case proto.Message:
		var err error
		if text, err = protojson.Marshal(b); err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
	default:
		panic(fmt.Sprintf("story: a body is a message or JSON text, not %T", body))
	}
	got, err := r.send(ctx, method, path, text)
	if err != nil {
		return err
	}
	if err := protojson.Unmarshal(got, answer); err != nil {
		return fmt.Errorf("%s %s was answered what is no %s: %w", method, path, answer.ProtoReflect().Descriptor().Name(), err)
	}
	return nil
}

// text returns what is to be read at a path, as it came.
func (r *rest) text(ctx context.Context, path string) (string, error) {
	got, err := r.send(ctx, http.MethodGet, path, nil)
	return string(got), err
}

func (r *rest) send(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, r.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	code, got, err := roundTrip(r.http, req)
	if err != nil {
		return nil, err
	}
	if code == http.StatusOK {
		return got, nil
	}
	var refusal rpcstatus.Status
	if err := protojson.Unmarshal(got, &refusal); err != nil {
		return nil, fmt.Errorf("%s %s was answered %d with what is no google.rpc.Status: %.300s", method, path, code, got)
	}
	return nil, fmt.Errorf("%s %s: %w", method, path, status.ErrorProto(&refusal))
}

// roundTrip sends a request and reads the whole answer.
func roundTrip(c *http.Client, req *http.Request) (code int, body []byte, err error) {
	res, err := c.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	if body, err = io.ReadAll(res.Body); err != nil {
		return 0, nil, fmt.Errorf("%s %s: read the answer: %w", req.Method, req.URL.Redacted(), err)
	}
	return res.StatusCode, body, nil
}
