package main

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"testing"
)

// What is shipped cannot be told when to die, what time it is, or to hash
// passwords cheaply: it does not even know the variables' names.
func TestShippedHoldsNothingOfTheProof(t *testing.T) {
	source, err := os.ReadFile("crash_proof.go")
	if err != nil {
		t.Fatal(err)
	}
	variables := regexp.MustCompile(`PROOF_[A-Z_]+`).FindAll(source, -1)
	slices.SortFunc(variables, bytes.Compare)
	variables = slices.CompactFunc(variables, bytes.Equal)
	if len(variables) < 3 {
		t.Fatalf("crash_proof.go names %q, want PROOF_CRASH_AT, PROOF_CLOCK and PROOF_CHEAP_HASH at least", variables)
	}
	shipped, err := os.ReadFile(binary(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(variables, []byte("CheapenHashes")) {
		if bytes.Contains(shipped, name) {
			t.Errorf("the shipped binary holds %s, want nothing of the build for the proof", name)
		}
	}
}
