package argon2id

import (
	"encoding/binary"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/blake2b"

	"github.com/vouchsafe/vouchsafe/internal/argon2id/core"
)

const (
	typeID    = 2 // Argon2id
	blockSize = 8 * core.BlockLength
)

// derive returns the same key as argon2.IDKey, but works in memory that it gives back to the
// system. The memory that IDKey allocates becomes garbage: a flood of sign-ins took four times the
// memory of the hashes that ran.
func derive(secret []byte, salt []byte, p Params, keyLength int) ([]byte, error) {
	return deriveWith([4][]byte{secret, salt, nil, nil}, p, keyLength)
}

// deriveWith is derive with all four inputs of RFC 9106 section 3.1: password, salt, secret value
// and associated data.
func deriveWith(inputs [4][]byte, p Params, keyLength int) ([]byte, error) {
	lanes := uint32(p.Threads)
	blocks := max(p.Memory/(core.SyncPoints*lanes), 2) * core.SyncPoints * lanes
	memory, free, err := allocate(int(blocks))
	if err != nil {
		return nil, err
	}
	defer free()
	fillFirst(memory, inputs, p, keyLength)
	core.Fill(memory, p.Time, lanes)
	last := &memory[blocks-1]
	for lane := uint32(1); lane < lanes; lane++ {
		for i, v := range &memory[lane*(blocks/lanes)-1] {
			last[i] ^= v
		}
	}
	key := make([]byte, keyLength)
	longHash(key, bytesOf(last))
	return key, nil
}

// bytesOf returns the block in little-endian order.
func bytesOf(b *core.Block) []byte {
	out := make([]byte, 0, blockSize)
	for _, v := range b {
		out = binary.LittleEndian.AppendUint64(out, v)
	}
	return out
}

// fillFirst fills the first two blocks of each lane (RFC 9106 section 3.2, steps 1 to 4).
func fillFirst(memory []core.Block, inputs [4][]byte, p Params, keyLength int) {
	lanes := uint32(p.Threads)
	var in []byte
	for _, v := range []uint32{lanes, uint32(keyLength), p.Memory, p.Time, argon2.Version, typeID} {
		in = binary.LittleEndian.AppendUint32(in, v)
	}
	for _, part := range inputs {
		in = binary.LittleEndian.AppendUint32(in, uint32(len(part)))
		in = append(in, part...)
	}
	h0 := blake2b.Sum512(in)
	for lane := range lanes {
		for column := range uint32(2) {
			seed := binary.LittleEndian.AppendUint32(h0[:], column)
			seed = binary.LittleEndian.AppendUint32(seed, lane)
			var first [blockSize]byte
			longHash(first[:], seed)
			b := &memory[lane*(uint32(len(memory))/lanes)+column]
			for i := range b {
				b[i] = binary.LittleEndian.Uint64(first[8*i:])
			}
		}
	}
}

// longHash is the variable-length hash of RFC 9106 section 3.3.
func longHash(out, in []byte) {
	prefixed := append(binary.LittleEndian.AppendUint32(nil, uint32(len(out))), in...)
	if len(out) <= blake2b.Size {
		h, err := blake2b.New(len(out), nil)
		if err != nil {
			panic(err) // the bounds of a PHC string exclude such a length
		}
		h.Write(prefixed)
		h.Sum(out[:0])
		return
	}
	v := blake2b.Sum512(prefixed)
	n := copy(out, v[:blake2b.Size/2])
	for len(out)-n > blake2b.Size {
		v = blake2b.Sum512(v[:])
		n += copy(out[n:], v[:blake2b.Size/2])
	}
	h, err := blake2b.New(len(out)-n, nil)
	if err != nil {
		panic(err)
	}
	h.Write(v[:])
	h.Sum(out[n:n])
}
