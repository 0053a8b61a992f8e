package password

import (
	"regexp"
	"strings"
	"sync"
	"time"
)

// costs are what the hashes in use cost, in work as package argon2id has it. A wrong
// password costs as much as the dearest of them, whether there is a hash or none, so that
// time tells neither that an account exists nor how old its hash is.
//
// What is in use is learned: from a sample at the start (Learn), and from each hash that is
// verified.
type costs struct {
	own int // of new hashes

	mu      sync.Mutex
	perWork float64        // nanoseconds, as this machine goes at present
	kinds   map[string]int // work of the dearer kinds, by how their texts begin
	most    int
}

const (
	// dearestTimes bounds by how much hashes in use may be dearer than new ones for others to
	// be made as dear: an import of hashes that take a second must not let everybody ask for
	// as much.
	dearestTimes = 4
	// maxKinds bounds what is learned.
	maxKinds = 64
)

// dearest is how much work a wrong password costs.
func (c *costs) dearest() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return max(c.own, c.most)
}

// uses notes that there is a hash of the kind, whose work is known.
func (c *costs) uses(kind string, work int) {
	if work <= c.own {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.note(kind, work)
}

// took notes how long the machine took for work of ours, which says how fast it is.
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

// tookOther notes how long another kind of hash took, and gives how much work that was.
func (c *costs) tookOther(kind string, d time.Duration) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.perWork == 0 { // nothing of ours was hashed yet
		return 0
	}
	work := int(float64(d) / c.perWork)
	// The least that was seen: a busy machine makes others look dearer than they are.
	if seen, ok := c.kinds[kind]; work > c.own || ok && work < seen {
		c.note(kind, work)
	}
	return work
}

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

// kindOf is how the text of a hash begins, up to its salt: the kind and its parameters.
func kindOf(text string) string {
	if strings.HasPrefix(text, "$P$") || strings.HasPrefix(text, "$H$") {
		return text[:min(len(text), 4)]
	}
	parts := strings.Split(text[:min(len(text), 80)], "$")
	n := min(len(parts), 2) // the kind
	for n < len(parts)-1 && parameters.MatchString(parts[n]) {
		n++
	}
	return strings.Join(parts[:n], "$")
}

// parameters are what stands between the kind of a hash and its salt.
var parameters = regexp.MustCompile(`^([0-9]{1,3}|[a-z]+=[0-9]+(,[a-z]+=[0-9]+)*)$`)
