package server

import (
	"os"
	"runtime"
	"runtime/debug"
)

// heapFloor is the size, in bytes, of an allocation that the program keeps and never uses.
//
// Go collects garbage each time the heap has grown by gcPercent of what lives in it. A quiet
// server has 6 MiB of live data, so under load it would collect after each few MiB of garbage,
// which took a tenth of the CPU of JWKS and client credentials. With 46 MiB more that count as
// live it collects after each 26. The system gives no memory for pages that are never written,
// so the allocation costs address space only.
//
// A higher gcPercent would do the same for a quiet server. With thousands of connections, where
// much more lives, the server would keep several times of that as garbage.
const (
	heapFloor = 46 << 20
	gcPercent = 50
)

// HoldHeapFloor makes the allocation, which lives until release is called, and sets how often
// garbage is collected, unless the operator does so by GOGC.
func HoldHeapFloor() (release func()) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	held := make([]byte, heapFloor)
	return func() { runtime.KeepAlive(held) }
}
