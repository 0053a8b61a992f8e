package argon2id

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/vouchsafe/vouchsafe/internal/argon2id/core"
)

// allocate returns zeroed memory for that many blocks, straight from the system, and the function
// that gives it back. It returns ErrBusy if the system refuses: the memory of other hashes will be
// free soon.
func allocate(blocks int) (memory []core.Block, free func(), err error) {
	raw, err := unix.Mmap(-1, 0, blocks*blockSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: memory: %w", ErrBusy, err)
	}
	// Large pages are optional. They are quicker to get and to walk through.
	_ = unix.Madvise(raw, unix.MADV_HUGEPAGE)
	return unsafe.Slice((*core.Block)(unsafe.Pointer(&raw[0])), blocks), func() { _ = unix.Munmap(raw) }, nil
}
