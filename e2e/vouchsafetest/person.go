package vouchsafetest

import (
	"sync"
)

// Person is a user with an account.
type Person struct {
	Email, Password string
}

// people are the users that the tests of a server share.
type people struct {
	once sync.Once
	jo   Person
	err  error
}

// JoClaims are Jo's claims: a value for every claim of the standard scopes.
var JoClaims = map[string]any{
	"name": "Jo Müller-O'Neill", "given_name": "Jo", "family_name": "Müller-O'Neill",
	"middle_name": "Kim", "nickname": "jojo",
	"preferred_username": "jo", "profile": "https://people.example/jo", "picture": "https://people.example/jo.png",
	"website": "https://jo.example/", "gender": "female", "birthdate": "1987-06-05",
	"zoneinfo": "Europe/Vienna", "locale": "de-AT",
	"phone_number": "+436601234567", "phone_number_verified": true,
	"address": map[string]any{
		"formatted": "Am Hof 1\n1010 Wien", "street_address": "Am Hof 1", "locality": "Wien",
		"region": "Wien", "postal_code": "1010", "country": "AT",
	},
}
