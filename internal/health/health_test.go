package health

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A disk that is away may hold a question for as long: who asks for readiness is answered all
// the same, and the questions do not pile up.
func TestReadinessDoesNotWaitForWhatIsSilent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		back := make(chan bool)
		h := &Health{Checks: []Check{NewCheck("database", func(context.Context) error {
			asked.Add(1)
			<-back
			return nil
		})}}
		for range 5 {
			begin := time.Now()
			if got := h.Look(t.Context()); got.Status != "unavailable" || got.Checks["database"].Error != errSilent.Error() {
				t.Errorf("got %+v", got)
			}
			if took := time.Since(begin); took > timeout {
				t.Errorf("answered after %v", took)
			}
			time.Sleep(2 * kept)
		}
		if n := asked.Load(); n != 1 {
			t.Errorf("it was asked %d times, want once until it answers", n)
		}
		close(back)
		synctest.Wait()
		if got := h.Look(t.Context()); got.Status != "ready" {
			t.Errorf("when it is back: got %+v", got)
		}
	})
}
