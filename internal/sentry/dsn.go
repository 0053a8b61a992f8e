package sentry

import (
	"errors"
	"net/url"
	"path"
	"strings"
)

// DSN says where reports go, and with which key.
type DSN struct {
	url string // of envelopes
	key string
}

// Errors of ParseDSN. None quotes the DSN, which has a key.
var (
	errForm    = errors.New("is no DSN: write https://KEY@HOST/PROJECT, as the settings of the project show it")
	errKey     = errors.New("has no key: write https://KEY@HOST/PROJECT")
	errProject = errors.New("has no project at its end: write https://KEY@HOST/PROJECT")
)

// ParseDSN reads https://KEY@HOST/PATH/PROJECT. A secret after the key, as older services gave, is left out.
func ParseDSN(text string) (DSN, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Scheme != "https" && u.Scheme != "http", u.Host == "", u.RawQuery != "", u.Fragment != "":
		return DSN{}, errForm
	case u.User.Username() == "", !isWord(u.User.Username()):
		return DSN{}, errKey
	}
	above, project := path.Split(strings.TrimSuffix(u.Path, "/"))
	if !isWord(project) {
		return DSN{}, errProject
	}
	to := url.URL{Scheme: u.Scheme, Host: u.Host, Path: above + "api/" + project + "/envelope/"}
	return DSN{to.String(), u.User.Username()}, nil
}

// isWord reports whether s can be part of a header or path as it is.
func isWord(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}
