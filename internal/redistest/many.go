package redistest

import (
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// StartSentinel starts a Sentinel that watches the Redis at a port of this machine. It ends with
// the test.
func StartSentinel(t testing.TB, master, port string, quorum int) *Server {
	t.Helper()
	config := fmt.Sprintf("sentinel monitor %s 127.0.0.1 %s %d\n", master, port, quorum)
	s, err := run(func(s *Server) ([]string, error) {
		// A Sentinel writes into its configuration file what it learns.
		file, err := s.daemon.WriteFile("sentinel.conf", config)
		return []string{file, "--sentinel", "--bind", "127.0.0.1", "--port", strconv.Itoa(s.daemon.Port),
			"--dir", s.daemon.Folder}, err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close Sentinel: %v", err)
		}
	})
	return s
}

// StartCluster starts a Redis Cluster of three servers, which ends with the test, and returns their
// addresses.
func StartCluster(t testing.TB) []string {
	t.Helper()
	var addresses []string
	for _, s := range StartClusterServers(t) {
		addresses = append(addresses, s.Address())
	}
	return addresses
}

// StartClusterServers is StartCluster for tests that stop the servers.
func StartClusterServers(t testing.TB) []*Server {
	t.Helper()
	var servers []*Server
	var addresses []string
	for range 3 {
		s := StartServer(t, "--databases", "1", "--cluster-enabled", "yes", "--cluster-node-timeout", "2000")
		servers, addresses = append(servers, s), append(addresses, s.Address())
	}
	create := append([]string{"--cluster", "create"}, addresses...)
	if out, err := exec.Command("redis-cli", append(create, "--cluster-yes")...).CombinedOutput(); err != nil {
		t.Fatalf("make a cluster: %v\n%s", err, out)
	}
	for _, address := range addresses {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
			out, err := exec.Command("redis-cli", "-h", host, "-p", port, "cluster", "info").CombinedOutput()
			if err == nil && strings.Contains(string(out), "cluster_state:ok") {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("the cluster is not ready: %v\n%s", err, out)
			}
		}
	}
	return servers
}
