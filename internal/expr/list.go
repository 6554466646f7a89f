package expr

import (
	"errors"
	"fmt"

	"github.com/headrace/headrace/internal/value"
)

// Item is an item of a list, with an optional name.
type Item struct {
	Name  Node // nil: none
	Value Node
}

// ListNode stands for a list of values, or of named values.
type ListNode struct {
	Items []Item
	named bool
	depth int // lists within lists, from 1
}

// List returns an expression that stands for a list: of values if no item has a name, of objects {key, value} if all have.
func List(items []Item) (Node, error) {
	named, depth := 0, 1
	for i, item := range items {
		if item.Value == nil {
			return nil, fmt.Errorf("items[%d] has no value: give it one, or leave it out", i)
		}
		if item.Name != nil {
			named++
		}
		depth = max(depth, 1+depthOf(item.Value), 1+depthOf(item.Name))
	}
	if named != 0 && named != len(items) {
		return nil, fmt.Errorf("%d of %d items have a name: give all a name for a key/value list, or none for a list", named, len(items))
	}
	if depth > value.MaxDepth {
		return nil, errTooDeep
	}
	return &ListNode{Items: items, named: named > 0, depth: depth}, nil
}

var errTooDeep = errors.New("the list nests too deep: flatten it")

func depthOf(n Node) int {
	if list, ok := n.(*ListNode); ok {
		return list.depth
	}
	return 0
}

func (n *ListNode) eval(e *evaluation) any {
	list := make([]any, len(n.Items))
	for i, item := range n.Items {
		if !n.named {
			list[i] = item.Value.eval(e)
			continue
		}
		list[i] = value.Obj(value.Field{Key: "key", Value: item.Name.eval(e)}, value.Field{Key: "value", Value: item.Value.eval(e)})
	}
	return list
}

func (n *ListNode) walk(path string, visit func(path string, n Node)) {
	visit(path, n)
	for i, item := range n.Items {
		at := fmt.Sprintf("%s.complex.items[%d]", path, i)
		if item.Name != nil {
			item.Name.walk(at+".nameFrom", visit)
		}
		item.Value.walk(at, visit)
	}
}
