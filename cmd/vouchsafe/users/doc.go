// Package users has the commands about users: user, invitation, admin and import.
package users
