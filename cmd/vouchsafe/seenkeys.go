package main

import "hash/maphash"

// seenKeys are the lines at which ids, addresses and names stood in a file. Of each it keeps
// a hash of 64 bits alone, under a seed of its own: of a million people that takes some 60
// MiB, and that two of their keys are taken for one happens once in ten million imports.
type seenKeys struct {
	seed  maphash.Seed
	lines map[uint64]uint32
}

func newSeenKeys() seenKeys {
	return seenKeys{seed: maphash.MakeSeed(), lines: map[uint64]uint32{}}
}

// line is where the key stood.
func (s seenKeys) line(key string) (int, bool) {
	line, ok := s.lines[maphash.String(s.seed, key)]
	return int(line), ok
}

func (s seenKeys) add(key string, line int) {
	s.lines[maphash.String(s.seed, key)] = uint32(line)
}
