// Package apps has the commands about what users sign in to: client, api, api-key and claim.
package apps
