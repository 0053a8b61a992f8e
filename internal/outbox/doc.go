// Package outbox sends what waits in storage.Outbox.
//
// A delivery is stored by the change that causes it, and sent by the Worker of one replica, through the
// Sender of its channel. A worker claims deliveries under a lease, so that replicas never send the same
// one at once. It tries again, with longer and longer waits, until the delivery is taken, refused for good
// or too often tried; those given up are kept for an operator to look at.
//
// A delivery may be sent twice only when the receiver took it and the worker ended before noting so. Its
// id is then the same.
//
// The package does not know what it sends: a Sender opens and composes it.
package outbox
