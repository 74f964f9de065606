//go:build !proof

package main

import (
	"net/http"
	"time"

	"imbridge/models"
)

// What the proof harness reaches into a process by. In this build it does
// nothing; crash_proof.go is the other one.

// clock is what everything in the process reads the time from.
func clock() func() time.Time { return time.Now }

// stepsOf hands the store's commits to the harness.
func stepsOf(*models.Store) {}

// stepsOfCalls hands the cloud's calls to the harness.
func stepsOfCalls(*http.Client) {}
