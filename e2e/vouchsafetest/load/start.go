package load

import (
	"time"
)

// Start lets all users and apps work until Stop.
func (l *Load) Start() {
	l.stopped = make(chan struct{})
	for _, p := range l.people {
		l.repeat(func() { l.exchange(p) })
		l.repeat(func() { l.refresh(p) })
		l.repeat(func() { l.userinfo(p) })
	}
	l.repeat(l.credentials)
	l.repeat(l.assert)
	for range l.SignUps {
		l.repeat(l.signUp)
	}
}

func (l *Load) repeat(do func()) {
	l.wg.Go(func() {
		for l.pause(25 * time.Millisecond) { // so that no worker starves on two cores
			do()
		}
	})
}

// Stop ends the load, and waits for requests that have begun.
func (l *Load) Stop() {
	close(l.stopped)
	l.wg.Wait()
}
