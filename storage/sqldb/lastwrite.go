package sqldb

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/vouchsafe/vouchsafe/storage"
)

// lastWrite is what became of the last write, as far as the engine is to blame: its disk may
// be full or read-only, or its server a standby now, while reading goes on.
type lastWrite struct {
	fault atomic.Pointer[error]
}

// note takes down how a write of the caller ended. That many queue, or that the caller went
// away, says nothing of the engine.
func (w *lastWrite) note(caller context.Context, err error) {
	switch {
	case err == nil:
		if w.fault.Load() != nil { // a store at each write would have the processors wait for each other
			w.fault.Store(nil)
		}
	case errors.Is(err, storage.ErrUnavailable) && !errors.Is(err, errQueued) && caller.Err() == nil:
		w.fault.Store(&err)
	}
}

// err is why it failed, or nil.
func (w *lastWrite) err() error {
	if fault := w.fault.Load(); fault != nil {
		return *fault
	}
	return nil
}

// WriteFault is why the last write failed, if that was the database's fault and as far as this
// process knows; nil when it succeeded. The next write that succeeds ends it.
func (s *Store) WriteFault() error {
	if err := s.engine.writeFault(); err != nil {
		return fmt.Errorf("last write: %w", err)
	}
	return nil
}
