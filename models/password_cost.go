//go:build !proof

package models

// argonMemory is what one hash costs, in KiB. The build for the proof harness can
// lower it; in this one nothing can.
const argonMemory = 19 * 1024
