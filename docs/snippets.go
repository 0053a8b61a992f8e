// Package docs gives the programs of the pages about client libraries, which tests run as they are printed, to those
// who show them elsewhere.
package docs

import (
	"embed"
	"regexp"
	"strings"
)

//go:embed clients-*.md
var pages embed.FS

// Snippet is a file of a sample program.
type Snippet struct{ File, Text string }

// Values are what a sample is shown with, in place of what the page has. The client's secret stays a placeholder.
type Values struct{ Issuer, ClientID, RedirectURI string }

var (
	block    = regexp.MustCompile("(?ms)^```(\\S+)(?: (\\S+))?\n(.*?)^```$")
	redirect = regexp.MustCompile(`--redirect-uri (\S+)`)
)

// Snippets returns the files of the program in a section of a page, such as "openid-client" of "clients-javascript". A
// section that is not there has none.
func Snippets(page, section string, v Values) (all []Snippet) {
	text, err := pages.ReadFile(page + ".md")
	if err != nil {
		return nil
	}
	_, rest, found := strings.Cut(string(text), "\n## "+section+"\n")
	if !found {
		return nil
	}
	rest, _, _ = strings.Cut(rest, "\n## ")
	replace := []string{"http://localhost:8080", v.Issuer, "my-app", v.ClientID}
	if m := redirect.FindStringSubmatch(rest); m != nil && v.RedirectURI != "" {
		replace = append([]string{`"` + m[1] + `"`, `"` + v.RedirectURI + `"`}, replace...)
	}
	as := strings.NewReplacer(replace...)
	for _, m := range block.FindAllStringSubmatch(rest, -1) {
		if m[2] != "" {
			all = append(all, Snippet{m[2], as.Replace(m[3])})
		}
	}
	return all
}
