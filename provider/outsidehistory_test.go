package provider

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// outside is a model of what is known of a client by URL: docs/mcp.md in code. Ages are those of the record.
type outside struct {
	says            string // document, broken, or a status
	stored          bool
	failed          map[int]time.Time // when replicas could not read a document that was never read
	read, asked     time.Duration
	fresh           time.Duration // until it is read again
	faulty, broken  bool
	denied, removed bool
	connected       bool
}

// asks predicts whether a request of the client reaches a page that asks the user.
func (m *outside) asks(replica int) bool {
	reads := m.says == "document"
	switch {
	case !m.stored && time.Since(m.failed[replica]) < 8*time.Second: // they remember it for ten
		return false
	case !m.stored:
		if m.stored = reads; !reads {
			m.failed[replica] = time.Now()
		}
		m.read, m.asked, m.fresh = 0, 0, time.Hour
		return reads
	case m.denied:
		return false
	case m.fresh > 0:
		return true
	case !m.faulty || m.asked >= time.Minute:
		m.asked, m.faulty = 0, !reads
		if m.broken = m.says == "broken"; reads {
			m.read, m.fresh = 0, time.Hour
		}
	}
	return !m.broken && m.read < 48*time.Hour
}

// ages lets time pass for what is stored.
func (m *outside) ages(by time.Duration) {
	m.read, m.asked, m.fresh = m.read+by, m.asked+by, m.fresh-by
}

// outsideHistory is a history of one client, at two replicas.
type outsideHistory struct {
	*guest
	model    outside
	replicas []*guest
	refresh  string // token
	steps    []string
}

// TestHistoriesOfOutsideClients does random things with clients by URL: their documents change, fail and come back,
// administrators allow and deny them, users connect and remove them. Each answer is compared with a model.
func TestHistoriesOfOutsideClients(t *testing.T) {
	t.Parallel()
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := startGuest(t, database(t), anyone)
			seed := rand.Uint64()
			random := rand.New(rand.NewPCG(seed, 1))
			for i := range map[string]int{"SQLite": 25, "PostgreSQL": 6}[name] {
				g.host.id = fmt.Sprintf("%s/oauth/%d.json", g.host.URL, i)
				h := &outsideHistory{guest: g, model: outside{failed: map[int]time.Time{}}}
				h.replicas = []*guest{g, {&visitor{g.replica(), g.cookies}, g.host}}
				h.publishes("document")
				for range 5 + random.IntN(20) {
					if !h.step(random) {
						t.Fatalf("seed %d, history %d ended otherwise than the model: %s", seed, i, strings.Join(h.steps, "; "))
					}
				}
			}
		})
	}
}

// publishes has the host say the document, a broken one, or a status.
func (h *outsideHistory) publishes(what string) {
	h.model.says = what
	h.host.answers(http.StatusOK)
	h.host.says(editor)
	switch what {
	case "broken":
		h.host.says(strings.Replace(editor, `"ID"`, `"https://other.example/c.json"`, 1))
	case "document":
	default:
		var status int
		_, _ = fmt.Sscan(what, &status)
		h.host.answers(status)
	}
}

// step does one thing, and reports whether it ended as the model says.
func (h *outsideHistory) step(random *rand.Rand) bool {
	m, which := &h.model, random.IntN(len(h.replicas))
	at := h.replicas[which]
	at.ip = fmt.Sprintf("2001:db8:%x::1", addresses.Add(1)) // fetches are limited by address
	note := func(format string, args ...any) { h.steps = append(h.steps, fmt.Sprintf(format, args...)) }
	switch random.IntN(10) {
	case 0, 1:
		h.publishes([]string{"document", "broken", "404", "429", "500", "document"}[random.IntN(6)])
		note("publishes %s", m.says)
	case 2:
		if by := []time.Duration{2 * time.Minute, 2 * time.Hour, 50 * time.Hour}[random.IntN(3)]; m.stored {
			note("%s pass", by)
			at.ages(by)
			m.ages(by)
		}
	case 3:
		if m.stored {
			verdict := []string{storage.VerdictAllowed, storage.VerdictDenied, ""}[random.IntN(3)]
			note("judged %q", verdict)
			if _, err := clients.Judge(h.Context(), h.store, h.stored(), verdict, audit.Actor("cli")); err != nil {
				h.Fatal(err)
			}
			m.denied = verdict == storage.VerdictDenied
		}
	case 4:
		if m.connected && !m.removed {
			note("removed by the user")
			h.apply(storage.Change{TenantID: h.tenant.ID, UserID: h.user.ID, Now: time.Now(), Withdraw: h.host.id})
			m.removed = true
		}
	case 5, 6:
		if m.connected {
			return h.refreshes(at, note)
		}
	case 7:
		return h.connects(at, which, note)
	default:
		to, status := at.asks()
		want := m.asks(which)
		note("asks at %d: %d, want %t", which, status, want)
		if got := to != ""; got != want {
			return false
		}
	}
	h.share()
	return true
}

// share has all replicas read the client anew: they keep it for a second.
func (h *outsideHistory) share() {
	for _, r := range h.replicas {
		_, _ = r.p.clients.Fresh(h.inTenant().Context(), h.tenant.ID, h.host.id)
	}
}

// refreshes uses the refresh token: it needs no document, but an administrator who does not deny the client, and a user
// who has not removed it.
func (h *outsideHistory) refreshes(at *guest, note func(string, ...any)) bool {
	a := at.refresh(&storage.Client{ClientID: h.host.id}, h.refresh)
	want := !h.model.denied && !h.model.removed
	note("refreshes: %d, want %t", a.status, want)
	if a.status == http.StatusOK {
		h.refresh = a.str("refresh_token")
	}
	return (a.status == http.StatusOK) == want
}

// connects allows the client all it asks for, and redeems the code.
func (h *outsideHistory) connects(at *guest, which int, note func(string, ...any)) bool {
	want := h.model.asks(which)
	if to, _ := at.asks(); (to != "") != want {
		note("connects, asks: want %t", want)
		return false
	}
	h.share()
	if !want {
		return true
	}
	err := storagetest.PutConsent(h.Context(), h.store.(storage.Changes), storage.Consent{TenantID: h.tenant.ID,
		UserID: h.user.ID, ClientID: h.host.id, Scopes: []string{"tools", "offline_access"}, Resources: []string{mcpServer},
		GrantedAt: time.Now()})
	if err != nil {
		h.Fatal(err)
	}
	to, status := at.asks()
	u, err := url.Parse(to)
	if err != nil {
		h.Fatal(err)
	}
	a := at.post(values("grant_type", "authorization_code", "client_id", h.host.id, "code", u.Query().Get("code"),
		"redirect_uri", "http://localhost:58135/callback", "code_verifier", testVerifier))
	note("connects: %d, %d", status, a.status)
	if a.status != http.StatusOK {
		return false
	}
	h.refresh, h.model.connected, h.model.removed = a.str("refresh_token"), true, false
	return true
}
