// Package command has what commands share: the flags that many of them have, the settings, and where a command works.
//
// A command is a struct with its flags, and a method Run that gets an App. It reads the flags, asks, and prints. What
// it does is a method of desk.Desk, which WithDesk opens on the database or, with --server, at a server; commands that
// repair the database itself use WithStore. A use case belongs into people, clients or tenants, never here.
package command
