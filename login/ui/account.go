package ui

import (
	"time"

	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/tenants/brand"
)

// Account is an account as its owner sees it.
type Account struct {
	Session string // the id of its session
	Login   string // what the user signs in with
	Name    string
	Initial string
	Fresh   bool // whether the user has proven it within the last minutes
	// AuthTime is when the user last signed in to it; zero for an account without a session.
	AuthTime time.Time
	User     storage.User
}

// AccountOf returns the account of a session.
func AccountOf(a sessions.Account) *Account {
	v := AccountOfUser(a.User)
	v.Session, v.Fresh, v.AuthTime = a.ID, people.IsFresh(a.AuthTime), a.AuthTime
	return v
}

// AccountOfUser returns the account of a user without a session.
func AccountOfUser(u storage.User) *Account {
	v := &Account{Login: address.Shown(u.Email), Name: u.Profile.Name, User: u}
	if v.Login == "" {
		v.Login = u.Username
	}
	if v.Name == "" {
		v.Name = u.Username
	}
	if v.Name == v.Login {
		v.Name = ""
	}
	v.Initial = brand.Initial(v.Name + " " + v.Login)
	return v
}
