package costs

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/buildtest"
	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// TestLastActivityIsWrittenOnceAnHour opens pages all day: each session has its last use written once an hour, and
// administrators see the last activity to the hour.
func TestLastActivityIsWrittenOnceAnHour(t *testing.T) {
	t.Parallel()
	for _, production := range []bool{false, true} {
		t.Run(map[bool]string{false: "embedded", true: "production"}[production], func(t *testing.T) {
			t.Parallel()
			clock := buildtest.NewClock(t)
			s := vouchsafetest.Start(t, vouchsafetest.Options{Production: production, Clock: clock})
			browser := s.Browser(t, s.Person(t))
			browser.Code(t, vouchsafetest.NewRequest(web))
			active := func() time.Time {
				t.Helper()
				var shown struct {
					At time.Time `json:"last_activity"`
				}
				text := s.Command(t, "", "user", "show", browser.Person.Email, "--json")
				if err := json.Unmarshal([]byte(text), &shown); err != nil || shown.At.IsZero() {
					t.Fatalf("got %s, %v", text, err)
				}
				return shown.At
			}
			began := active()
			last, writes := began, 0
			const visits = 12
			for i := range visits {
				clock.Set(t, time.Duration(i+1)*20*time.Minute)
				if page := browser.Get(t, "/account"); page.Status != 200 {
					t.Fatalf("got %d at %s", page.Status, page.URL)
				}
				now := active()
				if !now.Equal(last) {
					writes++
					if now.Sub(last) < time.Hour {
						t.Errorf("it was written %v after the time before", now.Sub(last))
					}
				}
				last = now
			}
			if behind := visits*20*time.Minute - time.Until(last); writes < 2 || writes > 4 || behind > 80*time.Minute {
				t.Errorf("within 4 hours it was written %d times, and is %v behind", writes, behind)
			}
		})
	}
}
