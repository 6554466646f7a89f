package api

import (
	"net/http"
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/headrace/headrace/internal/ipaas"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

// exchangeToProto shows a recorded exchange. Bodies are text where they are, so that they are kept exactly.
func exchangeToProto(e ipaas.Exchange) *pb.Exchange {
	out := &pb.Exchange{
		StepPath: e.StepPath, Error: utf8Text(e.Error), Truncated: e.Truncated,
		Request: &pb.ExchangeRequest{Method: e.Request.Method, Url: utf8Text(e.Request.URL), Headers: headersToProto(e.Request.Headers)},
	}
	switch text, bytes := textOrBytes(e.Request.Body); {
	case e.Request.AnyBody:
	case bytes != nil:
		out.Request.Body = &pb.ExchangeRequest_Binary{Binary: bytes}
	default:
		out.Request.Body = &pb.ExchangeRequest_Text{Text: text}
	}
	r := e.Response
	if r == nil {
		return out
	}
	out.Response = &pb.ExchangeResponse{Status: count(r.Status), Headers: headersToProto(r.Headers)}
	switch text, bytes := textOrBytes(r.Body); {
	case bytes != nil:
		out.Response.Body = &pb.ExchangeResponse_Binary{Binary: bytes}
	default:
		out.Response.Body = &pb.ExchangeResponse_Text{Text: text}
	}
	return out
}

// headersToProto joins the values of a header that stands more than once, as RFC 9110 allows.
func headersToProto(headers []ipaas.NamedText) map[string]string {
	if len(headers) == 0 {
		return nil
	}
	out := make(map[string]string, len(headers))
	for _, h := range headers {
		if before, ok := out[h.Name]; ok {
			out[h.Name] = before + ", " + utf8Text(h.Text)
			continue
		}
		out[h.Name] = utf8Text(h.Text)
	}
	return out
}

func (d *decoding) exchange(path string, e *pb.Exchange) ipaas.Exchange {
	request := e.GetRequest()
	out := ipaas.Exchange{
		StepPath: e.GetStepPath(), Error: e.GetError(), Truncated: e.GetTruncated(),
		Request: ipaas.ExchangeRequest{
			Method: strings.ToUpper(request.GetMethod()), URL: request.GetUrl(), Headers: headersFromProto(request.GetHeaders()),
		},
	}
	if out.Request.Method == "" {
		out.Request.Method = http.MethodGet
	}
	at := joinPath(path, "request")
	switch body := request.GetBody().(type) {
	case *pb.ExchangeRequest_Text:
		out.Request.Body = []byte(body.Text)
	case *pb.ExchangeRequest_Json:
		out.Request.Body = d.jsonBody(at, body.Json)
	case *pb.ExchangeRequest_Binary:
		out.Request.Body = body.Binary
	default:
		out.Request.AnyBody = true
	}
	if e.GetResponse() == nil {
		return out
	}
	out.Response = d.exchangeResponse(joinPath(path, "response"), e.GetResponse())
	return out
}

func (d *decoding) exchangeResponse(path string, r *pb.ExchangeResponse) *ipaas.Response {
	out := &ipaas.Response{Status: int(r.GetStatus()), Headers: headersFromProto(r.GetHeaders())}
	switch {
	case out.Status == 0:
		out.Status = http.StatusOK
	case out.Status < 200: // an answer of the connection's, not of the request's
		d.refuse(joinPath(path, "status"), ipaas.ReasonNotAChoice, "is %d: give a status from 200 to 599", out.Status)
	}
	switch body := r.GetBody().(type) {
	case *pb.ExchangeResponse_Text:
		out.Body = []byte(body.Text)
	case *pb.ExchangeResponse_Json:
		out.Body = d.jsonBody(path, body.Json)
		typed := func(h ipaas.NamedText) bool { return strings.EqualFold(h.Name, "Content-Type") }
		if !slices.ContainsFunc(out.Headers, typed) {
			out.Headers = append(out.Headers, ipaas.NamedText{Name: "Content-Type", Text: "application/json"})
		}
	case *pb.ExchangeResponse_Binary:
		out.Body = body.Binary
	}
	return out
}

func (d *decoding) jsonBody(path string, v *structpb.Value) []byte {
	return []byte(d.boundedJSON(joinPath(path, "json"), v, maxInputJSON))
}

func headersFromProto(headers map[string]string) []ipaas.NamedText {
	var out []ipaas.NamedText
	for name, text := range headers {
		out = append(out, ipaas.NamedText{Name: name, Text: text})
	}
	slices.SortFunc(out, func(a, b ipaas.NamedText) int { return strings.Compare(a.Name, b.Name) })
	return out
}
