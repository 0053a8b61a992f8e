package argon2id

import (
	"encoding/binary"
	_ "unsafe" // for go:linkname

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/blake2b"
)

// derive is argon2.IDKey in memory of our own. IDKey's is garbage afterwards, and the
// collector would let as much garbage lie about as there is of what lives: a flood of
// sign-ins took four times the memory of the hashes that ran. What is cheap and simple is
// written anew here; the passes over the memory are those of x/crypto, assembly and all.
// TestDerive compares the two.
func derive(secret []byte, salt []byte, p Params, keyLength int) ([]byte, error) {
	lanes := uint32(p.Threads)
	blocks := max(p.Memory/(syncPoints*lanes), 2) * syncPoints * lanes
	memory, free, err := allocate(int(blocks))
	if err != nil {
		return nil, err
	}
	defer free()
	fillFirst(memory, secret, salt, p, keyLength)
	processBlocks(memory, p.Time, blocks, lanes, typeID)
	last := &memory[blocks-1]
	for lane := uint32(1); lane < lanes; lane++ {
		for i, v := range &memory[lane*(blocks/lanes)-1] {
			last[i] ^= v
		}
	}
	key := make([]byte, keyLength)
	longHash(key, last.bytes())
	return key, nil
}

// processBlocks passes over the memory. It is not exported; a version of x/crypto without
// it fails to link.
//
//go:linkname processBlocks golang.org/x/crypto/argon2.processBlocks
func processBlocks(memory []block, passes, blocks, lanes uint32, kind int)

const (
	typeID     = 2 // Argon2id
	syncPoints = 4
	blockSize  = 1024
)

// block is the unit of the memory.
type block [blockSize / 8]uint64

func (b *block) bytes() []byte {
	out := make([]byte, 0, blockSize)
	for _, v := range b {
		out = binary.LittleEndian.AppendUint64(out, v)
	}
	return out
}

// fillFirst fills the first two blocks of each lane (RFC 9106 section 3.2, steps 1 to 4).
func fillFirst(memory []block, secret, salt []byte, p Params, keyLength int) {
	lanes := uint32(p.Threads)
	var in []byte
	for _, v := range []uint32{lanes, uint32(keyLength), p.Memory, p.Time, argon2.Version, typeID} {
		in = binary.LittleEndian.AppendUint32(in, v)
	}
	for _, part := range [][]byte{secret, salt, nil, nil} { // no key, no associated data
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
			panic(err) // the bounds of a PHC string exclude it
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
