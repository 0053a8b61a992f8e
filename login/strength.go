package login

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/people/password"
)

const (
	maxScored = 8 << 10 // bytes of a request
	maxAbout  = 8       // names and addresses in it
)

// perScore bounds how often passwords are judged for one address: more often than people
// type, less than it takes to be a burden.
var perScore = limit.Rule{Name: "password-score", Max: 600, Window: 5 * time.Minute}

// score says how hard a password is to guess, for the meter beside its field: from 0 to 4,
// and in words. It keeps and notes nothing.
func (s *Server) score(w http.ResponseWriter, r *http.Request) error {
	ui.SetHeaders(w, web.TenantOf(r.Context()))
	if err := ui.SameSite(r); err != nil {
		return err
	}
	if typ, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || typ != "application/json" {
		return &web.Problem{Status: http.StatusUnsupportedMediaType, Message: "problem.unreadable"}
	}
	if _, err := s.Admit(r.Context(), s.askerOf(r), limit.Networks(web.RequestOf(r.Context()).IP, perScore, limit.Stays)...); err != nil {
		return ui.RefusalProblem(err)
	}
	var in struct {
		Password string   `json:"password"`
		About    []string `json:"about"`
	}
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxScored))
	dec.DisallowUnknownFields()
	err := dec.Decode(&in)
	if err == nil && dec.More() {
		err = io.ErrUnexpectedEOF
	}
	var tooBig *http.MaxBytesError
	switch {
	case errors.As(err, &tooBig):
		return err
	case err != nil || len(in.About) > maxAbout || len(in.Password) > password.MaxLength:
		return &web.Problem{Status: http.StatusBadRequest, Message: "problem.unreadable"}
	}
	say := s.words(r)
	n := password.Score(in.Password, append(in.About, say.Must("brand.name"), web.TenantOf(r.Context()).Name)...)
	out, err := json.Marshal(struct {
		Score int    `json:"score"`
		Text  string `json:"text"`
	}{n, say.Must("strength." + strconv.Itoa(n))})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(out) // the browser has gone
	return nil
}
