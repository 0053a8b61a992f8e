package engine

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/faultproxy"
	"github.com/vouchsafe/vouchsafe/internal/pgtest"
	"github.com/vouchsafe/vouchsafe/storage"
)

// A statement that was executed and whose answer was lost must not be repeated: the caller cannot know
// that it was executed.
func TestWhatMayHaveHappenedIsNotRepeated(t *testing.T) {
	t.Parallel()
	direct := pgtest.Start(t)
	u, err := url.Parse(direct)
	if err != nil {
		t.Fatal(err)
	}
	proxy := faultproxy.Start(t, u.Host)
	s := openMigrated(t, strings.Replace(direct, u.Host, proxy.Address, 1))
	beside := openMigrated(t, direct)
	for i := range 20 {
		for answer, write := range map[string]func(func(Conn) error) error{
			"COMMIT":     func(run func(Conn) error) error { return s.engine.Transact(t.Context(), run) },
			"INSERT 0 1": func(run func(Conn) error) error { return s.engine.Write(t.Context(), run) },
		} {
			if _, err := s.engine.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			value, runs := fmt.Sprint(answer, i), 0
			proxy.Set(faultproxy.Fault{ResetAt: answer})
			err := write(func(c Conn) error {
				runs++
				return spendIn(value)(c)
			})
			proxy.Set(faultproxy.Fault{})
			if !errors.Is(err, storage.ErrUnavailable) || runs != 1 {
				t.Errorf("%s: got %v after %d runs, want %v after 1", answer, err, runs, storage.ErrUnavailable)
			}
			if err := beside.engine.Write(t.Context(), spendIn(value)); !errors.Is(err, storage.ErrExists) {
				t.Errorf("%s: got %v, want it to have happened", answer, err)
			}
		}
	}
}
