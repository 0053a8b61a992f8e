package password

import (
	"regexp"
	"strings"
	"sync"
	"time"
)

// costs are the costs of the hashes in use, as Work of package argon2id. A wrong password takes as
// much work as the most expensive of them, whether the account has a hash or not. The time of an
// answer therefore shows neither that an account exists nor how old its hash is.
//
// The hashes in use are learned from a sample at the start (Learn) and from each hash that is
// verified.
type costs struct {
	own int // the work of a new hash

	mu      sync.Mutex
	perWork float64        // nanoseconds that this machine takes for a unit of work at present
	kinds   map[string]int // the work of the kinds of hash that cost more than new ones, by kindOf
	// most is the work of the most expensive kind, bounded by dearestTimes
	most int
}

const (
	// dearestTimes bounds how many times the work of a new hash a wrong password may cost. Without
	// it, an import of hashes that take a second each would let every guess cost a second.
	dearestTimes = 4
	// maxKinds bounds how many kinds of hash are remembered.
	maxKinds = 64
)

// dearest returns how much work a wrong password costs.
func (c *costs) dearest() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(c.own, c.most)
}

// uses records that hashes of the kind are in use. work is the work of one.
func (c *costs) uses(kind string, work int) {
	if work <= c.own {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.note(kind, work)
}

// took records how long this machine took for that much work, from which its speed is estimated.
func (c *costs) took(work int, d time.Duration) {
	if work <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := float64(d) / float64(work)
	if c.perWork == 0 {
		c.perWork = now
	}
	c.perWork += (now - c.perWork) / 16
}

// tookOther records how long a hash of another algorithm took, and returns how much work that
// equals.
func (c *costs) tookOther(kind string, d time.Duration) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.perWork == 0 { // the speed is not known before the first Argon2id hash
		return 0
	}
	work := int(float64(d) / c.perWork)
	// The least value counts, because a busy machine makes other hashes look more expensive.
	if seen, ok := c.kinds[kind]; work > c.own || ok && work < seen {
		c.note(kind, work)
	}
	return work
}

// note remembers the least work that was seen of a kind. The caller holds mu.
func (c *costs) note(kind string, work int) {
	seen, ok := c.kinds[kind]
	if !ok && len(c.kinds) >= maxKinds || ok && work >= seen {
		return
	}
	if c.kinds == nil {
		c.kinds = map[string]int{}
	}
	c.kinds[kind] = work
	c.most = 0
	for _, w := range c.kinds {
		c.most = max(c.most, min(w, dearestTimes*c.own))
	}
}

// kindOf returns the beginning of a stored hash up to its salt: the algorithm and its parameters.
func kindOf(text string) string {
	if scheme, _, found := strings.Cut(text, "}"); found {
		return scheme + "}"
	}
	for _, prefix := range []string{"$P$", "$H$", "$S$", "U$S$"} {
		if strings.HasPrefix(text, prefix) {
			return text[:min(len(text), len(prefix)+1)]
		}
	}
	parts := strings.Split(text[:min(len(text), 80)], "$")
	n := min(len(parts), 2) // the algorithm
	for n < len(parts)-1 && parameters.MatchString(parts[n]) {
		n++
	}
	return strings.Join(parts[:n], "$")
}

// parameters matches the parts of a stored hash between the algorithm and the salt.
var parameters = regexp.MustCompile(`^(2[aby]|[0-9]{1,3}|[a-z]+=[0-9]+(,[a-z]+=[0-9]+)*)$`)
