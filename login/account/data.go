package account

import (
	"bytes"
	"encoding/json"
	"net/http"
	"time"
)

// dataPage offers the download.
func (s *Server) dataPage(w http.ResponseWriter, r *http.Request) error {
	a, err := s.fresh(r)
	if err != nil {
		return err
	}
	return s.Site.Show(w, http.StatusOK, "account-data", s.view(w, r, "account.data", a.Account))
}

// postData answers with the download.
func (s *Server) postData(w http.ResponseWriter, r *http.Request) error {
	a, err := s.fresh(r)
	if err != nil {
		return err
	}
	data, err := s.People.ExportData(r.Context(), s.Site.Asker(r), a.owner)
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetIndent("", "  ")
	if err := enc.Encode(data); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="account-`+data.Made.Format(time.DateOnly)+`.json"`)
	_, _ = w.Write(buf.Bytes()) // the browser has gone
	return nil
}
