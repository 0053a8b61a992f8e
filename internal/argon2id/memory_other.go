//go:build !linux

package argon2id

// allocate leaves the memory to the collector.
func allocate(blocks int) (memory []block, free func(), err error) {
	return make([]block, blocks), func() {}, nil
}
