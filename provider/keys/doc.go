// Package keys makes, rotates and uses the keys that sign tokens: a ring for all tenants.
//
// A key is published for a day before it signs, and for the life of what it signed after it has a
// successor, so that no client meets a token whose key it cannot know. Replicas agree by the
// sequence numbers of keys, which storage keeps unique. A ring reads storage at most once a second
// for each tenant, and opens a private half once.
//
// The package knows how a token is signed and by whom. What a token says, and whether it still
// counts, is decided above.
package keys
