package declarative

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/headrace/headrace/internal/expr"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

// body is a piece of JSON whose texts are templates: exactly one of its fields is set.
type body struct {
	text    *expr.TemplateNode
	list    []*body
	object  []property
	literal any // a number, a boolean, nothing
}

type property struct {
	key   string // literal
	value *body
}

func (b *builder) body(at string, r *ipaas.HTTPRequest, names *names) *body {
	if r.Body == "" {
		return nil
	}
	v, err := value.Parse([]byte(r.Body))
	var syntax *value.SyntaxError
	switch {
	case errors.As(err, &syntax) && syntax.TooDeep:
		b.add(at, ipaas.ReasonTooDeep, "the body nests deeper than %d levels: flatten it", value.MaxDepth)
		return nil
	case err != nil:
		b.add(at, ipaas.ReasonMalformed, "the body is not JSON: %v", err)
		return nil
	case r.Method == http.MethodHead:
		b.add(at, ipaas.ReasonMisplaced, "the request has a body, and HEAD sends none: remove it, or use another method")
	}
	return b.bodyPart(at, v, names)
}

func (b *builder) bodyPart(at string, v any, names *names) *body {
	switch v := v.(type) {
	case string:
		return &body{text: b.template(at, v, names.inRequest())}
	case []any:
		out := &body{list: make([]*body, len(v))}
		for i := range v {
			out.list[i] = b.bodyPart(fmt.Sprintf("%s[%d]", at, i), v[i], names)
		}
		return out
	case *value.Object:
		out := &body{object: []property{}}
		for key, item := range v.All() {
			out.object = append(out.object, property{key: key, value: b.bodyPart(at+"."+key, item, names)})
		}
		return out
	default:
		return &body{literal: v}
	}
}

func (p *body) render(scope expr.Scope) any {
	switch {
	case p.text != nil:
		return expr.Eval(p.text, scope)
	case p.list != nil:
		out := make([]any, len(p.list))
		for i := range p.list {
			out[i] = p.list[i].render(scope)
		}
		return out
	case p.object != nil:
		out := value.Obj()
		for _, f := range p.object {
			out.Set(f.key, f.value.render(scope))
		}
		return out
	default:
		return p.literal
	}
}

// encode returns the body and its content type, for where the headers give none. A body that is one text is sent as it is.
func (p *body) encode(scope expr.Scope) ([]byte, string) {
	v := p.render(scope)
	if p.text != nil {
		switch v := v.(type) {
		case nil:
			return nil, ""
		case string:
			return []byte(v), "text/plain; charset=utf-8"
		case value.Bytes:
			if v.ContentType == "" {
				return v.Data, "application/octet-stream"
			}
			return v.Data, v.ContentType
		}
	}
	return value.JSON(v), "application/json"
}
