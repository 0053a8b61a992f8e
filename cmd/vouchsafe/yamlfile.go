package main

import (
	"iter"
	"slices"

	"go.yaml.in/yaml/v4"
)

// mapping are the pairs of a file that holds one YAML mapping. An empty file has none.
func mapping(file string, text []byte, fs *faults) iter.Seq2[*yaml.Node, *yaml.Node] {
	// All documents, so that a second one is refused rather than overlooked.
	var docs []yaml.Node
	if err := yaml.Load(text, &docs, yaml.WithAllDocuments()); err != nil {
		fs.yaml(file, err)
		return pairs(file, nil, fs)
	}
	if len(docs) > 1 {
		fs.at(file, &docs[1], "is a second document: write everything in one, without ---")
	}
	if len(docs) == 0 || len(docs[0].Content) == 0 {
		return pairs(file, nil, fs)
	}
	return pairs(file, docs[0].Content[0], fs)
}

// pairs are the keys and values of a mapping. What is no mapping, and keys that come
// twice, are faults.
func pairs(file string, n *yaml.Node, fs *faults) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(key, val *yaml.Node) bool) {
		n = target(n)
		if n == nil || n.ShortTag() == "!!null" {
			return
		}
		if n.Kind != yaml.MappingNode {
			fs.at(file, n, "want a mapping: lines of NAME: VALUE")
			return
		}
		seen := map[string]int{}
		for pair := range slices.Chunk(n.Content, 2) {
			key, val := pair[0], target(pair[1])
			if line, ok := seen[key.Value]; ok {
				fs.at(file, key, "%s stands in line %d already: keep one of the two", key.Value, line)
				continue
			}
			seen[key.Value] = key.Line
			if !yield(key, val) {
				return
			}
		}
	}
}

// target is what an alias (*name) stands for, or the node itself.
func target(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// meant is "; did you mean NAME?" for the one of names that is a slip away, or "".
func meant(got string, names []string) string {
	best, least := "", 3
	for _, name := range names {
		if len(got) > len(name)+2 {
			continue // however long it is
		}
		if d := distance(got, name); d < least {
			best, least = name, d
		}
	}
	if best == "" {
		return ""
	}
	return ": did you mean " + best + "?"
}

// distance counts the letters to add, drop or change (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
