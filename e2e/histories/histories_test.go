// Package histories does random operations on the server, one after another and at the same time,
// and compares every answer with a small model of what must be valid. A history that the model
// forbids is shortened as far as possible, and printed.
package histories

import (
	"flag"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func TestMain(m *testing.M) {
	flag.Parse()
	for name, value := range map[string]string{
		"rapid.checks": strconv.Itoa(vouchsafetest.Rounds(8)), "rapid.nofailfile": "true", "rapid.shrinktime": "20s",
	} {
		if err := flag.Set(name, value); err != nil {
			panic(err) // rapid defines it
		}
	}
	vouchsafetest.Main(m)
}

func TestHistories(t *testing.T) {
	for _, place := range []struct {
		name       string
		production bool
		grace      string
	}{
		{"embedded", false, "1m"},
		{"embedded without grace", false, "0s"},
		{"two replicas", true, "1m"},
	} {
		t.Run(place.name, func(t *testing.T) {
			t.Parallel()
			s := vouchsafetest.Start(t, vouchsafetest.Options{Production: place.production, Env: map[string]string{
				"VOUCHSAFE_REFRESH_TOKEN_GRACE": place.grace, "VOUCHSAFE_CODE_LIFETIME": "10m",
				"VOUCHSAFE_UNLIMITED_ADDRESSES": "127.0.0.0/8",
			}})
			servers := []*vouchsafetest.Server{s}
			if place.production {
				servers = append(servers, s.Replica(t))
			}
			var waiting []vouchsafetest.Person
			rapid.Check(t, func(rt *rapid.T) {
				if len(waiting) < people {
					waiting = crowd(t, s, 40*people)
				}
				h := &history{rt: rt, world: newWorld(t, servers, waiting[:people])}
				waiting = waiting[people:]
				h.run(place.grace != "0s")
			})
		})
	}
}

// history is one history under way.
type history struct {
	*world
	rt     *rapid.T
	states []model // that may be the case
}

// often is the weight of each kind of operation, of 64.
var often = map[kind]int{
	authorize: 7, silent: 8, redeem: 12, refresh: 14, revoke: 3, revokeOne: 2, logout: 4, others: 3, withdraw: 3,
	userinfo: 1, introspect: 1, inspect: 1, change: 1, password: 1, disable: 1, enable: 1, switchOff: 1,
}

// die returns numbers from 0 to 63 with equal probability: rapid's own are mostly small.
var die = rapid.Custom(func(t *rapid.T) (n int) {
	for i := range 6 {
		if rapid.Bool().Draw(t, "bit") {
			n |= 1 << i
		}
	}
	return n
})

var kinds = func() (out []kind) {
	for _, k := range []kind{redeem, authorize, silent, refresh, revoke, revokeOne, logout, others, withdraw, userinfo,
		introspect, inspect, change, password, disable, enable, switchOff} {
		for range often[k] {
			out = append(out, k)
		}
	}
	return out
}()

// alone are the operations that take more than one request, or that an operator does.
var alone = map[kind]bool{authorize: true, change: true, switchOff: true, switchOn: true}

var commands = map[kind]bool{password: true, disable: true, enable: true}

func (h *history) run(grace bool) {
	h.states = []model{h.begin(grace)}
	defer func() {
		if len(h.off) > 0 {
			clear(h.off)
			h.apply()
		}
	}()
	for range 4 + die.Draw(h.rt, "steps")%13 {
		ops := []op{h.draw(false)}
		if !alone[ops[0].kind] {
			for range []int{0, 0, 0, 1, 1, 1, 1, 2}[die.Draw(h.rt, "beside it")%8] {
				if next := h.draw(true); !commands[ops[0].kind] || !commands[next.kind] {
					ops = append(ops, next)
				}
			}
		}
		h.together(ops)
		h.look(len(ops) > 1)
	}
	h.look(true)
}

// draw returns a random operation on things that exist.
func (h *history) draw(beside bool) op {
	k := kinds[die.Draw(h.rt, "kind")]
	n := rapid.SliceOfN(die, 8, 8).Draw(h.rt, "about")
	o := op{kind: k, replica: n[0] % len(h.servers), browser: n[1] % browsers, client: n[2] % len(clients),
		offline: n[3]%2 == 1, foreign: n[4] > 54, pushed: n[7]%2 == 1, bound: n[7] > 31, stolen: n[7]%8 == 0}
	o.user = owner(o.browser)
	if h.about(&o, n[5], n[6]) && !(beside && alone[o.kind]) {
		return o
	}
	o.kind, o.foreign = authorize, false
	if beside {
		o.kind = silent
	}
	return o
}

// about chooses the grant and the tokens, and reports whether there are any.
func (h *history) about(o *op, which, age int) bool {
	var fit []int
	for i, g := range h.grants {
		switch {
		case o.kind == redeem && g.code == "", o.kind != redeem && g.newest == 0:
		case o.kind == inspect && clients[g.client].Method() == "none": // it may not ask
		default:
			fit = append(fit, i)
		}
	}
	switch o.kind {
	case redeem, refresh, revoke, inspect, logout:
		if len(fit) == 0 {
			return false
		}
		o.grant = fit[len(fit)-1-which%min(3, len(fit))] // a recent one: more happens to it
		g := h.grants[o.grant]
		o.generation = max(1, g.newest-[]int{0, 0, 1, 2}[age%4])
		o.late = time.Since(g.rotated) > 40*time.Second
	case revokeOne, userinfo, introspect:
		var given []int
		for i, token := range h.access {
			if token != "" {
				given = append(given, i)
			}
		}
		if len(given) == 0 {
			return false
		}
		o.access = given[len(given)-1-which%len(given)]
		o.grant = h.states[0].access[o.access].grant
	case switchOff:
		if h.off[o.client] {
			o.kind = switchOn
		}
	}
	if o.foreign = o.foreign && (o.kind == refresh || o.kind == revoke || o.kind == revokeOne); o.foreign &&
		h.grants[o.grant].client == o.client {
		o.client = (o.client + 1) % len(clients)
	}
	o.stolen = o.stolen && (o.kind == refresh || o.kind == userinfo) && h.grants[o.grant].key != nil
	return true
}

// together runs the operations at the same time, and looks for an order of them in which the model
// agrees with every answer.
func (h *history) together(ops []op) {
	forms := make([]url.Values, len(ops))
	for i := range ops {
		h.allot(&ops[i], h.states)
		if k := ops[i].kind; k == others || k == withdraw || k == change {
			forms[i] = h.form(ops[i])
		}
	}
	done := make([]outcome, len(ops))
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i, o := range ops {
		wg.Go(func() {
			<-start
			ok, said := h.world.run(o, forms[i])
			done[i] = outcome{o, ok, said}
		})
	}
	close(start)
	wg.Wait()
	for _, d := range done {
		h.rt.Logf("%s%v", map[bool]string{true: "  at once: "}[len(done) > 1], d)
	}
	h.expect(done)
}

func (h *history) expect(done []outcome) {
	h.rt.Helper()
	before := h.states
	if h.states = after(before, done); len(h.states) == 0 {
		h.rt.Fatalf("the model has no order of these that ends so: %v\nbefore: %+v", done, before)
	}
}

// look checks tokens at each replica: all of them, or the latest.
func (h *history) look(all bool) {
	for replica := range h.servers {
		for i := len(h.access) - 1; i >= 0 && (all || i >= len(h.access)-2); i-- {
			if h.access[i] == "" {
				continue
			}
			o := op{kind: userinfo, access: i, replica: replica, grant: h.states[0].access[i].grant}
			h.see(o)
		}
		for i, g := range h.grants {
			if all && g.newest > 0 && clients[g.client].Method() != "none" {
				h.see(op{kind: inspect, grant: i, generation: g.newest, replica: replica})
			}
		}
	}
}

func (h *history) see(o op) {
	ok, said := h.world.run(o, nil)
	d := outcome{o, ok, said}
	before := len(h.states)
	h.states = after(h.states, []outcome{d})
	if len(h.states) == 0 {
		h.rt.Fatalf("%v: want the opposite in each of %d possible states", d, before)
	}
}
