package main

import (
	"bufio"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// unload lets go of the program's own pages: most of the code has run at the start and
// does not run again. What is needed comes back from the file, by itself, as it came the
// first time. It is no fault when that cannot be done.
//
// Parts that were written to since they came from the file stay: a dynamic linker does so
// (buildmode=pie, -race), and protects them from writing afterwards.
func unload() {
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer func() { _ = maps.Close() }() // nothing was written
	var part string                     // of the program, as two addresses
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		switch fields := strings.Fields(lines.Text()); {
		case len(fields) < 2:
		case len(fields[1]) == len("r-xp") && strings.Contains(fields[0], "-"):
			// 00400000-0161f000 r-xp 00000000 fe:00 10308826   /vouchsafe
			part = ""
			if len(fields) == 6 && fields[5] == self && !strings.Contains(fields[1], "w") {
				part = fields[0]
			}
		case fields[0] == "Anonymous:" && fields[1] == "0" && part != "":
			from, to, _ := strings.Cut(part, "-")
			start, err1 := strconv.ParseUint(from, 16, 64)
			end, err2 := strconv.ParseUint(to, 16, 64)
			if err1 == nil && err2 == nil {
				_, _, _ = unix.Syscall(unix.SYS_MADVISE, uintptr(start), uintptr(end-start), unix.MADV_DONTNEED)
			}
		}
	}
}
