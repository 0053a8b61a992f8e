// Package jobs imports files of users beside the requests of a server. An administrator gives it a file, which is
// stored in sealed parts. A server checks the file, and changes nothing. If the administrator then wants it, a server
// adds the users. Each batch leaves a note of what is done, so that another server goes on when one ends; and it leaves
// time for sign-ins. The file is deleted as soon as it is needed no longer.
package jobs
