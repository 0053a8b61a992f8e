package ui

import "net/http"

// told is what a page shows that only says something.
type told struct {
	Lead  string
	Links []Link
}

// Link leads from a page that only says something to another page of ours; Text names it by the id
// of a text.
type Link struct{ Page, Text string }

// Tell shows a page that only says something. Title and lead are ids of texts. The first link is
// shown as a button. A form is answered with a redirect to that page, as Refuse does.
func (s *Site) Tell(w http.ResponseWriter, r *http.Request, status int, title, lead string, links ...Link) error {
	if r.Method == http.MethodPost {
		return s.refuse(w, r, r.URL.Path, Refused{Status: status, Told: &toldIDs{title, lead, links}}, nil)
	}
	in, err := s.Interaction(r)
	if err != nil {
		return err
	}
	v := s.View(w, r, title, in)
	page := told{Lead: v.Words.Must(lead)}
	for _, l := range links {
		page.Links = append(page.Links, Link{l.Page, v.Words.Must(l.Text)})
	}
	v.Page = page
	return s.Show(w, status, "told", v)
}
