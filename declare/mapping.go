package declare

import (
	"iter"
	"slices"

	"go.yaml.in/yaml/v4"
)

// mapping returns the pairs of a file that holds one YAML mapping. An empty file has none.
func mapping(file string, text []byte, fs *Faults) iter.Seq2[*yaml.Node, *yaml.Node] {
	// All documents, so that a second one is refused rather than overlooked.
	var docs []yaml.Node
	if err := yaml.Load(text, &docs, yaml.WithAllDocuments()); err != nil {
		fs.yaml(file, err)
		return pairs(file, nil, fs)
	}
	if len(docs) > 1 {
		fs.node(file, &docs[1], "is a second document: write everything in one, without ---")
	}
	if len(docs) == 0 || len(docs[0].Content) == 0 {
		return pairs(file, nil, fs)
	}
	return pairs(file, docs[0].Content[0], fs)
}

// pairs returns the keys and values of a mapping. A node that is not a mapping is a fault, and so
// is a key that occurs a second time.
func pairs(file string, n *yaml.Node, fs *Faults) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(key, val *yaml.Node) bool) {
		n = target(n)
		if n == nil || isNull(n) {
			return
		}
		if n.Kind != yaml.MappingNode {
			fs.node(file, n, "want a mapping: lines of NAME: VALUE")
			return
		}
		seen := map[string]int{}
		for pair := range slices.Chunk(n.Content, 2) {
			key, val := pair[0], target(pair[1])
			if line, ok := seen[key.Value]; ok {
				fs.node(file, key, "%s stands in line %d already: keep one of the two", key.Value, line)
				continue
			}
			seen[key.Value] = key.Line
			if !yield(key, val) {
				return
			}
		}
	}
}

// target returns what an alias (*name) stands for, or the node itself.
func target(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// isNull reports whether the node is empty: NAME: with nothing behind it.
func isNull(n *yaml.Node) bool { return n.ShortTag() == "!!null" }

// textsOf returns the scalars of a value: its only one, or those of a list. An empty list has no texts,
// but is not nil.
func textsOf(n *yaml.Node) (texts []string, ok bool) {
	if n.Kind == yaml.ScalarNode {
		return []string{n.Value}, true
	}
	texts = []string{}
	for _, c := range n.Content {
		if c.Kind != yaml.ScalarNode {
			return nil, false
		}
		texts = append(texts, c.Value)
	}
	return texts, n.Kind == yaml.SequenceNode
}
