package password

import (
	"compress/flate"
	_ "embed"
	"io"
	"strings"
	"sync"
)

//go:embed lists/words.flate
var wordList string

// longestWord bounds what is looked up.
const longestWord = 20

// ranks are the words that people make passwords of, with the binary logarithm of their
// rank among those of their kind. Unpacking them takes some milliseconds and megabytes,
// which nobody pays who judges no password.
var ranks = sync.OnceValue(func() map[string]uint8 {
	text, err := io.ReadAll(flate.NewReader(strings.NewReader(wordList)))
	if err != nil {
		panic(err) // it was compiled in
	}
	all := make(map[string]uint8, 20_000)
	log := uint8(0)
	for line := range strings.Lines(string(text)) {
		for w := range strings.FieldsSeq(line) {
			all[w] = log
		}
		log++
	}
	return all
})
