package main

import (
	"os/exec"
	"syscall"
	"unsafe"
)

// leash has the kernel end the child when its parent is gone, however that went.
func leash(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// limitFiles bounds how large a file the process may make from now on, in bytes;
// 0 lifts the bound. It is the full disk of somebody who may not mount one.
func limitFiles(pid int, bytes uint64) error {
	const fileSize = 1 // RLIMIT_FSIZE
	limit := syscall.Rlimit{Cur: bytes, Max: ^uint64(0)}
	if bytes == 0 {
		limit.Cur = ^uint64(0)
	}
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), fileSize, uintptr(unsafe.Pointer(&limit)), 0, 0, 0) //nolint:gosec // the kernel reads it during the call
	if errno != 0 {
		return errno
	}
	return nil
}
