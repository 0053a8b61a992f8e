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
	"github.com/vouchsafe/vouchsafe/people/password/strength"
)

const (
	maxScored = 8 << 10 // bytes of a request's body
	maxAbout  = 8       // names and addresses of the user in a request
)

// perScore limits the passwords that one network address may have scored: more than users type, and too few to
// load the server.
var perScore = limit.Rule{Name: "password-score", Max: 600, Window: 5 * time.Minute}

// score answers the meter beside a password field: how hard the password is to guess, from 0 to 4, and in words.
// It neither stores nor logs the password.
func (s *Server) score(w http.ResponseWriter, r *http.Request) error {
	ui.SetHeaders(w, web.TenantOf(r.Context()))
	if err := ui.SameSite(r); err != nil {
		return err
	}
	if typ, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || typ != "application/json" {
		return &web.Problem{Status: http.StatusUnsupportedMediaType, Message: "problem.unreadable"}
	}
	networks := limit.Networks(web.RequestOf(r.Context()).IP, perScore, limit.Stays)
	if _, err := s.Admit(r.Context(), s.askerOf(r), networks...); err != nil {
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
	n := strength.Score(in.Password, append(in.About, say.Must("brand.name"), web.TenantOf(r.Context()).Name)...)
	out, err := json.Marshal(struct {
		Score int    `json:"score"`
		Text  string `json:"text"`
	}{n, say.Must("strength." + strconv.Itoa(n))})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(out) // an error means that the browser has gone
	return nil
}
