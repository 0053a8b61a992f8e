// Package numbers keeps in SQL by which numbers apps of Keratin AuthN know users, and how many of them are active.
package numbers
