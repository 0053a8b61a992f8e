package argon2id

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/vouchsafe/vouchsafe/internal/argon2id/core"
)

// allocate takes memory, all zero, from the system; free gives it back at once. ErrBusy when
// there is none: there will be when other hashes are done.
func allocate(blocks int) (memory []core.Block, free func(), err error) {
	raw, err := unix.Mmap(-1, 0, blocks*blockSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: memory: %w", ErrBusy, err)
	}
	// With large pages where there are some: it is quicker to get, and to walk in.
	_ = unix.Madvise(raw, unix.MADV_HUGEPAGE)
	return unsafe.Slice((*core.Block)(unsafe.Pointer(&raw[0])), blocks), func() { _ = unix.Munmap(raw) }, nil
}
