package api

import (
	"fmt"

	"go.yaml.in/yaml/v4"

	"github.com/headrace/headrace/internal/ipaas"
)

// pair is a key of a mapping and what it holds.
type pair struct{ key, value *yaml.Node }

// pairs returns what stands in a mapping, and behind it what << merges into it: that counts where the key does not stand there itself,
// and the first of several mappings before the others.
func (c *yamlConverter) pairs(n *yaml.Node, depth int) ([]pair, error) {
	if tag := n.ShortTag(); tag != "!!map" {
		return nil, foreignTag(n)
	}
	pairs := make([]pair, 0, len(n.Content)/2)
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i], n.Content[i+1]
		switch {
		case key.Kind == yaml.ScalarNode && key.ShortTag() == "!!merge":
			merges = append(merges, v)
		case key.Kind != yaml.ScalarNode || key.ShortTag() == "!!null":
			return nil, &yamlError{key.Line, ipaas.ReasonMalformed, "a key must be a word: write it out"}
		default:
			pairs = append(pairs, pair{key, v})
		}
	}
	if len(merges) == 0 {
		return pairs, nil
	}
	there := make(map[string]bool, len(pairs))
	for _, p := range pairs {
		there[p.key.Value] = true
	}
	for _, from := range merges {
		merged, err := c.merged(from, depth+1)
		if err != nil {
			return nil, err
		}
		for _, p := range merged {
			if !there[p.key.Value] {
				there[p.key.Value] = true
				pairs = append(pairs, p)
			}
		}
	}
	return pairs, nil
}

// merged returns the pairs of what << names: a mapping, mostly by an alias, or a list of them.
func (c *yamlConverter) merged(n *yaml.Node, depth int) ([]pair, error) {
	if depth > maxYAMLDepth {
		return nil, tooDeep(n)
	}
	switch n.Kind {
	case yaml.AliasNode:
		if err := c.alias(n); err != nil {
			return nil, err
		}
		return c.merged(n.Alias, depth+1)
	case yaml.MappingNode:
		pairs, err := c.pairs(n, depth)
		if c.merges += len(pairs); c.merges > maxYAMLMerged {
			return nil, &yamlError{n.Line, ipaas.ReasonTooLarge, fmt.Sprintf("more than %d keys are merged: write things out", maxYAMLMerged)}
		}
		return pairs, err
	case yaml.SequenceNode:
		var pairs []pair
		for _, item := range n.Content {
			more, err := c.merged(item, depth+1)
			if err != nil {
				return nil, err
			}
			pairs = append(pairs, more...)
		}
		return pairs, nil
	default:
		return nil, &yamlError{n.Line, ipaas.ReasonMalformed, "<< merges no mapping: name one, as in <<: *base"}
	}
}
