// Package imtest is the contract of package im as tests. Every client runs it
// in a test of its own, against an emulator of its cloud:
//
//	imtest.Run(t, imtest.Target{New: func(t *testing.T, lifetime time.Duration) imtest.Harness { … }})
//
// It owns one named case for each promise in the comments of package im, and
// for the ways in which a cloud breaks. It knows no cloud: what it needs to
// know about one, a Harness tells. Cases for roles that a client lacks are
// left out with a line in the log.
//
// A bug that was found in one client becomes a case here, so that the others
// prove that they do not have it.
package imtest
