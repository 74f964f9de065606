package main

import (
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"time"
)

// A fate is what the seed decides about one kill, beside its step.
type fate struct {
	// lag is how slow the cloud is; late: it acts at once and answers late.
	lag  time.Duration
	late bool
	// twin: two ask at the same time, the other one that much behind.
	twin   bool
	behind time.Duration
	// dead is how long nothing runs after the kill.
	dead time.Duration
	// again: the client asks again if it was not answered.
	again bool
}

// drawFate is the same for the same seed, change, round and step.
func drawFate(seed uint64, saga string, round, step int, long bool) fate {
	h := fnv.New64a()
	_, _ = h.Write([]byte(saga + " " + strconv.Itoa(round) + " " + strconv.Itoa(step)))
	dice := rand.New(rand.NewPCG(seed, h.Sum64()))
	slow, most := 40*time.Millisecond, 100*time.Millisecond
	if long {
		slow, most = 200*time.Millisecond, time.Second
	}
	f := fate{late: dice.IntN(2) == 0, twin: dice.IntN(2) == 0, again: dice.IntN(2) == 0, dead: time.Duration(dice.Int64N(int64(most)))}
	if dice.IntN(2) == 0 {
		f.lag = time.Millisecond + time.Duration(dice.Int64N(int64(slow)))
	}
	if f.twin {
		f.behind = time.Duration(dice.Int64N(int64(slow)))
	}
	return f
}
