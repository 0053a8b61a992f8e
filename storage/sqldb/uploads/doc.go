// Package uploads keeps in SQL the files of users that administrators gave to a server, and what became of them.
package uploads
