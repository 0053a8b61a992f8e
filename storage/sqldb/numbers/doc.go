// Package numbers keeps in SQL by which numbers apps of Keratin AuthN know users, and when these were active.
package numbers
