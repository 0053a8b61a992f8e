// Package errorsx holds what fosite uses of github.com/ory/x/errorsx. See
// ../README.md.
package errorsx

// WithStack returns err as it is. Vouchsafe does not print stack traces of
// protocol errors, and building one for every handler that passes on a request
// costs more than the rest of fosite's pipeline.
func WithStack(err error) error { return err }

// Cause unwraps err by its Cause methods to the innermost one.
func Cause(err error) error {
	for err != nil {
		c, ok := err.(interface{ Cause() error })
		if !ok {
			return err
		}
		inner := c.Cause()
		if inner == nil {
			return err
		}
		err = inner
	}
	return nil
}

// An error may carry more than its text; fosite asserts that its own does.
type (
	// StatusCodeCarrier knows an HTTP status code.
	StatusCodeCarrier interface{ StatusCode() int }
	// StatusCarrier knows an HTTP status text.
	StatusCarrier interface{ Status() string }
	// RequestIDCarrier knows the request it arose in.
	RequestIDCarrier interface{ RequestID() string }
	// ReasonCarrier knows the reason.
	ReasonCarrier interface{ Reason() string }
	// DebugCarrier knows what helps to debug.
	DebugCarrier interface{ Debug() string }
	// DetailsCarrier knows details.
	DetailsCarrier interface{ Details() map[string]any }
)
