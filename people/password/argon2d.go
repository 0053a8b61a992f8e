package password

import (
	"encoding/binary"
	"math/bits"

	"golang.org/x/crypto/blake2b"
)

// golang.org/x/crypto has Argon2i and Argon2id only. This file has what it takes to verify hashes
// of Argon2d, which is not meant for passwords but which some products used. It follows the order
// of RFC 9106, one lane after the other.

const (
	argon2Words  = 128 // words of 8 bytes in a block
	argon2Slices = 4
)

// argon2Block is a block of the memory, 1 KiB.
type argon2Block [argon2Words]uint64

// argon2dKey returns the Argon2d key of that length. memory is in KiB, and time the number of
// passes.
func argon2dKey(password, salt []byte, time, memory, lanes, length uint32) []byte {
	const kind = 0 // y of section 3.1, for Argon2d
	var seed []byte
	le := binary.LittleEndian
	for _, n := range []uint32{lanes, length, memory, time, argon2Version, kind} {
		seed = le.AppendUint32(seed, n)
	}
	for _, part := range [][]byte{password, salt, nil, nil} { // there is no secret value and no associated data
		seed = append(le.AppendUint32(seed, uint32(len(part))), part...)
	}
	h0 := blake2b.Sum512(seed)

	// Section 3.2, steps 2 to 4.
	memory = memory / (argon2Slices * lanes) * (argon2Slices * lanes)
	laneLength := memory / lanes
	blocks := make([]argon2Block, memory)
	for lane := range lanes {
		for i := range uint32(2) {
			start := le.AppendUint32(le.AppendUint32(append([]byte{}, h0[:]...), i), lane)
			b := &blocks[lane*laneLength+i]
			for w, raw := 0, argon2Hashed(start, 8*argon2Words); w < argon2Words; w++ {
				b[w] = le.Uint64(raw[8*w:])
			}
		}
	}
	// Steps 5 and 6.
	for pass := range time {
		for slice := range uint32(argon2Slices) {
			for lane := range lanes {
				argon2dSegment(blocks, pass, slice, lane, lanes, laneLength)
			}
		}
	}
	// Steps 7 and 8.
	last := blocks[laneLength-1]
	for lane := uint32(1); lane < lanes; lane++ {
		for w, v := range blocks[lane*laneLength+laneLength-1] {
			last[w] ^= v
		}
	}
	var raw []byte
	for _, w := range last {
		raw = le.AppendUint64(raw, w)
	}
	return argon2Hashed(raw, length)
}

// argon2Version is version 1.3.
const argon2Version = 0x13

// argon2dSegment fills a quarter of a lane in one pass. The block before decides which other block
// is mixed in (section 3.4.1.1).
func argon2dSegment(blocks []argon2Block, pass, slice, lane, lanes, laneLength uint32) {
	segment := laneLength / argon2Slices
	first := uint32(0)
	if pass == 0 && slice == 0 {
		first = 2
	}
	for i := first; i < segment; i++ {
		at := slice*segment + i
		before := &blocks[lane*laneLength+(at+laneLength-1)%laneLength]
		j1, j2 := uint32(before[0]), uint32(before[0]>>32)
		other := j2 % lanes
		if pass == 0 && slice == 0 {
			other = lane
		}
		// Section 3.4.2: the number of blocks to choose from, and where they begin.
		area, start := slice*segment, uint32(0)
		if pass > 0 {
			area, start = (argon2Slices-1)*segment, (slice+1)%argon2Slices*segment
		}
		if other == lane {
			area += i - 1
		} else if i == 0 {
			area--
		}
		x := uint64(j1) * uint64(j1) >> 32
		z := uint32(uint64(area) - 1 - uint64(area)*x>>32)
		ref := &blocks[other*laneLength+(start+z)%laneLength]
		argon2Fill(&blocks[lane*laneLength+at], before, ref, pass > 0)
	}
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
