package crashes

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// TestArgon2Flood lets 500 users sign in at once (threats M4, D9). Hashes wait for each other,
// other requests do not wait for them, and the memory is that of the hashes that run.
func TestArgon2Flood(t *testing.T) {
	const people, slots = 500, 2
	s := vouchsafetest.Start(t, vouchsafetest.Options{Shipped: true, Hashes: true, Clients: []vouchsafetest.Client{app},
		Env: map[string]string{"GOMAXPROCS": strconv.Itoa(slots)}})
	person := s.Person(t)
	api := s.API(t)
	if r := signIn(t, api, person.Email, person.Password); r.Status != http.StatusOK {
		t.Fatalf("sign in: got %d %s", r.Status, r.Raw)
	}
	r := vouchsafetest.NewRequest(web)
	tokens := api.Redeem(t, r, s.Browser(t, person).Code(t, r)).Want(t, 200, "")
	var crowd []*vouchsafetest.API
	for range people {
		a := s.API(t)
		a.Warm(t)
		crowd = append(crowd, a)
	}
	quiet := others(t, api, tokens, 100)
	base := memory(t, s, "VmRSS")
	forgetPeak(t, s)

	var mu sync.Mutex
	statuses := map[int]int{}
	var wg sync.WaitGroup
	for i, a := range crowd {
		wg.Go(func() {
			r := signIn(t, a, fmt.Sprintf("nobody-%d@example.com", i), "a wrong guess at it")
			if r == nil {
				t.Error("a sign-in was not answered")
				return
			}
			if r.Status == http.StatusServiceUnavailable && r.Header.Get("Retry-After") == "" {
				t.Error("got 503 without Retry-After")
			}
			mu.Lock()
			defer mu.Unlock()
			statuses[r.Status]++
		})
	}
	busy := others(t, api, tokens, 100)
	wg.Wait()
	peak := memory(t, s, "VmHWM")
	t.Logf("answers %v; others' p99 %v, in the flood %v; memory %d MiB, %d at most", statuses, quiet,
		busy, base>>20, peak>>20)
	if statuses[http.StatusUnprocessableEntity] < slots ||
		statuses[http.StatusUnprocessableEntity]+statuses[http.StatusServiceUnavailable] != people {
		t.Errorf("got answers %v, want 422 and 503 only", statuses)
	}
	// A hash takes 19 MiB, a request that waits some 100 KiB.
	if most := base + slots*19<<20 + people*100<<10; peak > most {
		t.Errorf("got %d MiB at most, want no more than %d", peak>>20, most>>20)
	}
}

// TestNoMemoryForAHash makes the system refuse the memory of a hash. The user who signs in is asked
// to try again, and succeeds as soon as there is memory.
func TestNoMemoryForAHash(t *testing.T) {
	t.Parallel()
	s := vouchsafetest.Start(t, vouchsafetest.Options{Hashes: true, Clients: []vouchsafetest.Client{app}})
	person := s.Person(t)
	api := s.API(t)
	want := func(status int) {
		t.Helper()
		r := signIn(t, api, person.Email, person.Password)
		if r == nil || r.Status != status || status == http.StatusServiceUnavailable && r.Header.Get("Retry-After") == "" {
			t.Errorf("sign in: got %+v, want %d", r, status)
		}
		r = api.Token(t, vouchsafetest.ServicePost, "grant_type", "client_credentials")
		r.Want(t, 200, "") // which needs no hash
	}
	want(http.StatusOK)
	// Less memory than a hash needs, and enough for everything else.
	var was unix.Rlimit
	if err := unix.Prlimit(s.Pid(), unix.RLIMIT_AS, nil, &was); err != nil {
		t.Fatal(err)
	}
	little := was
	little.Cur = uint64(memory(t, s, "VmSize") + 12<<20)
	if err := unix.Prlimit(s.Pid(), unix.RLIMIT_AS, &little, nil); err != nil {
		t.Fatal(err)
	}
	want(http.StatusServiceUnavailable)
	if err := unix.Prlimit(s.Pid(), unix.RLIMIT_AS, &was, nil); err != nil {
		t.Fatal(err)
	}
	want(http.StatusOK)
}

func signIn(t *testing.T, api *vouchsafetest.API, login, password string) *vouchsafetest.Reply {
	return api.Try(t, api.JSON(t, "/auth/sign-in",
		map[string]any{"client_id": app.ID(), "login": login, "password": password}))
}

// others sends requests that need no hash, and returns the 99th percentile of their duration.
func others(t *testing.T, api *vouchsafetest.API, tokens *vouchsafetest.Reply, times int) time.Duration {
	t.Helper()
	var took []time.Duration
	for range times {
		began := time.Now()
		if info := api.Userinfo(t, tokens.Access()); info.Status != http.StatusOK {
			t.Errorf("user info: got %d %s", info.Status, info.Raw)
		}
		api.Keys(t)
		api.Token(t, vouchsafetest.ServicePost, "grant_type", "client_credentials").Want(t, 200, "")
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took[len(took)*99/100]
}

// memory returns a figure of the process in bytes: VmRSS is the present one, VmHWM the peak.
func memory(t *testing.T, s *vouchsafetest.Server, name string) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.Pid()))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(text)
	if m == nil {
		t.Fatalf("the system does not tell %s", name)
	}
	kilobytes, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes << 10
}

// forgetPeak resets VmHWM.
func forgetPeak(t *testing.T, s *vouchsafetest.Server) {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", s.Pid()), []byte("5"), 0); err != nil {
		t.Fatal(err)
	}
}
