package strength

import (
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"sort"
	"strings"
)

//go:generate go run ./makelists -passwords lists/sources/10_million_password_list_top_1M.txt -frequency lists/sources/frequency_lists.js

// commonSet is searched where it lies in the binary, so that nothing has to be loaded. makelists
// describes the format, and lists/README.md the origin.
//
//go:embed lists/common.bin
var commonSet string

// The shape of commonSet: see makelists.
const (
	commonEntries = 1 << 17
	commonOdds    = 14
	commonBits    = 17 + commonOdds // the bits of a value
	commonBlock   = 128
	commonIndex   = commonEntries / commonBlock * 8
)

// Common reports whether the password is among the most common ones of breaches, which attackers
// try first. Upper and lower case are the same. One of 16,384 other passwords is taken for a common
// one.
func Common(password string) bool {
	sum := sha256.Sum256([]byte(strings.ToLower(password)))
	want := binary.BigEndian.Uint32(sum[:]) >> (32 - commonBits)
	number := func(at int) uint32 { return binary.BigEndian.Uint32([]byte(commonSet[at : at+4])) }
	// The value before a block's first value is less than all values in the block.
	block := sort.Search(commonEntries/commonBlock, func(i int) bool { return i > 0 && number(8*i) >= want }) - 1
	value, bit := number(8*block), int(number(8*block+4))
	body := commonSet[commonIndex:]
	next := func() uint32 {
		b := body[bit/8] >> (7 - bit%8) & 1
		bit++
		return uint32(b)
	}
	for range commonBlock {
		high, low := uint32(0), uint32(0)
		for next() == 1 {
			high++
		}
		for range commonOdds {
			low = low<<1 | next()
		}
		value += high<<commonOdds | low
		if value >= want {
			return value == want
		}
	}
	return false
}
