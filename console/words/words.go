// Package words holds the texts of the console, in all languages. The console also says those of the pages, which
// login/texts has.
//
// LANGUAGE/AREA.json holds the texts of one area, such as a place of the console. Every language has the same ids.
package words

import (
	"embed"
	"maps"
	"sync"

	"github.com/vouchsafe/vouchsafe/login/texts"
)

//go:embed */*.json
var files embed.FS

// In returns the texts of a language, which is one of texts.Languages: those of the console and those of the pages.
func In(language string) texts.Words { return all()[language] }

// all returns the texts by language. They are read at the first use, so that an unused console needs no memory.
var all = sync.OnceValue(func() map[string]texts.Words {
	own, err := texts.Read(files)
	if err != nil {
		panic(err) // they are built in, and tests read them
	}
	for lang, w := range own {
		both := maps.Clone(texts.In(lang))
		maps.Copy(both, w)
		own[lang] = both
	}
	return own
})
