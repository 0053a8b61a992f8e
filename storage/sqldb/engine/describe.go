package engine

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"
)

// Describe names the database of a URL for people to read, without its user and password: the path of the
// file, or the name of the database and its server. It returns "" if Open would refuse the URL.
func Describe(url string) string {
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		if absolute, err := filepath.Abs(path); err == nil {
			return absolute
		}
		return path
	}
	config, err := parsePostgres(url)
	if err != nil {
		return ""
	}
	c := config.ConnConfig
	return fmt.Sprintf("%s on %s, port %d (PostgreSQL)", cmp.Or(c.Database, c.User), c.Host, c.Port)
}
