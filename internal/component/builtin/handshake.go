package builtin

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// handshakeKinds are the ways in which systems ask whether a URL is genuine.
var handshakeKinds = []string{"none", "query", "json", "header", "slack", "microsoft-graph", "meta", "asana"}

// maxEcho bounds what is echoed: a challenge is short, and an echo must be of no use for anything else.
const maxEcho = 1024

// answerHandshake returns the answer to a handshake, or nil if the request is none.
func answerHandshake(request component.Request) (*ipaas.Response, error) {
	p, key := &request.Payload, request.Inputs.Text("handshakeKey")
	if key == "" {
		key = "challenge"
	}
	switch request.Inputs.Text("handshake") {
	case "query":
		return echoQuery(p, key)
	case "json":
		return echoJSON(p, key)
	case "header":
		return echoHeader(p, key)
	case "slack":
		return echoSlack(p)
	case "microsoft-graph":
		return echoQuery(p, "validationToken")
	case "meta":
		return echoMeta(p, request.Inputs.Text("verifyToken"))
	case "asana":
		return echoHeader(p, "X-Hook-Secret")
	default:
		return nil, nil
	}
}

func echoQuery(p *ipaas.Payload, name string) (*ipaas.Response, error) {
	text, ok := lookUp(p.Query, name, false)
	if !ok || len(p.Body) > 0 {
		return nil, nil
	}
	return echoText(text)
}

// echoJSON answers with an object that has the last key of the path.
func echoJSON(p *ipaas.Payload, path string) (*ipaas.Response, error) {
	v, _ := value.Parse(p.Body) // what is no JSON is no handshake
	keys := strings.Split(path, ".")
	for _, key := range keys {
		o, _ := v.(*value.Object)
		v, _ = o.Get(key)
	}
	text, ok := v.(string)
	if !ok {
		return nil, nil
	}
	if err := checkEcho(text); err != nil {
		return nil, err
	}
	body := value.JSON(value.Obj(value.Field{Key: keys[len(keys)-1], Value: text}))
	return echo("application/json", body), nil
}

func echoSlack(p *ipaas.Payload) (*ipaas.Response, error) {
	v, _ := value.Parse(p.Body)
	o, _ := v.(*value.Object)
	if kind, _ := o.Get("type"); kind != "url_verification" {
		return nil, nil
	}
	challenge, _ := o.Get("challenge")
	text, ok := challenge.(string)
	if !ok {
		return nil, component.NewRefuse(http.StatusBadRequest, "the url_verification holds no challenge")
	}
	return echoText(text)
}

// echoMeta answers only who knows the token.
func echoMeta(p *ipaas.Payload, verifyToken string) (*ipaas.Response, error) {
	mode, _ := lookUp(p.Query, "hub.mode", false)
	if mode != "subscribe" || len(p.Body) > 0 {
		return nil, nil
	}
	given, _ := lookUp(p.Query, "hub.verify_token", false)
	// Compared by digest, so that the time tells nothing of the token, not even its length.
	want, got := sha256.Sum256([]byte(verifyToken)), sha256.Sum256([]byte(given))
	if verifyToken == "" || subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
		return nil, component.NewRefuse(http.StatusForbidden, "the verify token is not the one set for this webhook")
	}
	challenge, ok := lookUp(p.Query, "hub.challenge", false)
	if !ok {
		return nil, component.NewRefuse(http.StatusBadRequest, "the request holds no hub.challenge")
	}
	return echoText(challenge)
}

func echoHeader(p *ipaas.Payload, name string) (*ipaas.Response, error) {
	text, ok := lookUp(p.Headers, name, true)
	if !ok {
		return nil, nil
	}
	if err := checkEcho(text); err != nil {
		return nil, err
	}
	return &ipaas.Response{Status: http.StatusOK, Headers: []ipaas.NamedText{{Name: name, Text: text}, noSniff}}, nil
}

func echoText(text string) (*ipaas.Response, error) {
	if err := checkEcho(text); err != nil {
		return nil, err
	}
	return echo("text/plain; charset=utf-8", []byte(text)), nil
}

// noSniff keeps a browser from reading an echo as a page.
var noSniff = ipaas.NamedText{Name: "X-Content-Type-Options", Text: "nosniff"}

func echo(contentType string, body []byte) *ipaas.Response {
	return &ipaas.Response{
		Status: http.StatusOK, Headers: []ipaas.NamedText{{Name: "Content-Type", Text: contentType}, noSniff}, Body: body,
	}
}

func checkEcho(text string) error {
	switch {
	case text == "":
		return component.NewRefuse(http.StatusBadRequest, "the challenge is empty")
	case len(text) > maxEcho:
		return component.NewRefuse(http.StatusBadRequest, "the challenge is longer than 1024 bytes")
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		return component.NewRefuse(http.StatusBadRequest, "the challenge holds a control character")
	default:
		return nil
	}
}

// lookUp returns the first text with a name; the names of headers are equal in any case.
func lookUp(texts []ipaas.NamedText, name string, fold bool) (string, bool) {
	for _, t := range texts {
		if t.Name == name || fold && strings.EqualFold(t.Name, name) {
			return t.Text, true
		}
	}
	return "", false
}
