package main

import (
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
)

// The program has fewer pages of its own file afterwards, and goes on, also where a dynamic
// linker wrote to them (-race).
func TestUnload(t *testing.T) {
	before := filePages(t)
	unload()
	if after := filePages(t); after >= before {
		t.Errorf("%d kB of files are in memory, were %d", after, before)
	}
	if _, err := net.LookupHost("localhost"); err != nil { // by libc, where that is linked
		t.Error(err)
	}
}

// filePages is RssFile of the process, in kB.
func filePages(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "RssFile:")
	number, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
