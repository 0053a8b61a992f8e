package password

import (
	"encoding/binary"
	"math/bits"

	"golang.org/x/crypto/blake2b"
)

// golang.org/x/crypto has Argon2i and Argon2id of version 1.3 only. This file has what it takes to verify
// Argon2d, which is not meant for passwords but which some products used, and all three of version 1.0. It
// follows the order of RFC 9106, one lane after the other.

const (
	argon2Words  = 128 // words of 8 bytes in a block
	argon2Slices = 4
)

// argon2Block is a block of the memory, 1 KiB.
type argon2Block [argon2Words]uint64

// oldArgon2 are the parameters of a hash.
type oldArgon2 struct {
	kind, version uint32 // y and v of RFC 9106 section 3.1
	time          uint32 // passes
	memory        uint32 // KiB
	lanes         uint32
}

// argon2Memory is the memory while it is filled.
type argon2Memory struct {
	oldArgon2
	blocks              []argon2Block
	laneLength, segment uint32
}

// key returns the key of that length.
func (o oldArgon2) key(password, salt []byte, length uint32) []byte {
	var seed []byte
	le := binary.LittleEndian
	for _, n := range []uint32{o.lanes, length, o.memory, o.time, o.version, o.kind} {
		seed = le.AppendUint32(seed, n)
	}
	for _, part := range [][]byte{password, salt, nil, nil} { // there is no secret value and no associated data
		seed = append(le.AppendUint32(seed, uint32(len(part))), part...)
	}
	h0 := blake2b.Sum512(seed)

	// Section 3.2, steps 2 to 4.
	segment := o.memory / (argon2Slices * o.lanes)
	laneLength := argon2Slices * segment
	m := argon2Memory{o, make([]argon2Block, laneLength*o.lanes), laneLength, segment}
	for lane := range o.lanes {
		for i := range uint32(2) {
			start := le.AppendUint32(le.AppendUint32(append([]byte{}, h0[:]...), i), lane)
			b := &m.blocks[lane*laneLength+i]
			for w, raw := 0, argon2Hashed(start, 8*argon2Words); w < argon2Words; w++ {
				b[w] = le.Uint64(raw[8*w:])
			}
		}
	}
	// Steps 5 and 6.
	for pass := range o.time {
		for slice := range uint32(argon2Slices) {
			for lane := range o.lanes {
				m.fillSegment(pass, slice, lane)
			}
		}
	}
	// Steps 7 and 8.
	last := m.blocks[laneLength-1]
	for lane := uint32(1); lane < o.lanes; lane++ {
		for w, v := range m.blocks[lane*laneLength+laneLength-1] {
			last[w] ^= v
		}
	}
	var raw []byte
	for _, w := range last {
		raw = le.AppendUint64(raw, w)
	}
	return argon2Hashed(raw, length)
}

// fillSegment fills a quarter of a lane in one pass. A pseudo-random number decides which other block is
// mixed into each: of Argon2d the first word of the block before (section 3.4.1.1), of Argon2i one that
// depends on nothing secret (section 3.4.1.2), and of Argon2id the latter in the first half pass.
func (m *argon2Memory) fillSegment(pass, slice, lane uint32) {
	first := uint32(0)
	if pass == 0 && slice == 0 {
		first = 2
	}
	independent := m.kind == 1 || m.kind == 2 && pass == 0 && slice < argon2Slices/2
	var addresses argon2Block
	for i := first; i < m.segment; i++ {
		at := slice*m.segment + i
		before := &m.blocks[lane*m.laneLength+(at+m.laneLength-1)%m.laneLength]
		random := before[0]
		if independent {
			if i == first || i%argon2Words == 0 {
				addresses = m.addresses(pass, slice, lane, i/argon2Words+1)
			}
			random = addresses[i%argon2Words]
		}
		argon2Fill(&m.blocks[lane*m.laneLength+at], before, m.reference(random, pass, slice, lane, i),
			pass > 0 && m.version == 0x13)
	}
}

// addresses returns the numbers of section 3.4.1.2 with that counter.
func (m *argon2Memory) addresses(pass, slice, lane, counter uint32) (out argon2Block) {
	var zero argon2Block
	in := argon2Block{uint64(pass), uint64(lane), uint64(slice), uint64(len(m.blocks)), uint64(m.time), uint64(m.kind),
		uint64(counter)}
	argon2Fill(&out, &zero, &in, false)
	argon2Fill(&out, &zero, &out, false)
	return out
}

// reference returns the block that a number stands for (section 3.4.2), for block i of a segment.
func (m *argon2Memory) reference(random uint64, pass, slice, lane, i uint32) *argon2Block {
	j1, other := random&0xffffffff, uint32(random>>32)%m.lanes
	if pass == 0 && slice == 0 {
		other = lane
	}
	// The number of blocks to choose from, and where they begin.
	area, start := slice*m.segment, uint32(0)
	if pass > 0 {
		area, start = (argon2Slices-1)*m.segment, (slice+1)%argon2Slices*m.segment
	}
	if other == lane {
		area += i - 1
	} else if i == 0 {
		area--
	}
	z := uint32(uint64(area) - 1 - uint64(area)*(j1*j1>>32)>>32)
	return &m.blocks[other*m.laneLength+(start+z)%m.laneLength]
}

// argon2Fill is the compression function G of section 3.5. With xor, the result is combined with
// what is in out.
func argon2Fill(out, x, y *argon2Block, xor bool) {
	var r argon2Block
	for i := range r {
		r[i] = x[i] ^ y[i]
	}
	q := r
	for i := 0; i < argon2Words; i += 16 {
		argon2Permute(&q, i, 2, 1)
	}
	for i := 0; i < 16; i += 2 {
		argon2Permute(&q, i, 16, 1)
	}
	for i := range q {
		v := q[i] ^ r[i]
		if xor {
			v ^= out[i]
		}
		out[i] = v
	}
}

// argon2Permute is the permutation P of section 3.6 on eight pairs of words. The first pair is at
// start, each further pair is step words behind the one before, and the second word of a pair is at
// the distance second.
func argon2Permute(b *argon2Block, start, step, second int) {
	var at [16]int
	for i := range 8 {
		at[2*i], at[2*i+1] = start+i*step, start+i*step+second
	}
	for _, m := range [8][4]int{{0, 4, 8, 12}, {1, 5, 9, 13}, {2, 6, 10, 14}, {3, 7, 11, 15},
		{0, 5, 10, 15}, {1, 6, 11, 12}, {2, 7, 8, 13}, {3, 4, 9, 14}} {
		argon2Mix(&b[at[m[0]]], &b[at[m[1]]], &b[at[m[2]]], &b[at[m[3]]])
	}
}

// argon2Mix is the function GB of section 3.6.
func argon2Mix(a, b, c, d *uint64) {
	add := func(x, y uint64) uint64 { return x + y + 2*uint64(uint32(x))*uint64(uint32(y)) }
	*a = add(*a, *b)
	*d = bits.RotateLeft64(*d^*a, -32)
	*c = add(*c, *d)
	*b = bits.RotateLeft64(*b^*c, -24)
	*a = add(*a, *b)
	*d = bits.RotateLeft64(*d^*a, -16)
	*c = add(*c, *d)
	*b = bits.RotateLeft64(*b^*c, -63)
}

// argon2Hashed is the hash function H' of section 3.3. Its output has that length in bytes.
func argon2Hashed(in []byte, length uint32) []byte {
	in = append(binary.LittleEndian.AppendUint32(nil, length), in...)
	if length <= blake2b.Size {
		return argon2Tail(in, length)
	}
	var out []byte
	v := blake2b.Sum512(in)
	for ; length > blake2b.Size; length -= 32 {
		out = append(out, v[:32]...)
		if length-32 <= blake2b.Size {
			return append(out, argon2Tail(v[:], length-32)...)
		}
		v = blake2b.Sum512(v[:])
	}
	return out
}

// argon2Tail returns the BLAKE2b hash of in, of at most 64 bytes.
func argon2Tail(in []byte, length uint32) []byte {
	h, err := blake2b.New(int(length), nil)
	if err != nil {
		panic(err) // the length is from 1 to 64
	}
	h.Write(in)
	return h.Sum(nil)
}
