// Package otelx holds the one function of github.com/ory/x/otelx that fosite
// calls. See ../README.md.
package otelx

import (
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// End marks the span as failed when *err is set, and ends it. It is meant to be
// deferred, with a pointer to the named error result.
func End(span trace.Span, err *error) {
	if err != nil && *err != nil {
		span.SetStatus(codes.Error, (*err).Error())
	}
	span.End()
}
