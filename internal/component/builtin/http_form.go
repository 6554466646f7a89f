package builtin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"path"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// formMethods are those that carry a form.
var formMethods = []string{http.MethodPost, http.MethodPut, http.MethodPatch}

func formInputs() []ipaas.InputField {
	return []ipaas.InputField{
		{
			Key: "formData", DisplayName: "Form Data", Type: ipaas.FieldData, Collection: ipaas.CollectionKeyValueList, Example: `{"title": "Invoice 42"}`,
			Description: "The fields of the form by name. What is no text is sent as JSON.",
		},
		{
			Key: "fileData", DisplayName: "File Data", Type: ipaas.FieldData, Collection: ipaas.CollectionKeyValueList,
			Description: "The files by name of the field: bytes, or texts.",
		},
		{
			Key: "fileDataFileNames", DisplayName: "File Data File Names", Collection: ipaas.CollectionKeyValueList, Example: `{"file": "invoice.pdf"}`,
			Description: "The name of each file, by the same names as in `fileData`. A file without one here is called as its field.",
		},
	}
}

func httpPostFormData() component.Action {
	fields := slices.DeleteFunc(httpInputs(http.MethodPost), func(f ipaas.InputField) bool { return f.Key == "data" })
	fields = append(fields, formInputs()...)
	fields = append(fields, methodField("httpMethod", `"post"`, "The method: post, put or patch, in capital or small letters."))
	return component.Action{
		Action: ipaas.Action{
			Key: "httpPostFormData", DisplayName: "POST/PUT Form Data Request", Effect: ipaas.EffectWrite, Inputs: fields,
			Description: "Sends a form as multipart/form-data, as browsers send files. " + idempotent + "An answer that is not 2xx fails the step.",
			Output:      httpOutput,
		},
		Perform: func(ctx context.Context, call component.Call) (component.Result, error) {
			method, err := methodInput(call.Inputs, "httpMethod", http.MethodPost, formMethods)
			if err != nil {
				return component.Result{}, err
			}
			return httpCall(ctx, method, call, formBody)
		},
	}
}

func httpRawRequest() component.Action {
	fields := append([]ipaas.InputField{
		methodField("method", `"GET"`, "The method: one of "+strings.Join(anyMethod, ", ")+", in capital or small letters. With GET, HEAD and OPTIONS neither data nor a form is sent."),
	}, httpInputs(http.MethodPost)...)
	return component.Action{
		Action: ipaas.Action{
			Key: "rawRequest", DisplayName: "Raw Request", Effect: ipaas.EffectWrite, Inputs: append(fields, formInputs()...),
			Description: "Sends a request of any kind: with data, or with a form as multipart/form-data. " + idempotent + "An answer that is not 2xx fails the step.",
			Output:      httpOutput,
		},
		Perform: func(ctx context.Context, call component.Call) (component.Result, error) {
			method, err := methodInput(call.Inputs, "method", http.MethodGet, anyMethod)
			if err != nil {
				return component.Result{}, err
			}
			body := dataBody
			if hasForm(call.Inputs) {
				body = formBody
				if data := call.Inputs.Value("data"); data != nil && data != "" {
					return component.Result{}, component.Failf("inputs %q and %q are both given: a request has one body, so give one of them", "data", "formData")
				}
			}
			return httpCall(ctx, method, call, body)
		},
	}
}

func hasForm(in component.Inputs) bool {
	return len(in.Pairs("formData")) > 0 || len(in.Pairs("fileData")) > 0
}

// maxForm bounds a form that is sent.
const maxForm = 64 << 20

// formBody is the body that a form makes.
func formBody(in component.Inputs) (body []byte, contentType string, err error) {
	parts, size := formParts(in), 0
	sum := sha256.New()
	for _, p := range parts {
		size += len(p.data)
	}
	if size > maxForm {
		return nil, "", fmt.Errorf("the form is larger than %d MiB: send less at once", maxForm>>20)
	}
	for _, p := range parts {
		sum.Write(fmt.Appendf(nil, "%q %d\n", p.header, len(p.data)))
		sum.Write(p.data)
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	// The same form is the same bytes, so that a repeated request is the one that its Idempotency-Key stands for.
	if err := w.SetBoundary(hex.EncodeToString(sum.Sum(nil))); err != nil {
		return nil, "", err
	}
	for _, p := range parts {
		out, err := w.CreatePart(p.header)
		if err != nil {
			return nil, "", err
		}
		if _, err := out.Write(p.data); err != nil {
			return nil, "", err
		}
	}
	if err := w.Close(); err != nil {
		return nil, "", err
	}
	return b.Bytes(), w.FormDataContentType(), nil
}

// formPart is a field or a file of a form.
type formPart struct {
	header textproto.MIMEHeader
	data   []byte
}

// formParts returns the fields, then the files.
func formParts(in component.Inputs) []formPart {
	var parts []formPart
	for _, p := range in.Pairs("formData") {
		if p.Key == "" && (p.Value == nil || p.Value == "") {
			continue // a row of a form that was left empty
		}
		parts = append(parts, formPart{header: partHeader(p.Key, ""), data: []byte(value.Text(p.Value))})
	}
	names := map[string]string{}
	for _, p := range in.Pairs("fileDataFileNames") {
		names[p.Key] = value.Text(p.Value)
	}
	for _, p := range in.Pairs("fileData") {
		if p.Value == nil {
			continue
		}
		name := names[p.Key]
		if name == "" {
			name = p.Key
		}
		data, kind := fileContent(p.Value, name)
		header := partHeader(p.Key, name)
		header.Set("Content-Type", kind)
		parts = append(parts, formPart{header: header, data: data})
	}
	return parts
}

// partHeader is the header of a part. Names are escaped as browsers do it, so that none can end its own quotes or line.
func partHeader(name, file string) textproto.MIMEHeader {
	escape := strings.NewReplacer("\r", "%0D", "\n", "%0A", `"`, "%22")
	text := `form-data; name="` + escape.Replace(name) + `"`
	if file != "" {
		text += `; filename="` + escape.Replace(file) + `"`
	}
	return textproto.MIMEHeader{"Content-Disposition": {text}}
}

// fileContent returns the bytes of a file and their content type: their own, else that of the file's name.
func fileContent(v any, name string) (data []byte, contentType string) {
	b, ok := v.(value.Bytes)
	if !ok {
		b = value.Bytes{Data: []byte(value.Text(v))}
	}
	contentType = strings.Map(printable, b.ContentType)
	if contentType == "" {
		contentType = mime.TypeByExtension(path.Ext(name))
	}
	if contentType == "" {
		contentType = "application/octet-stream"
	}
	return b.Data, contentType
}

// printable leaves out what would end a header's line.
func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return -1
	}
	return r
}
