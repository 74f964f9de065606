// Package progress shows how far something long is: one line that is written over
// on a terminal, lines now and then elsewhere. The commands use it; it decides
// nothing and starts nothing.
package progress
