package api

import (
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/headrace/headrace/internal/ipaas"
	pb "github.com/headrace/headrace/proto/gen/headrace/v1"
)

func inputToProto(in ipaas.Input) *pb.Input {
	out := &pb.Input{Name: in.Name}
	switch in.Kind {
	case ipaas.InputValue:
		out.Kind = &pb.Input_Value{Value: literalToProto(in.Text)}
	case ipaas.InputJSON:
		out.Kind = &pb.Input_Json{Json: in.Text}
	case ipaas.InputConfigVariable:
		out.Kind = &pb.Input_ConfigVariable{ConfigVariable: in.Text}
	case ipaas.InputReference:
		out.Kind = &pb.Input_Reference{Reference: in.Text}
	case ipaas.InputTemplate:
		out.Kind = &pb.Input_Template{Template: in.Text}
	case ipaas.InputComplex:
		items := &pb.ComplexInput{}
		for _, item := range in.Items {
			items.Items = append(items.Items, inputToProto(item))
		}
		out.Kind = &pb.Input_Complex{Complex: items}
	}
	if in.NameFrom != nil {
		out.NameFrom = inputToProto(*in.NameFrom)
	}
	return out
}

// literalToProto keeps a literal null apart from no literal.
func literalToProto(text string) *structpb.Value {
	if text == "" {
		return structpb.NewNullValue()
	}
	return jsonToProto(text)
}

// input reads an expression. It is not parsed here: that is the plane's, which knows the definition around it.
func (d *decoding) input(path string, in *pb.Input, depth int) ipaas.Input {
	if depth > ipaas.MaxInputDepth {
		d.refuse(path, ipaas.ReasonTooDeep, "nests deeper than %d levels: flatten it", ipaas.MaxInputDepth)
		return ipaas.Input{}
	}
	out := ipaas.Input{Name: in.GetName()}
	switch kind := in.GetKind().(type) {
	case *pb.Input_Value:
		out.Kind, out.Text = ipaas.InputValue, d.boundedJSON(joinPath(path, "value"), kind.Value, maxInputJSON)
	case *pb.Input_Json:
		out.Kind, out.Text = ipaas.InputJSON, d.jsonText(joinPath(path, "json"), kind.Json)
	case *pb.Input_ConfigVariable:
		out.Kind, out.Text = ipaas.InputConfigVariable, kind.ConfigVariable
	case *pb.Input_Reference:
		out.Kind, out.Text = ipaas.InputReference, kind.Reference
	case *pb.Input_Template:
		out.Kind, out.Text = ipaas.InputTemplate, kind.Template
	case *pb.Input_Complex:
		out.Kind = ipaas.InputComplex
		for i, item := range kind.Complex.GetItems() {
			out.Items = append(out.Items, d.input(indexPath(joinPath(path, "complex.items"), i), item, depth+1))
		}
	}
	if in.GetNameFrom() != nil {
		from := d.input(joinPath(path, "name_from"), in.GetNameFrom(), depth+1)
		out.NameFrom = &from
	}
	return out
}

func inputsToProto(inputs map[string]ipaas.Input) map[string]*pb.Input {
	if inputs == nil {
		return nil
	}
	out := make(map[string]*pb.Input, len(inputs))
	for key, in := range inputs {
		out[key] = inputToProto(in)
	}
	return out
}

func (d *decoding) inputs(path string, inputs map[string]*pb.Input) map[string]ipaas.Input {
	if inputs == nil {
		return nil
	}
	out := make(map[string]ipaas.Input, len(inputs))
	for key, in := range inputs {
		out[key] = d.input(keyPath(path, key), in, 0)
	}
	return out
}
