// Command measure prints what a release note says about the program: its size, its modules, how
// long it takes to start, and its memory without requests.
//
//	go run ./e2e/measure
package main

import (
	"debug/buildinfo"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/e2e/buildtest"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	program, err := buildtest.Build(false)
	if err != nil {
		return err
	}
	info, err := os.Stat(program)
	if err != nil {
		return err
	}
	build, err := buildinfo.ReadFile(program)
	if err != nil {
		return err
	}
	fmt.Printf("binary                  %.1f MB, %d modules, %s\n", float64(info.Size())/1e6,
		len(build.Deps), build.GoVersion)
	dir, err := os.MkdirTemp("", "vouchsafe-measure-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	first, _, err := start(program, dir)
	if err != nil {
		return err
	}
	fmt.Printf("first start             %v (makes the database, the secret and the keys)\n", first.Round(time.Millisecond))
	var took []time.Duration
	var memory string
	for range 9 {
		again, rss, err := start(program, dir)
		if err != nil {
			return err
		}
		took, memory = append(took, again), rss
	}
	slices.Sort(took)
	fmt.Printf("start to discovery      %v (median of %d, existing database)\n",
		took[len(took)/2].Round(time.Millisecond), len(took))
	fmt.Printf("memory when idle        %s resident\n", memory)
	return nil
}

// start measures the time from the start of the process to its first answer, and its memory two
// seconds later.
func start(program, dir string) (time.Duration, string, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return 0, "", err
	}
	if err := l.Close(); err != nil {
		return 0, "", err
	}
	cmd := exec.Command(program, "serve")
	cmd.Dir = dir
	cmd.Env = []string{"VOUCHSAFE_LISTEN=127.0.0.1:" + port, "VOUCHSAFE_METRICS_LISTEN=off",
		"VOUCHSAFE_DATA=" + filepath.Join(dir, "data"), "HOME=" + dir}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, "", err
	}
	defer func() {
		_ = cmd.Process.Signal(os.Interrupt) // it may have ended by itself
		_ = cmd.Wait()
	}()
	for time.Since(began) < 20*time.Second {
		res, err := http.Get("http://localhost:" + port + "/.well-known/openid-configuration")
		if err != nil {
			time.Sleep(time.Millisecond)
			continue
		}
		_ = res.Body.Close()
		took := time.Since(began)
		time.Sleep(2 * time.Second)
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
		if err != nil {
			return 0, "", err
		}
		_, rest, _ := strings.Cut(string(status), "VmRSS:")
		line, _, _ := strings.Cut(rest, "\n")
		return took, strings.TrimSpace(line), nil
	}
	return 0, "", fmt.Errorf("it does not serve within 20 s")
}
