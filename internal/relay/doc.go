// Package relay gives messages to the servers that deliver them: mails to a mail server (SMTP), text
// messages to a webhook.
//
// Package people/mail composes and renders the messages. The worker of internal/outbox decides when one is
// tried, and what becomes of it when a server refuses it.
package relay
