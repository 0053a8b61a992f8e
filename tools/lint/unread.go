package main

// unread are the packages that the analyzer prose leaves out, because their comments and lines have not
// been revised yet. The list only shrinks.
var unread = []string{
	"login", "login/api", "provider",
}
