// Command makelists makes the lists of package strength: lists/common.bin, the filter of
// passwords that are common in breaches, and lists/words.flate, the words by which the
// strength of a password is judged. lists/README.md says where their sources are from.
package main

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"flag"
	"fmt"
	"log"
	"math/bits"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// entries is how many passwords the filter has, and a power of two.
	entries = 1 << 17
	// odds is the binary logarithm of how many other passwords there are to one that the
	// filter takes for a common one.
	odds = 14
	// shortest is the least length of the passwords in it: shorter ones are refused anyway.
	shortest = 8
	// block is how many entries are decoded to look for one.
	block = 128
)

func main() {
	passwords := flag.String("passwords", "", "passwords, the most common first, one a line")
	frequency := flag.String("frequency", "", "frequency_lists.js of zxcvbn")
	out := flag.String("out", "lists", "the folder to write to")
	flag.Parse()
	if err := write(*passwords, *out+"/common.bin", filter); err != nil {
		log.Fatal(err)
	}
	if err := write(*frequency, *out+"/words.flate", words); err != nil {
		log.Fatal(err)
	}
}

func write(from, to string, make func([]byte) ([]byte, error)) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	made, err := make(text)
	if err != nil {
		return err
	}
	return os.WriteFile(to, made, 0o644)
}

// filter hashes passwords into a range of entries×2^odds and writes the differences of
// neighbours as a Golomb-Rice code: the high bits as so many ones and a zero, the low
// ones as they are, most significant bit first. Before it stands, for each block of
// entries, the value before its first and the bit at which it begins.
func filter(text []byte) ([]byte, error) {
	seen := map[uint32]bool{}
	for line := range strings.Lines(string(text)) {
		p := strings.ToLower(strings.TrimRight(line, "\r\n"))
		if utf8.RuneCountInString(p) < shortest || !utf8.ValidString(p) {
			continue
		}
		sum := sha256.Sum256([]byte(p))
		seen[binary.BigEndian.Uint32(sum[:])>>(32-bits.Len(entries-1)-odds)] = true
		if len(seen) == entries {
			break
		}
	}
	if len(seen) < entries {
		return nil, fmt.Errorf("only %d passwords of %d", len(seen), entries)
	}
	values := make([]uint32, 0, entries)
	for v := range seen {
		values = append(values, v)
	}
	slices.Sort(values)
	var index, body []byte
	var n uint32 // bits
	bit := func(b uint32) {
		if n%8 == 0 {
			body = append(body, 0)
		}
		body[n/8] |= byte(b << (7 - n%8))
		n++
	}
	last := uint32(0)
	for i, v := range values {
		if i%block == 0 {
			index = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(index, last), n)
		}
		d := v - last
		last = v
		for range d >> odds {
			bit(1)
		}
		bit(0)
		for i := odds - 1; i >= 0; i-- {
			bit(d >> i & 1)
		}
	}
	return append(index, body...), nil
}

// taken are the lists of zxcvbn that are used, and how much of each.
var taken = map[string]int{
	"passwords": 8_000, "english_wikipedia": 9_000, "us_tv_and_film": 3_000, "female_names": 1_500,
	"male_names": 900, "surnames": 3_000,
}

var list = regexp.MustCompile(`(\w+): "([^"]*)"\.split`)

// words writes one line for each power of two: the words whose best rank among the lists
// is below it and not below the one before, in alphabetical order.
func words(text []byte) ([]byte, error) {
	rank := map[string]int{}
	lists := 0
	for _, m := range list.FindAllSubmatch(text, -1) {
		name, all := string(m[1]), strings.Split(string(m[2]), ",")
		if len(all) < taken[name] {
			return nil, fmt.Errorf("only %d of %s", len(all), name)
		}
		lists++
		for i, w := range all[:taken[name]] {
			// What is found by trying everything sooner than by its rank is no word.
			if len(w) < 2 || len(w) < 6 && tries(len(w)) <= i+1 {
				continue
			}
			if r, ok := rank[w]; !ok || i+1 < r {
				rank[w] = i + 1
			}
		}
	}
	if lists != len(taken) {
		return nil, fmt.Errorf("%d lists of %d", lists, len(taken))
	}
	var lines [16][]string
	for w, r := range rank {
		lines[bits.Len(uint(r))] = append(lines[bits.Len(uint(r))], w)
	}
	var buf bytes.Buffer
	w, err := flate.NewWriter(&buf, flate.BestCompression)
	if err != nil {
		return nil, err
	}
	for _, line := range lines {
		slices.Sort(line)
		fmt.Fprintln(w, strings.Join(line, " "))
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// tries returns how many texts of the length there are, ten characters to choose from.
func tries(length int) int {
	n := 1
	for range length {
		n *= 10
	}
	return n
}
