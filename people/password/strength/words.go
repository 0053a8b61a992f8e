package strength

import (
	"compress/flate"
	_ "embed"
	"io"
	"strings"
	"sync"
)

//go:embed lists/words.flate
var wordList string

// longestWord bounds the length of the words that are looked up.
const longestWord = 20

// ranks are the words that users make passwords of, with the binary logarithm of their rank. They
// are unpacked at the first use, which takes some milliseconds and megabytes: a process that judges
// no password saves both.
var ranks = sync.OnceValue(func() map[string]uint8 {
	text, err := io.ReadAll(flate.NewReader(strings.NewReader(wordList)))
	if err != nil {
		panic(err) // the list is part of the binary
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
