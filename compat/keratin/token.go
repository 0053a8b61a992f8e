package keratin

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/vouchsafe/vouchsafe/people/delegated"
	"github.com/vouchsafe/vouchsafe/storage"
)

// claims are those of an id_token.
type claims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"` // the number of the account, in decimal
	Audience []string `json:"aud"`
	Expires  int64    `json:"exp"`
	IssuedAt int64    `json:"iat"`
	AuthTime int64    `json:"auth_time"`
	Session  string   `json:"sid"`
	AMR      []string `json:"amr"`
}

// token returns an id_token for the page that asks.
func (d *Door) token(a *asking, u storage.User, sess storage.Session) (string, error) {
	number, err := d.People.Number(a.Context(), a.asker, u)
	if err != nil {
		return "", err
	}
	now := time.Now()
	plain, err := json.Marshal(claims{
		Issuer: d.URL, Subject: strconv.FormatInt(number, 10), Audience: []string{a.audience},
		Expires: now.Add(d.TokenLife).Unix(), IssuedAt: now.Unix(), AuthTime: sess.AuthTime.Unix(), Session: sess.ID,
		AMR: shownAMR(sess.AMR),
	})
	if err != nil {
		return "", err
	}
	return d.Keys.Sign(a.Context(), a.asker.Tenant.ID, "RS256", "JWT", plain)
}

// shownAMR returns the methods of a proof as apps know them.
func shownAMR(amr []string) []string {
	shown := []string{}
	for _, method := range amr {
		if method != "mfa" && method != "fed" && !slices.Contains(shown, method) {
			shown = append(shown, method)
		}
	}
	return shown
}

// signedIn gives the browser its session, and the app its token.
func (d *Door) signedIn(a *asking, in delegated.SignedIn) error {
	token, err := d.token(a, in.User, in.Session)
	if err != nil {
		return err
	}
	d.keep(a, in.Kept)
	return a.result(http.StatusCreated, map[string]string{"id_token": token})
}
