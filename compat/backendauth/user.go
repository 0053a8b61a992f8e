package backendauth

import (
	"errors"
	"net/http"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/people/tenantapp"
	"github.com/vouchsafe/vouchsafe/storage"
)

// addUser is POST /user.
func (d *Door) addUser(a *asking) error {
	var f faults
	n := tenantapp.NewUser{
		Email: a.body.email(&f, "email"), Login: a.body.text(&f, "login", maxLogin),
		Password: a.body.text(&f, "password", password.MaxLength), Subject: a.body.text(&f, "sub", maxSubject),
		Scope: a.body.scope(&f),
	}
	if err := f.err(); err != nil {
		return err
	}
	u, err := d.People.AddUser(a.Context(), a.asApp(), n)
	if errors.Is(err, tenantapp.ErrHash) {
		f.add("password", "string.regex.base", 0, "is a bcrypt hash that cannot be used")
		return f.err()
	}
	if err != nil {
		return err
	}
	return a.answer(u)
}

// Lengths of a login that is looked for, in characters.
const (
	shortestQuery = 3
	longestQuery  = 120
)

// listUsers is GET /user: a page of all, or the one with a login.
func (d *Door) listUsers(a *asking) error {
	q := a.URL.Query()
	if q.Has("q") {
		return d.findUser(a, q.Get("q"))
	}
	cursor := q.Get("cursor")
	if cursor == "0" {
		cursor = ""
	}
	if id, err := uuid.Parse(cursor); cursor != "" && (err != nil || id.String() != cursor) {
		var f faults
		f.add("cursor", "string.base", 0, "must be a nextCursor of the page before")
		return f.err()
	}
	users, next, err := d.People.ListUsers(a.Context(), a.asker, cursor, d.PageLength)
	if err != nil {
		return err
	}
	if next == "" {
		next = "0"
	}
	for i := range users {
		users[i].Tenant = ""
	}
	return a.answer(map[string]any{"users": users, "nextCursor": next})
}

// findUser answers with the user who has the login, or with none.
func (d *Door) findUser(a *asking, login string) error {
	var f faults
	login = checked(&f, "q", login, shortestQuery, longestQuery)
	if err := f.err(); err != nil {
		return err
	}
	users := []tenantapp.User{}
	u, err := d.People.FindUser(a.Context(), a.asker, login)
	switch {
	case err == nil:
		u.Tenant = ""
		users = append(users, u)
	case !errors.Is(err, storage.ErrNotFound):
		return err
	}
	return a.answer(map[string]any{"users": users})
}

// removeUser is DELETE /user/LOGIN.
func (d *Door) removeUser(a *asking) error {
	var f faults
	err := error(storage.ErrNotFound)
	if login := checked(&f, "login", a.PathValue("login"), 1, maxLogin); login != "" {
		err = d.People.RemoveUser(a.Context(), a.asApp(), login)
	}
	if errors.Is(err, storage.ErrNotFound) {
		failText(a.w, http.StatusNotFound, "Specified login does not exist or was already deleted.")
		return nil
	}
	if err != nil {
		return err
	}
	return a.done()
}
