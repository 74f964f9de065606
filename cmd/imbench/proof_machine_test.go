package main

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// watchMachine tells, when what it returns is called, which share of the machine
// others left to this process and its children in between; known is false where
// that cannot be told, or there are fewer than two cores.
func watchMachine() func() (share float64, known bool) {
	busy, all := machineTime()
	own := ownTime()
	return func() (float64, bool) {
		busyNow, allNow := machineTime()
		total := allNow - all
		if all == 0 || total <= 0 || runtime.GOMAXPROCS(0) < 2 {
			return 1, false
		}
		others := (busyNow - busy) - (ownTime() - own)
		return max(0.05, min(1, 1-float64(others)/float64(total))), true
	}
}

// machineTime is how long all cores together were busy, and how long there were
// any, as Linux counts it, in hundredths of a second.
func machineTime() (busy, all time.Duration) {
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	for i, field := range strings.Fields(line) {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil || i > 8 { // the name; guests' time is counted already
			continue
		}
		d := time.Duration(n) * 10 * time.Millisecond
		all += d
		if i != 4 && i != 5 { // idle, waiting for a disk
			busy += d
		}
	}
	return busy, all
}

// ownTime is what this process and the children that have ended took.
func ownTime() (d time.Duration) {
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			d += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	return d
}
