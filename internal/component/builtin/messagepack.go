package builtin

import (
	"encoding/base64"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/format"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

func messagePack() *component.Component {
	return &component.Component{
		ID: "messagepack", DisplayName: "MessagePack", Description: "Read and write MessagePack, a compact form of JSON.",
		Actions: []component.Action{
			dataAction("decodeMessage", "Decode", "Reads a message. Timestamps become texts, other extensions objects with `type` and `data`.", "What the message holds.",
				[]ipaas.InputField{dataField("message", "Message", "The message, as bytes or as text that is base64 of them."+bounds)}, decodeMessage),
			dataAction("encodeMessage", "Encode", "Writes data as a message. Whole numbers stay exact as far as 64 bits hold them; others become the nearest floats.",
				"The message as bytes of the content type application/msgpack.", []ipaas.InputField{dataField("data", "Data", "What to write."+bounds)},
				func(in component.Inputs) (any, error) {
					data, err := format.MessagePack(in.Value("data"))
					if err != nil {
						return nil, inInput("data", err)
					}
					return value.Bytes{Data: data, ContentType: "application/msgpack"}, nil
				}),
		},
	}
}

func decodeMessage(in component.Inputs) (any, error) {
	v := contentInput(in, "message")
	data, isText, ok := encodedData(v)
	if !ok {
		return nil, wrongKind("message", v, "bytes")
	}
	if isText {
		// A text from elsewhere is base64, if it is that: no message of more than some bytes looks like it.
		if decoded, err := base64.StdEncoding.DecodeString(string(data)); err == nil && len(decoded) > 0 {
			data = decoded
		}
	}
	message, err := format.ParseMessagePack(data)
	if err != nil {
		return nil, inInput("message", err)
	}
	return message, nil
}
