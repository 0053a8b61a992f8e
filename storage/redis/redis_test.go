package redis_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/vouchsafe/vouchsafe/internal/faultproxy"
	"github.com/vouchsafe/vouchsafe/internal/redistest"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/ephemeral"
	"github.com/vouchsafe/vouchsafe/storage/redis"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

func open(t testing.TB, urls string) *redis.Store {
	t.Helper()
	s, err := redis.Open(urls)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil && !errors.Is(err, goredis.ErrClosed) {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// count is how a counter stands after one attempt more.
func count(t testing.TB, s *redis.Store, key string) (int64, error) {
	t.Helper()
	a, err := s.Admit(t.Context(), []ephemeral.Counter{{Key: "{" + key + "}", Max: 1 << 40, Window: time.Hour}})
	if err != nil {
		return 0, err
	}
	return a.Counts[0], nil
}

func TestContract(t *testing.T) {
	storagetest.Ephemeral(t, open(t, redistest.Start(t)), time.Sleep)
}

func TestCommandsComeBackAfterRedis(t *testing.T) {
	server := redistest.StartServer(t, "--requirepass", "p@ss,word")
	ctx := t.Context()
	s := open(t, strings.Replace(server.URL(), "redis://", "redis://:p%40ss%2Cword@", 1))
	if n, err := count(t, s, "a"); n != 1 || err != nil {
		t.Fatalf("got %d, %v, want 1", n, err)
	}
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	_, admit := count(t, s, "a")
	_, get := s.Get(ctx, "a")
	_, take := s.Take(ctx, "a")
	for name, err := range map[string]error{
		"Admit": admit, "Get": get, "Take": take,
		"Put":     s.Put(ctx, "a", nil, time.Hour),
		"Release": s.Release(ctx, ephemeral.Release{Back: []ephemeral.Counter{{Key: "a"}}}), "Ping": s.Ping(ctx),
	} {
		if !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("%s: got %v, want %v", name, err, storage.ErrUnavailable)
		}
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	// The script is unknown to the new process.
	back(t, s)
	if n, err := count(t, s, "a"); n != 1 || err != nil {
		t.Errorf("got %d, %v, want 1", n, err)
	}
	wrong := open(t, server.URL())
	if err := wrong.Ping(ctx); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("without the password: got %v, want %v", err, storage.ErrUnavailable)
	}
}

func TestSilenceIsBounded(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // connects and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	// A caller with less patience than the store gives up long before callers that have as much.
	// A machine that sleeps for a second does not do so three times.
	for tries := 3; ; tries-- {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		gaveUp := make(chan string, 2)
		for who, ctx := range map[string]context.Context{"patient": t.Context(), "hurried": ctx} {
			s := open(t, "redis://"+l.Addr().String()) // one that has noticed would not ask
			go func() {
				if _, err := s.Get(ctx, "a"); !errors.Is(err, storage.ErrUnavailable) {
					t.Errorf("%s: got %v, want %v", who, err, storage.ErrUnavailable)
				}
				gaveUp <- who
			}()
		}
		first := <-gaveUp
		after := time.Now()
		<-gaveUp // no caller waits for ever
		if first == "hurried" && time.Since(after) > 500*time.Millisecond {
			break
		}
		if tries == 1 {
			t.Fatal("a caller with 100 ms waited as long as one with all the time")
		}
	}
}

// A sign-in asks several counters: only the first of them may have to wait.
func TestOneWaitsForSilence(t *testing.T) {
	server := redistest.StartServer(t)
	proxy := faultproxy.Start(t, server.Address())
	s := open(t, "redis://"+proxy.Address)
	if n, err := count(t, s, "a"); n != 1 || err != nil {
		t.Fatalf("got %d, %v, want 1", n, err)
	}
	proxy.Set(faultproxy.Fault{Silent: true})
	var took []time.Duration
	for range 20 {
		start := time.Now()
		if _, err := count(t, s, "a"); !errors.Is(err, storage.ErrUnavailable) {
			t.Fatalf("got %v, want %v", err, storage.ErrUnavailable)
		}
		took = append(took, time.Since(start))
	}
	// Those that wait do so for a second; a busy machine may add others, but not many.
	if slices.Sort(took); took[len(took)-5] > 500*time.Millisecond {
		t.Errorf("calls took %v, want one at most to wait", took)
	}
	proxy.Set(faultproxy.Fault{})
	back(t, s)
	// It is asked for ever, and yet ends with the store. A machine that is busy for a second
	// is not so three times.
	for tries := 3; ; tries-- {
		s := open(t, "redis://"+proxy.Address)
		back(t, s)
		proxy.Set(faultproxy.Fault{Silent: true})
		_, _ = s.Get(t.Context(), "a")
		start := time.Now()
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		took := time.Since(start)
		if took < time.Second {
			break
		}
		if tries == 1 {
			t.Fatalf("closing took %v", took)
		}
		proxy.Set(faultproxy.Fault{})
	}
}

// back waits until the store works again.
func back(t *testing.T, s *redis.Store) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		_, err := s.Get(t.Context(), "nothing")
		if errors.Is(err, storage.ErrNotFound) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("not back within a minute: %v", err)
		}
	}
}

func TestSentinel(t *testing.T) {
	master := redistest.StartServer(t)
	_, port, _ := net.SplitHostPort(master.Address())
	var addresses []string
	for range 2 {
		sentinel := redistest.StartSentinel(t, "main", port, 2)
		addresses = append(addresses, sentinel.Address())
	}
	s := open(t, "redis://"+strings.Join(addresses, ",")+"/0?master_name=main")
	storagetest.Ephemeral(t, s, time.Sleep)
}

func TestCluster(t *testing.T) {
	addresses := redistest.StartCluster(t)
	s := open(t, strings.Join(addresses[:2], ","))
	storagetest.Ephemeral(t, s, time.Sleep)
	for i := range 50 { // of every node
		if n, err := count(t, s, fmt.Sprint("slot ", i)); n != 1 || err != nil {
			t.Fatalf("got %d, %v, want 1", n, err)
		}
	}
	one := open(t, "redis://"+addresses[0]+"?cluster=true")
	if n, err := count(t, one, "slot 7"); n != 2 || err != nil {
		t.Errorf("got %d, %v, want 2", n, err)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	for _, urls := range []string{
		"", "redis://a,", "http://a", "redis://a:6379,rediss://b:6379", "redis://a/x", "redis://a?nonsense=1",
		"redis://:secret@a:b", "redis://:secret%zz@a",
	} {
		s, err := redis.Open(urls)
		if err == nil {
			s.Close()
			t.Errorf("%q: opened", urls)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error repeats the password: %v", urls, err)
		}
	}
	for _, urls := range []string{
		"localhost", "a:1,b:2", "rediss://user:pw@a:1,b:2", "redis://a:1,redis://b:2/0?master_name=m",
		"redis://[::1]:6379/3?pool_size=4",
	} {
		s, err := redis.Open(urls)
		if err != nil {
			t.Errorf("%q: %v", urls, err)
			continue
		}
		s.Close()
	}
}

// BenchmarkAdmit counts a sign-in: by three networks, a name, an account and the tenant.
func BenchmarkAdmit(b *testing.B) {
	s := open(b, redistest.Start(b))
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			var by []ephemeral.Counter
			for n := range 6 {
				by = append(by, ephemeral.Counter{Key: fmt.Sprintf("{tenant} %d %d", n, i%1000), Max: 1 << 40, Window: time.Hour,
					Longest: time.Duration(n%2) * 2 * time.Hour})
			}
			if _, err := s.Admit(b.Context(), by); err != nil {
				b.Fatal(err)
			}
		}
	})
}
