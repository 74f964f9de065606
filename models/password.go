package models

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/ccojocar/zxcvbn-go/frequency"
	"golang.org/x/crypto/argon2"
)

// Limits of a password, in characters. There are no composition rules.
const (
	MinPassword = 8
	MaxPassword = 128
)

// Cost of one hash: argon2id with argonMemory, two passes, one lane (OWASP's first
// choice). A stored hash with another cost is made anew at the next login.
const (
	argonTime    = 2
	argonThreads = 1
	argonSalt    = 16
	argonKey     = 32
)

// Bounds for a hash that is read from the database, so that a damaged row
// cannot ask for all our memory.
const (
	maxArgonMemory = 256 * 1024 // KiB
	maxArgonTime   = 16
)

// A Hasher hashes passwords, a few at a time: each hash costs 19 MiB and a core
// for some 20 ms, and a crowd of logins must not take the process down.
type Hasher struct {
	// Parallel is how many hash at once; zero means as many as cores.
	Parallel int
	// Queue is how many may wait; zero means 256. Further ones get ErrHashBusy.
	Queue int

	once    sync.Once
	permits chan struct{}
	waiting atomic.Int64
	dummy   string
}

func (h *Hasher) init() {
	h.once.Do(func() {
		if h.Parallel <= 0 {
			h.Parallel = runtime.GOMAXPROCS(0)
		}
		if h.Queue <= 0 {
			h.Queue = 256
		}
		h.permits = make(chan struct{}, h.Parallel)
		h.dummy = encodePHC(make([]byte, argonSalt), make([]byte, argonKey), argonMemory, argonTime, argonThreads)
	})
}

// Waiting is how many callers wait for their turn.
func (h *Hasher) Waiting() int { return int(h.waiting.Load()) }

func (h *Hasher) enter(ctx context.Context) error {
	h.init()
	if err := ctx.Err(); err != nil {
		return err
	}
	// A permit that comes free goes to whoever waits first, so that nobody jumps
	// the queue here.
	select {
	case h.permits <- struct{}{}:
		return nil
	default:
	}
	if h.waiting.Add(1) > int64(h.Queue) {
		h.waiting.Add(-1)
		return ErrHashBusy
	}
	defer h.waiting.Add(-1)
	select {
	case h.permits <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *Hasher) leave() { <-h.permits }

// Hash makes the PHC string of a new password. ErrHashBusy when too many wait.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if err := h.enter(ctx); err != nil {
		return "", err
	}
	defer h.leave()
	salt := make([]byte, argonSalt)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	key := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonThreads, argonKey)
	return encodePHC(salt, key, argonMemory, argonTime, argonThreads), nil
}

// Verify tells whether password made phc, and whether phc should be made anew
// because today's cost is another. An empty phc takes the same time as a real
// one and never fits. ErrHashBusy when too many wait.
func (h *Hasher) Verify(ctx context.Context, phc, password string) (ok, stale bool, err error) {
	if err := h.enter(ctx); err != nil {
		return false, false, err
	}
	defer h.leave()
	unknown := phc == ""
	if unknown {
		phc = h.dummy
	}
	p, err := parsePHC(phc)
	if err != nil {
		return false, false, err
	}
	key := argon2.IDKey([]byte(password), p.salt, p.time, p.memory, p.threads, uint32(len(p.key))) //nolint:gosec // parsePHC bounds the key at 64 bytes
	ok = subtle.ConstantTimeCompare(key, p.key) == 1 && !unknown
	stale = p.memory != argonMemory || p.time != argonTime || p.threads != argonThreads || len(p.key) != argonKey
	return ok, stale, nil
}

type phc struct {
	memory, time uint32
	threads      uint8
	salt, key    []byte
}

func encodePHC(salt, key []byte, memory, time uint32, threads uint8) string {
	b := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, time, threads, b.EncodeToString(salt), b.EncodeToString(key))
}

// parsePHC reads "$argon2id$v=19$m=19456,t=2,p=1$salt$key". Its errors hold no
// part of the hash.
func parsePHC(s string) (phc, error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return phc{}, errors.New("password hash is not argon2id in PHC form")
	}
	if parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return phc{}, errors.New("password hash has an unknown argon2 version")
	}
	var p phc
	for i, f := range strings.Split(parts[3], ",") {
		name, value, _ := strings.Cut(f, "=")
		n, err := strconv.ParseUint(value, 10, 32)
		if err != nil {
			return phc{}, errors.New("password hash has a cost that is no number")
		}
		switch {
		case i == 0 && name == "m" && n >= 8 && n <= maxArgonMemory:
			p.memory = uint32(n)
		case i == 1 && name == "t" && n >= 1 && n <= maxArgonTime:
			p.time = uint32(n)
		case i == 2 && name == "p" && n >= 1 && n <= 16:
			p.threads = uint8(n)
		default:
			return phc{}, errors.New("password hash has a cost out of bounds")
		}
	}
	var err error
	if p.salt, err = base64.RawStdEncoding.Strict().DecodeString(parts[4]); err != nil || len(p.salt) < 8 || len(p.salt) > 64 {
		return phc{}, errors.New("password hash has a bad salt")
	}
	if p.key, err = base64.RawStdEncoding.Strict().DecodeString(parts[5]); err != nil || len(p.key) < 16 || len(p.key) > 64 {
		return phc{}, errors.New("password hash has a bad key")
	}
	if p.threads == 0 {
		return phc{}, errors.New("password hash lacks a cost")
	}
	return p, nil
}

// commonPasswords are those of a public frequency list that are long enough for
// our minimum; the shorter ones are refused for their length.
var commonPasswords = sync.OnceValue(func() map[string]bool {
	set := make(map[string]bool)
	for _, p := range frequency.Lists["Passwords"].List {
		if len(p) >= MinPassword {
			set[strings.ToLower(p)] = true
		}
	}
	return set
})

// checkPassword returns a FieldError for field where the password is too short,
// too long, well known, or one of the person's own names.
func checkPassword(field, password string, names ...string) error {
	n := utf8.RuneCountInString(password)
	switch {
	case !utf8.ValidString(password):
		return &FieldError{field, "must be valid UTF-8"}
	case n < MinPassword || n > MaxPassword:
		return &FieldError{field, fmt.Sprintf("must have %d to %d characters", MinPassword, MaxPassword)}
	}
	low := strings.ToLower(password)
	if commonPasswords()[low] || strings.Count(low, low[:1]) == len(low) {
		return &FieldError{field, "is among the most used passwords; choose another"}
	}
	for _, name := range names {
		if name != "" && low == strings.ToLower(name) {
			return &FieldError{field, "must differ from the user's own names"}
		}
	}
	return nil
}
