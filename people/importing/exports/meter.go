package exports

import (
	"errors"
	"io"
)

// maxObject bounds one object of a file, in bytes, and what is read of a file at once.
const maxObject = 1 << 20

var errLong = errors.New("what begins here is longer than 1 MiB, which no user is: is it the right file?")

// meter reads a file, and knows on which line a byte was. It fails beyond its limit: a file cannot have its reader
// buffer all of it.
type meter struct {
	file  io.Reader
	total int64 // bytes read
	limit int64
	ends  []int64 // offsets of the ends of lines that line was not asked for
	lines int     // that ended before those
}

// Read implements io.Reader.
func (m *meter) Read(p []byte) (int, error) {
	if m.total >= m.limit {
		return 0, errLong
	}
	n, err := m.file.Read(p[:min(int64(len(p)), m.limit-m.total)])
	for i, b := range p[:n] {
		if b == '\n' {
			m.ends = append(m.ends, m.total+int64(i))
		}
	}
	m.total += int64(n)
	return n, err
}

// goOn lets as much be read behind the offset as one object may have.
func (m *meter) goOn(offset int64) { m.limit = offset + maxObject }

// line returns the line that the byte at the offset is on. Offsets of later calls are not smaller.
func (m *meter) line(offset int64) int {
	passed := 0
	for passed < len(m.ends) && m.ends[passed] < offset {
		passed++
	}
	m.lines += passed
	m.ends = append(m.ends[:0], m.ends[passed:]...)
	return m.lines + 1
}
