package models

import (
	"context"
	"errors"
	"net/netip"
	"time"
)

// A Throttle says how attempts that may be guesses are slowed down. They are
// never stopped for good: a lock would be a weapon against the account's owner.
type Throttle struct {
	// AccountFree and AddressFree are how many attempts pass without a delay.
	AccountFree, AddressFree int
	// Delay follows the first attempt past them, and doubles up to MaxDelay.
	Delay, MaxDelay time.Duration
	// Window is after how long without an attempt all is forgotten.
	Window time.Duration
}

// DefaultThrottle is what Open uses where Options names none.
var DefaultThrottle = Throttle{AccountFree: 5, AddressFree: 50, Delay: time.Second, MaxDelay: 5 * time.Minute, Window: 15 * time.Minute}

// addressBucket groups the addresses that one subscriber can choose from.
func addressBucket(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return "ip:unknown"
	}
	a = a.Unmap().WithZone("")
	if a.Is6() {
		p, _ := a.Prefix(64)
		return "ip:" + p.String()
	}
	return "ip:" + a.String()
}

// attempt counts one attempt in bucket before any work is done for it, or
// returns a ThrottledError. One statement decides, so that a burst of parallel
// attempts gets no more through than the same attempts one by one.
func (s *Store) attempt(ctx context.Context, bucket string, free int) error {
	t := s.Throttle
	for range maxTries {
		now := s.nowMicros()
		// next_at is set before attempts: MySQL evaluates assignments from left to
		// right and SQLite all at once; in this order both see the old count.
		matched, err := s.write(ctx, `UPDATE login_throttle SET
			next_at = CASE
				WHEN last_at < ? THEN 0
				WHEN attempts < ? THEN 0
				WHEN attempts - ? > 20 THEN ? + ?
				WHEN ? * (1 << (attempts - ?)) > ? THEN ? + ?
				ELSE ? + ? * (1 << (attempts - ?)) END,
			attempts = CASE WHEN last_at < ? THEN 1 ELSE attempts + 1 END,
			last_at = ?
			WHERE bucket = ? AND next_at <= ?`,
			now-t.Window.Microseconds(),
			free,
			free, now, t.MaxDelay.Microseconds(),
			t.Delay.Microseconds(), free, t.MaxDelay.Microseconds(), now, t.MaxDelay.Microseconds(),
			now, t.Delay.Microseconds(), free,
			now-t.Window.Microseconds(),
			now, bucket, now)
		if err != nil {
			return err
		}
		if matched > 0 {
			return nil
		}
		var rows []struct{ NextAt int64 }
		if err := s.db.WithContext(ctx).Raw("SELECT next_at FROM login_throttle WHERE bucket = ?", bucket).Scan(&rows).Error; err != nil {
			return s.translate(err)
		}
		if len(rows) == 1 && rows[0].NextAt > now {
			return &ThrottledError{RetryAfter: time.Duration(rows[0].NextAt-now) * time.Microsecond}
		}
		if len(rows) == 1 {
			continue // it ended between the two statements
		}
		_, err = s.write(ctx, "INSERT INTO login_throttle (bucket, attempts, next_at, last_at) VALUES (?, 1, 0, ?)", bucket, now)
		if err == nil {
			return nil
		}
		if !isDuplicate(err) {
			return err
		}
	}
	return ErrUnavailable
}

// attemptLogin counts an attempt for the account and for the address. The
// account's bucket is a keyed fingerprint: people type passwords into the
// wrong field.
func (s *Store) attemptLogin(ctx context.Context, kind, login, ip string) (attempt, error) {
	t := attempt{store: s, account: kind + ":" + s.macHex("throttle", kind, login), address: addressBucket(ip)}
	if err := s.attempt(ctx, t.address, s.Throttle.AddressFree); err != nil {
		return t, err
	}
	if err := s.attempt(ctx, t.account, s.Throttle.AccountFree); err != nil {
		// The address did not get to try, so that it does not pay.
		s.forgive(ctx, t.address)
		return t, err
	}
	return t, nil
}

// An attempt was counted and may turn out to be no guess.
type attempt struct {
	store            *Store
	account, address string
}

// succeeded clears the account and gives the address one back.
func (t attempt) succeeded(ctx context.Context) {
	if _, err := t.store.write(ctx, "DELETE FROM login_throttle WHERE bucket = ?", t.account); err != nil && !errors.Is(err, context.Canceled) {
		t.store.Log.WarnContext(ctx, "login throttle not cleared", "err", err)
	}
	t.store.forgive(ctx, t.address)
}

// unmade takes the attempt back: no password was looked at, because too many
// were waiting or the caller left.
func (t attempt) unmade(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	t.store.forgive(ctx, t.account)
	t.store.forgive(ctx, t.address)
}

// forgive takes one attempt back. An address is not cleared by a success:
// whoever guesses would log in to an account of their own in between.
func (s *Store) forgive(ctx context.Context, bucket string) {
	_, err := s.write(ctx, "UPDATE login_throttle SET attempts = attempts - 1, next_at = 0 WHERE bucket = ? AND attempts > 0", bucket)
	if err != nil && !errors.Is(err, context.Canceled) {
		s.Log.WarnContext(ctx, "login throttle not forgiven", "err", err)
	}
}
