package builtin

import (
	"context"
	"fmt"

	"github.com/headrace/headrace/internal/component"
	"github.com/headrace/headrace/internal/ipaas"
	"github.com/headrace/headrace/internal/value"
)

func collectionTools() *component.Component {
	return &component.Component{
		ID: "collection-tools", DisplayName: "Collection Tools", Description: "Make and change lists and objects.",
		Actions: append(codeListActions(), component.Action{
			Action: ipaas.Action{
				Key: "createObject", DisplayName: "Create Object", Effect: ipaas.EffectPure,
				Description: "Makes an object out of named values. The result is the object.",
				Inputs: []ipaas.InputField{{
					Key: "keyValueInput", DisplayName: "Keys and Values", Type: ipaas.FieldData, Collection: ipaas.CollectionKeyValueList, Required: true,
					Description: "The keys and their values, in order. A key stands as it is: a dot in it makes no nested object. Of a key given twice the last value counts.",
				}},
			},
			Perform: createObject,
		}),
	}
}

func createObject(_ context.Context, call component.Call) (component.Result, error) {
	o := value.Obj()
	for i, p := range call.Inputs.Pairs("keyValueInput") {
		if p.Key == "" {
			return component.Result{}, fmt.Errorf("input %q: item %d has an empty key: give it one", "keyValueInput", i)
		}
		o.Set(p.Key, p.Value)
	}
	return component.Result{Data: o}, nil
}
