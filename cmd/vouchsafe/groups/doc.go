// Package groups has the commands about what users belong to and may do: group and role.
package groups
