package main

import "runtime"

// heapFloor is the size, in bytes, of an allocation that the program keeps and never uses.
//
// Go collects garbage each time the heap has grown by as much as lives in it. A quiet server
// has 6 MiB of live data, so under load it would collect after each 6 MiB of garbage, which
// took a tenth of the CPU of JWKS and client credentials. With 20 MiB more that count as live
// it collects after each 26. The system gives no memory for pages that are never written, so
// the allocation costs address space only.
//
// A higher GOGC would do the same for a quiet server. With thousands of connections, where
// much more lives, it would keep several times of that as garbage.
const heapFloor = 20 << 20

// holdHeapFloor makes the allocation, which lives until release is called.
func holdHeapFloor() (release func()) {
	held := make([]byte, heapFloor)
	return func() { runtime.KeepAlive(held) }
}
