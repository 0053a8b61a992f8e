package importing

import "io"

// Meter reads a file, and knows on which line a byte was. It fails where a row is too long: what parses the file would
// keep all of it.
type Meter struct {
	File io.Reader
	Most int64 // bytes of a row
	Long error // what Read returns behind the beginning of a longer row, from then on

	total int64 // bytes read
	limit int64
	ended bool    // Long was returned
	ends  []int64 // offsets of the ends of lines that are not passed
	lines int     // that ended before those
}

// Read implements io.Reader. It reads nothing before GoOn is called.
func (m *Meter) Read(p []byte) (int, error) {
	if m.total >= m.limit {
		m.ended = true
		return 0, m.Long
	}
	n, err := m.File.Read(p[:min(int64(len(p)), m.limit-m.total)])
	for i, b := range p[:n] {
		if b == '\n' {
			m.ends = append(m.ends, m.total+int64(i))
		}
	}
	m.total += int64(n)
	return n, err
}

// GoOn lets as much be read behind the offset as one row may have. Offsets of later calls, also of Line, are not
// smaller.
func (m *Meter) GoOn(offset int64) {
	if !m.ended { // the rest of a row is no row
		m.limit = offset + m.Most
	}
	m.Line(offset)
}

// Line returns the line that the byte at the offset is on.
func (m *Meter) Line(offset int64) int {
	for len(m.ends) > 0 && m.ends[0] < offset {
		m.ends = m.ends[1:] // append moves what is left when there is no room
		m.lines++
	}
	return m.lines + 1
}
