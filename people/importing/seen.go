package importing

import "hash/maphash"

// seenKeys holds the lines at which ids, addresses and names stood in a file. It keeps a hash of 64
// bits of each, under a seed of its own: a million users take some 60 MiB, and two of their keys are
// taken for one in one of ten million imports.
type seenKeys struct {
	seed  maphash.Seed
	lines map[uint64]uint32
}

func newSeenKeys() seenKeys {
	return seenKeys{seed: maphash.MakeSeed(), lines: map[uint64]uint32{}}
}

// line returns where the key stood.
func (s seenKeys) line(key string) (int, bool) {
	line, ok := s.lines[maphash.String(s.seed, key)]
	return int(line), ok
}

func (s seenKeys) add(key string, line int) {
	s.lines[maphash.String(s.seed, key)] = uint32(line)
}
