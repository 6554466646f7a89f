package builtin

import (
	"context"
	"crypto/hmac"
	"crypto/md5"  //nolint:gosec // systems that sign with it are still spoken to
	"crypto/sha1" //nolint:gosec // systems that sign with it are still spoken to
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/blake2s"
	"golang.org/x/crypto/md4"       //nolint:staticcheck // systems that hash with it are still spoken to
	"golang.org/x/crypto/ripemd160" //nolint:staticcheck // systems that hash with it are still spoken to

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// hashFunction is one way to hash.
type hashFunction struct {
	key, name string // in inputs; in names of actions and for people
	new       func() hash.Hash
}

var hashFunctions = []hashFunction{
	{"blake2b512", "BLAKE2b512", unkeyed(blake2b.New512)},
	{"blake2s256", "BLAKE2s256", unkeyed(blake2s.New256)},
	{"md4", "MD4", md4.New},
	{"md5", "MD5", md5.New},
	{"md5-sha1", "MD5-SHA1", func() hash.Hash { return md5AndSHA1{md5.New(), sha1.New()} }}, //nolint:gosec // as above
	{"ripemd160", "RIPEMD160", ripemd160.New},
	{"sha1", "SHA1", sha1.New},
	{"sha224", "SHA224", sha256.New224},
	{"sha256", "SHA256", sha256.New},
	{"sha384", "SHA384", sha512.New384},
	{"sha512", "SHA512", sha512.New},
	{"sha512-224", "SHA512-224", sha512.New512_224},
	{"sha512-256", "SHA512-256", sha512.New512_256},
	{"sha3-224", "SHA3-224", func() hash.Hash { return sha3.New224() }},
	{"sha3-256", "SHA3-256", func() hash.Hash { return sha3.New256() }},
	{"sha3-384", "SHA3-384", func() hash.Hash { return sha3.New384() }},
	{"sha3-512", "SHA3-512", func() hash.Hash { return sha3.New512() }},
	{"sm3", "SM3", func() hash.Hash { return newSM3() }},
	{"whirlpool", "Whirlpool", func() hash.Hash { return newWhirlpool() }},
}

// unkeyed makes a hash of a function that may have a key: without one it cannot fail.
func unkeyed(of func(key []byte) (hash.Hash, error)) func() hash.Hash {
	return func() hash.Hash {
		h, err := of(nil)
		if err != nil {
			panic(err)
		}
		return h
	}
}

// md5AndSHA1 is the hash that older TLS signs with: that of one function behind that of the other.
type md5AndSHA1 [2]hash.Hash

func (h md5AndSHA1) Write(p []byte) (int, error) {
	for _, each := range h {
		each.Write(p) // a hash never fails
	}
	return len(p), nil
}

func (h md5AndSHA1) Sum(b []byte) []byte { return h[1].Sum(h[0].Sum(b)) }

func (h md5AndSHA1) Reset() {
	h[0].Reset()
	h[1].Reset()
}

func (h md5AndSHA1) Size() int      { return h[0].Size() + h[1].Size() }
func (h md5AndSHA1) BlockSize() int { return h[0].BlockSize() }

func newHash(key string) func() hash.Hash {
	for _, f := range hashFunctions {
		if f.key == key {
			return f.new
		}
	}
	return sha256.New // the default; inputs are among the choices
}

func hashComponent() *component.Component {
	message := dataField("message", "Message", "What to hash: a text by its UTF-8, bytes as they are, anything else as JSON.")
	c := &component.Component{
		ID: "hash", DisplayName: "Hash", Description: "Hash data, sign it, and check signatures.",
		Triggers: []component.Trigger{hmacWebhook()},
		Actions: []component.Action{
			dataAction("computeHash", "Compute Hash", "Hashes a message.", hashOutput, []ipaas.InputField{hashFunctionField("Hash Function"), message},
				func(in component.Inputs) (any, error) { return computeHash(in, newHash(in.Text("hashFunction"))), nil }),
			dataAction("computeHmac", "Compute HMAC Hash", "Signs a message with a secret key.",
				"The signature as an object: `hex` and `base64`, each a text of it, and `byteArray`, its bytes.",
				append([]ipaas.InputField{hashFunctionField("Hash Function"), message}, secretFields()...), computeHMAC),
			dataAction("verifyHmac", "Verify HMAC Hash", "Checks the signature of a message, in a time that tells nothing of the right one.",
				"true if the signature is right, else false.", slices.Concat([]ipaas.InputField{
					hashFunctionField("Hash Function"), message,
					{Key: "signature", DisplayName: "Signature", Description: "The signature that came with the message."},
					encodingField(), prefixField(),
				}, secretFields()), verifyHMAC),
		},
	}
	for _, f := range hashFunctions {
		c.Actions = append(c.Actions, dataAction("compute"+f.key, "Compute "+f.name+" Hash", "Hashes a message with "+f.name+".", hashOutput,
			[]ipaas.InputField{message}, func(in component.Inputs) (any, error) { return computeHash(in, f.new), nil }))
	}
	return c
}

const hashOutput = "The hash as an object: `hex` and `base64`, each a text of it."

func hashFunctionField(name string) ipaas.InputField {
	var keys []string
	for _, f := range hashFunctions {
		keys = append(keys, f.key)
	}
	return ipaas.InputField{
		Key: "hashFunction", DisplayName: name, Choices: keys, Default: `"sha256"`,
		Description: "How to hash. md4, md5, md5-sha1 and sha1 are broken: use them only for systems that know no other.",
	}
}

func encodingField() ipaas.InputField {
	return ipaas.InputField{Key: "encoding", DisplayName: "Encoding", Choices: []string{"hex", "base64"}, Default: `"hex"`, Description: "How the hash is written."}
}

func prefixField() ipaas.InputField {
	return ipaas.InputField{
		Key: "prefix", DisplayName: "Prefix", Example: "sha256=",
		Description: "What stands before the signature and is no part of it. A signature without it is refused. None: nothing stands before it.",
	}
}

func secretFields() []ipaas.InputField {
	return []ipaas.InputField{
		{Key: "secretKey", DisplayName: "Secret Key", Required: true, Secret: true, Description: "The key that both sides know. Give a config variable that is secret."},
		{
			Key: "secretKeyEncoding", DisplayName: "Secret Key Encoding", Choices: []string{"text", "hex", "base64"}, Default: `"text"`,
			Description: "What the key is written in: its bytes are those of the text, or what the text encodes.",
		},
	}
}

func computeHash(in component.Inputs, function func() hash.Hash) any {
	h := function()
	h.Write(bytesOf(in.Value("message")))
	return hashResult(h.Sum(nil))
}

func hashResult(sum []byte) *value.Object {
	return value.Obj(
		value.Field{Key: "hex", Value: hex.EncodeToString(sum)},
		value.Field{Key: "base64", Value: base64.StdEncoding.EncodeToString(sum)},
	)
}

// secretKey returns the key's bytes. No error quotes it.
func secretKey(in component.Inputs) ([]byte, error) {
	text := in.Value("secretKey")
	key := bytesOf(text)
	var err error
	switch in.Text("secretKeyEncoding") {
	case "hex":
		key, err = hex.DecodeString(strings.TrimSpace(string(key)))
	case "base64":
		key, err = base64.StdEncoding.DecodeString(strings.TrimSpace(string(key)))
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("input %q is not %s: correct it, or its encoding", "secretKey", in.Text("secretKeyEncoding"))
	case len(key) == 0:
		return nil, fmt.Errorf("input %q is empty: give a key, nothing is safe without one", "secretKey")
	default:
		return key, nil
	}
}

func computeHMAC(in component.Inputs) (any, error) {
	key, err := secretKey(in)
	if err != nil {
		return nil, err
	}
	sum := sign(newHash(in.Text("hashFunction")), key, bytesOf(in.Value("message")))
	result := hashResult(sum)
	result.Set("byteArray", value.Bytes{Data: sum, ContentType: "application/octet-stream"})
	return result, nil
}

func sign(function func() hash.Hash, key, message []byte) []byte {
	h := hmac.New(function, key)
	h.Write(message)
	return h.Sum(nil)
}

func verifyHMAC(in component.Inputs) (any, error) {
	key, err := secretKey(in)
	if err != nil {
		return nil, err
	}
	want := sign(newHash(in.Text("hashFunction")), key, bytesOf(in.Value("message")))
	return rightSignature(in.Text("signature"), in.Text("prefix"), in.Text("encoding"), want), nil
}

// rightSignature reports whether a text is a signature as it should be, in a time that does not depend on how much of it is right.
func rightSignature(text, prefix, encoding string, want []byte) bool {
	text, ok := strings.CutPrefix(strings.TrimSpace(text), prefix)
	if !ok {
		return false
	}
	text = strings.TrimSpace(text)
	var given []byte
	var err error
	if encoding == "base64" {
		given, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(text), "="))
	} else {
		given, err = hex.DecodeString(text)
	}
	return err == nil && hmac.Equal(given, want)
}

// hmacWebhook is the trigger for systems that sign what they send.
func hmacWebhook() component.Trigger {
	return component.Trigger{
		TriggerType: ipaas.TriggerType{
			Key: "hmacWebhookTrigger", DisplayName: "HMAC Webhook",
			Description: "Runs the flow for every request at its URL that carries the right signature of its body, byte for byte as it was received. Any other request is refused " +
				"with 401 before anything of it is recorded, those of tests included. Handshakes are answered without a signature.",
			Output: "What every trigger gives; `rawBody.data` is the body that the signature was checked over.",
			Inputs: slices.Concat(
				[]ipaas.InputField{
					{
						Key: "hmacHeaderName", DisplayName: "HMAC Header Name", Required: true, Example: "X-Hub-Signature-256",
						Description: "The header with the signature. Where it is sent more than once, one right signature will do.",
					},
					hashFunctionField("HMAC Hash Function"), encodingField(), prefixField(),
				},
				secretFields(), acknowledgement(), handshake(),
			),
		},
		Receive: receiveSigned,
	}
}

func receiveSigned(ctx context.Context, request component.Request) (component.Reception, error) {
	answer, err := answerHandshake(request)
	if answer != nil || err != nil {
		return component.Reception{Answer: answer}, err
	}
	if err := checkSignature(request); err != nil {
		return component.Reception{}, err
	}
	acknowledge, err := acknowledge(request.Inputs)
	return component.Reception{Acknowledge: acknowledge}, err
}

var errNoKey = errors.New("the trigger has no usable secret key, so no request can be genuine: set it")

// checkSignature refuses what is not signed as it should be. Without a key nothing is.
func checkSignature(request component.Request) error {
	in := request.Inputs
	key, err := secretKey(in)
	if err != nil {
		return component.NewRefuse(http.StatusUnauthorized, errNoKey.Error())
	}
	name, found := in.Text("hmacHeaderName"), false
	want := sign(newHash(in.Text("hashFunction")), key, request.Payload.Body)
	for _, h := range request.Payload.Headers {
		if !strings.EqualFold(h.Name, name) {
			continue
		}
		found = true
		if rightSignature(h.Text, in.Text("prefix"), in.Text("encoding"), want) {
			return nil
		}
	}
	if !found {
		return component.NewRefuse(http.StatusUnauthorized, "the request has no header "+value.Text(name)+" with a signature")
	}
	return component.NewRefuse(http.StatusUnauthorized, "the signature is not that of the body")
}
