// Copyright 2017 The Go Authors. All rights reserved.
// Use of this source code is governed by a BSD-style
// license that can be found in the LICENSE file.

// Package core has the passes of Argon2id over its memory (RFC 9106 section 3.1.2), copied
// from golang.org/x/crypto/argon2 v0.58.0, which does not export them. x/crypto allocates
// the memory of each hash itself and leaves it to the garbage collector; here the caller
// brings it. Of the copy, only Fill is changed: it knows Argon2id alone, and no loong64.
package core

import "sync"

const (
	// SyncPoints is how many slices a lane has (RFC 9106 section 3.4).
	SyncPoints = 4
	// BlockLength is how many 64-bit words a block has.
	BlockLength = 128

	blockLength = BlockLength
	typeID      = 2
)

// Block is the unit of the memory: 1 KiB.
type Block = block

type block [blockLength]uint64

// Fill makes so many passes over the memory, whose first two blocks of each lane the caller
// has filled. len(memory) is a multiple of SyncPoints × lanes, and twice that at least.
func Fill(memory []Block, passes, lanes uint32) {
	for n := range passes {
		for slice := range uint32(SyncPoints) {
			var wg sync.WaitGroup
			for lane := range lanes {
				wg.Go(func() { fillSegment(memory, passes, lanes, n, slice, lane) })
			}
			wg.Wait()
		}
	}
}

func fillSegment(B []block, passes, threads, n, slice, lane uint32) {
	memory := uint32(len(B))
	lanes := memory / threads
	segments := lanes / SyncPoints
	independent := n == 0 && slice < SyncPoints/2 // of the data: Argon2id's first half pass

	var addresses, in, zero block
	if independent {
		in[0] = uint64(n)
		in[1] = uint64(lane)
		in[2] = uint64(slice)
		in[3] = uint64(memory)
		in[4] = uint64(passes)
		in[5] = typeID
	}

	index := uint32(0)
	if n == 0 && slice == 0 {
		index = 2 // the caller has already generated the first two blocks
		in[6]++
		processBlock(&addresses, &in, &zero)
		processBlock(&addresses, &addresses, &zero)
	}

	offset := lane*lanes + slice*segments + index
	var random uint64
	for index < segments {
		prev := offset - 1
		if index == 0 && slice == 0 {
			prev += lanes // last block in lane
		}
		if independent {
			if index%blockLength == 0 {
				in[6]++
				processBlock(&addresses, &in, &zero)
				processBlock(&addresses, &addresses, &zero)
			}
			random = addresses[index%blockLength]
		} else {
			random = B[prev][0]
		}
		newOffset := indexAlpha(random, lanes, segments, threads, n, slice, lane, index)
		processBlockXOR(&B[offset], &B[prev], &B[newOffset])
		index, offset = index+1, offset+1
	}
}

func indexAlpha(rand uint64, lanes, segments, threads, n, slice, lane, index uint32) uint32 {
	refLane := uint32(rand>>32) % threads
	if n == 0 && slice == 0 {
		refLane = lane
	}
	m, s := 3*segments, ((slice+1)%SyncPoints)*segments
	if lane == refLane {
		m += index
	}
	if n == 0 {
		m, s = slice*segments, 0
		if slice == 0 || lane == refLane {
			m += index
		}
	}
	if index == 0 || lane == refLane {
		m--
	}
	return phi(rand, uint64(m), uint64(s), refLane, lanes)
}

func phi(rand, m, s uint64, lane, lanes uint32) uint32 {
	p := rand & 0xFFFFFFFF
	p = (p * p) >> 32
	p = (p * m) >> 32
	return lane*lanes + uint32((s+m-(p+1))%uint64(lanes))
}
