// Package webhooks tells the webhooks of tenants of events.
//
// The audit trail is what a webhook is sent from: an event is recorded in the transaction of its change, and no change
// costs a statement more because there are webhooks. A Worker gives events that are committed a place in the feed of
// their tenant, and stores in the same transaction what is to be sent (storage.Webhooks). The audit trail of a replica
// of an earlier release is sent as well.
//
// Deliveries happen at least once, and about one user one after the other. They follow Standard Webhooks: the id is
// the event's at every attempt, so that a receiver can tell repetitions.
//
// The package never follows a redirect, and never reaches an address that is not public.
package webhooks
