// Package oauth is what the endpoints of the protocol share: errors, forms, answers in JSON, and
// clients as fosite sees them.
//
// fosite's RFC6749Error is the only protocol error. An endpoint returns fosite's own values, or one
// of those here, with a description for the developer of the client; Handler writes it. An error of
// any other type is a fault of this server, whose cause goes only to the log.
package oauth
