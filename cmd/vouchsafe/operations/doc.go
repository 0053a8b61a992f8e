// Package operations has the commands for what an operator watches and renews: key, secret, mail, webhook, audit and
// stats.
package operations
