// Package costs counts the SQL statements of each operation by the metrics of the server, and
// compares them with what the architecture promises.
package costs

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func TestMain(m *testing.M) { vouchsafetest.Main(m) }

// cost is a number of statements.
type cost struct{ reads, writes int }

var counter = regexp.MustCompile(`(?m)^vouchsafe_sql_statements_total\{op="(read|write)"\} (\d+)$`)

// statements returns how many statements the server has run so far.
func statements(t *testing.T, s *vouchsafetest.Server) cost {
	t.Helper()
	_, text := s.Ops(t, "/metrics")
	var c cost
	found := counter.FindAllStringSubmatch(text, -1)
	if len(found) == 0 {
		t.Fatal("the metrics have no vouchsafe_sql_statements_total")
	}
	for _, m := range found {
		n, err := strconv.Atoi(m[2])
		if err != nil {
			t.Fatal(err)
		}
		if m[1] == "read" {
			c.reads = n
		} else {
			c.writes = n
		}
	}
	return c
}

// rounds is how often each operation is measured. The least count is taken, because now and then a
// cache is refilled or an expired row is deleted. On a machine so busy that caches expire between
// two requests, more rounds are needed, up to patience.
const (
	rounds   = 9
	patience = 90
)

func TestStatementsPerOperation(t *testing.T) {
	for _, production := range []bool{false, true} {
		t.Run(map[bool]string{false: "embedded", true: "production"}[production], func(t *testing.T) {
			s := vouchsafetest.Start(t, vouchsafetest.Options{Production: production})
			m := &bench{t, production, s, s.API(t), s.Browser(t, s.Jo(t))}
			for _, op := range slices.Concat(m.tokenEndpoint(), m.tokenUse(), m.atTheBrowser()) {
				t.Run(op.name, func(t *testing.T) {
					op.prepare()() // warm
					least := cost{1 << 30, 1 << 30}
					for i := 0; i < rounds || i < patience && (least.reads > op.most.reads || least.writes > op.most.writes); i++ {
						run := op.prepare()
						before := statements(t, s)
						run()
						after := statements(t, s)
						if c := (cost{after.reads - before.reads, after.writes - before.writes}); c.reads+
							c.writes < least.reads+least.writes {
							least = c
						}
					}
					t.Logf("%d reads, %d writes", least.reads, least.writes)
					if least.reads > op.most.reads || least.writes > op.most.writes {
						t.Errorf("got %v, want at most %v", least, op.most)
					}
				})
			}
		})
	}
}

func (c cost) String() string { return fmt.Sprintf("%d reads and %d writes", c.reads, c.writes) }
