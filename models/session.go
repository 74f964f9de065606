package models

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// SessionRules are the times of a session.
type SessionRules struct {
	// Refresh is how long a session lasts without being used.
	Refresh time.Duration
	// Max is how long it lasts at most.
	Max time.Duration
	// Grace is how long the refresh token just replaced still gives its
	// successor, for tabs that refresh at the same moment and for answers that
	// got lost on the way.
	Grace time.Duration
}

// DefaultSessionRules is what Open uses where Options names none.
var DefaultSessionRules = SessionRules{Refresh: 30 * 24 * time.Hour, Max: 365 * 24 * time.Hour, Grace: 10 * time.Second}

// A Session is one login.
type Session struct {
	ID        string
	UserID    string
	Device    string
	IP        string
	UserAgent string
	CreatedAt time.Time
	// RotatedAt is when its refresh token was last replaced; access tokens
	// start there.
	RotatedAt  time.Time
	LastUsedAt time.Time
	ExpiresAt  time.Time
}

type sessionRow struct {
	ID         string `gorm:"primaryKey"`
	UserID     string
	Counter    int64
	KeySealed  []byte
	Device     string
	IP         string
	UserAgent  string
	CreatedAt  int64 `gorm:"autoCreateTime:false"`
	RotatedAt  int64
	LastUsedAt int64
	ExpiresAt  int64
	RevokedAt  *int64
	RevokedFor string
}

func (sessionRow) TableName() string { return "sessions" }

func (r sessionRow) session() Session {
	return Session{ID: r.ID, UserID: r.UserID, Device: r.Device, IP: r.IP, UserAgent: r.UserAgent,
		CreatedAt: fromMicros(r.CreatedAt), RotatedAt: fromMicros(r.RotatedAt), LastUsedAt: fromMicros(r.LastUsedAt), ExpiresAt: fromMicros(r.ExpiresAt)}
}

func (r sessionRow) live(now int64) bool { return r.RevokedAt == nil && r.ExpiresAt > now }

// newSession makes a row with its first refresh token; the caller stores it.
func (s *Store) newSession(userID string, o Origin) (sessionRow, string, error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return sessionRow{}, "", err
	}
	now := s.nowMicros()
	row := sessionRow{ID: s.newID(), UserID: userID, Counter: 1, Device: cut(o.Device, 128), IP: cutASCII(o.IP, 45), UserAgent: cut(o.UserAgent, 256),
		CreatedAt: now, RotatedAt: now, LastUsedAt: now, ExpiresAt: now + min(s.Rules.Refresh, s.Rules.Max).Microseconds()}
	var err error
	if row.KeySealed, err = s.dataKey.seal(key, "sessions", "key", row.ID); err != nil {
		return sessionRow{}, "", err
	}
	return row, encodeRefreshToken(key, row.ID, row.Counter), nil
}

// CreateSession logs a person in, as they were when they were authenticated: if
// their password was changed, their sessions were ended or they were deleted
// since, it returns ErrStale, and they have to be authenticated again.
func (s *Store) CreateSession(ctx context.Context, u User, o Origin) (Session, string, error) {
	row, refresh, err := s.newSession(u.ID, o)
	if err != nil {
		return Session{}, "", err
	}
	err = s.inTx(ctx, func(tx *gorm.DB) error {
		// A write, not a read: it meets whoever moves the epoch at the same moment.
		res := tx.Exec("UPDATE users SET updated_at = ? WHERE id = ? AND token_epoch = ? AND status = ?", s.nowMicros(), u.ID, u.epoch, StatusActive)
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return ErrStale
		}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		return s.audit(tx, o, "user:"+u.ID, "session.start", "session:"+row.ID, nil)
	})
	if err != nil {
		return Session{}, "", fmt.Errorf("create session: %w", err)
	}
	return row.session(), refresh, nil
}

// RefreshSession exchanges a refresh token for its successor. Each counter is
// left by one compare-and-set, so that all who come with the same token get the
// same successor, in whatever process. The token just replaced still gives the
// successor within the grace; any older one, or that one later, ends the
// session, because two holders of one token mean that one of them stole it.
// Errors: ErrRefreshInvalid, ErrRefreshReplayed, ErrSessionEnded, ErrBanned.
func (s *Store) RefreshSession(ctx context.Context, token string, o Origin) (Session, string, error) {
	t, err := parseRefreshToken(token)
	if err != nil {
		return Session{}, "", err
	}
	for range maxTries {
		row, status, err := s.sessionRow(ctx, t.sessionID)
		if errors.Is(err, ErrNotFound) {
			return Session{}, "", ErrRefreshInvalid
		}
		if err != nil {
			return Session{}, "", fmt.Errorf("refresh session: %w", err)
		}
		key, err := s.dataKey.open(row.KeySealed, "sessions", "key", row.ID)
		if err != nil {
			return Session{}, "", fmt.Errorf("refresh session: %w", err)
		}
		if !hmac.Equal(t.mac, refreshMAC(key, row.ID, t.counter)) || t.counter > row.Counter {
			return Session{}, "", ErrRefreshInvalid
		}
		now := s.nowMicros()
		if !row.live(now) {
			return Session{}, "", ErrSessionEnded
		}
		if status != StatusActive {
			return Session{}, "", ErrBanned
		}
		switch {
		case t.counter == row.Counter:
			next := row
			next.Counter, next.RotatedAt, next.LastUsedAt = row.Counter+1, now, now
			next.ExpiresAt = min(now+s.Rules.Refresh.Microseconds(), row.CreatedAt+s.Rules.Max.Microseconds())
			if o.IP != "" {
				next.IP, next.UserAgent = cutASCII(o.IP, 45), cut(o.UserAgent, 256)
			}
			matched, err := s.write(ctx, `UPDATE sessions SET counter = ?, rotated_at = ?, last_used_at = ?, expires_at = ?, ip = ?, user_agent = ?
				WHERE id = ? AND counter = ? AND revoked_at IS NULL`,
				next.Counter, next.RotatedAt, next.LastUsedAt, next.ExpiresAt, next.IP, next.UserAgent, row.ID, row.Counter)
			if err != nil {
				return Session{}, "", fmt.Errorf("refresh session: %w", err)
			}
			if matched == 0 {
				continue // somebody rotated or ended it meanwhile: look again
			}
			return next.session(), encodeRefreshToken(key, row.ID, next.Counter), nil
		case t.counter == row.Counter-1 && now-row.RotatedAt <= s.Rules.Grace.Microseconds():
			return row.session(), encodeRefreshToken(key, row.ID, row.Counter), nil
		}
		if err := s.endReplayed(ctx, row, o); err != nil {
			return Session{}, "", fmt.Errorf("end replayed session: %w", err)
		}
		return Session{}, "", ErrRefreshReplayed
	}
	return Session{}, "", fmt.Errorf("refresh session: %w", ErrStale)
}

// endReplayed commits before the caller hears of it. The thief may hold the
// connect token too.
func (s *Store) endReplayed(ctx context.Context, row sessionRow, o Origin) error {
	defer s.wakeOutbox()
	return s.inTx(ctx, func(tx *gorm.DB) error {
		res := tx.Exec("UPDATE sessions SET revoked_at = ?, revoked_for = 'replay' WHERE id = ? AND revoked_at IS NULL", s.nowMicros(), row.ID)
		if res.Error != nil || res.RowsAffected == 0 {
			return res.Error
		}
		if err := s.revokeTokens(tx, row.UserID); err != nil {
			return err
		}
		return s.audit(tx, o, "system", "session.replayed", "session:"+row.ID, map[string]any{"user_id": row.UserID})
	})
}

// A sessionStatusRow is a session with its person's status. The row has a name of
// its own because gorm passes over embedded structs that are not exported.
type sessionStatusRow struct {
	Row    sessionRow `gorm:"embedded"`
	Status string
}

func (s *Store) sessionRow(ctx context.Context, id string) (sessionRow, string, error) {
	var row sessionStatusRow
	err := s.db.WithContext(ctx).Raw("SELECT s.*, u.status FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = ?", id).Take(&row).Error
	return row.Row, row.Status, s.translate(err)
}

// SessionUser is who is calling: the person behind a live session. Errors:
// ErrSessionEnded, ErrBanned, ErrUnavailable.
func (s *Store) SessionUser(ctx context.Context, sessionID, userID string) (User, Session, error) {
	var row sessionStatusRow
	err := s.translate(s.db.WithContext(ctx).Raw("SELECT s.*, u.status FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = ? AND s.user_id = ?",
		sessionID, userID).Take(&row).Error)
	if errors.Is(err, ErrNotFound) || (err == nil && !row.Row.live(s.nowMicros())) {
		return User{}, Session{}, ErrSessionEnded
	}
	if err != nil {
		return User{}, Session{}, fmt.Errorf("session user: %w", err)
	}
	if row.Status != StatusActive {
		return User{}, Session{}, ErrBanned
	}
	u, err := s.User(ctx, userID)
	if errors.Is(err, ErrNotFound) {
		return User{}, Session{}, ErrSessionEnded
	}
	return u, row.Row.session(), err
}

// Sessions lists a person's live sessions, newest first.
func (s *Store) Sessions(ctx context.Context, userID string) ([]Session, error) {
	var rows []sessionRow
	err := s.db.WithContext(ctx).Where("user_id = ? AND revoked_at IS NULL AND expires_at > ?", userID, s.nowMicros()).
		Order("created_at DESC").Limit(500).Find(&rows).Error
	if err != nil {
		return nil, s.translate(err)
	}
	list := make([]Session, len(rows))
	for i, r := range rows {
		list[i] = r.session()
	}
	return list, nil
}

// EndSession ends one session of the person. When it is not the caller's own,
// connect tokens end too: the other device holds one. ErrNotFound when there is
// no such live session.
func (s *Store) EndSession(ctx context.Context, userID, sessionID string, own bool, o Origin) error {
	defer s.wakeOutbox()
	return s.inTx(ctx, func(tx *gorm.DB) error {
		now := s.nowMicros()
		res := tx.Exec("UPDATE sessions SET revoked_at = ?, revoked_for = 'logout' WHERE id = ? AND user_id = ? AND revoked_at IS NULL AND expires_at > ?",
			now, sessionID, userID, now)
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return ErrNotFound
		}
		if !own {
			if err := s.revokeTokens(tx, userID); err != nil {
				return err
			}
		}
		return s.audit(tx, o, "user:"+userID, "session.end", "session:"+sessionID, nil)
	})
}

// EndSessions ends all sessions of the person but keep ("" for none), and their
// connect tokens.
func (s *Store) EndSessions(ctx context.Context, userID, keep string, o Origin) error {
	return s.endAllSessions(ctx, userID, keep, "user:"+userID, o)
}

func (s *Store) endAllSessions(ctx context.Context, userID, keep, actor string, o Origin) error {
	defer s.wakeOutbox()
	return s.inTx(ctx, func(tx *gorm.DB) error {
		if err := s.endSessions(tx, userID, keep, "logout"); err != nil {
			return err
		}
		if err := s.revokeTokens(tx, userID); err != nil {
			return err
		}
		return s.audit(tx, o, actor, "session.end_all", "user:"+userID, map[string]any{"kept": keep != ""})
	})
}

func (s *Store) endSessions(tx *gorm.DB, userID, keep, why string) error {
	return tx.Exec("UPDATE sessions SET revoked_at = ?, revoked_for = ? WHERE user_id = ? AND id <> ? AND revoked_at IS NULL",
		s.nowMicros(), why, userID, keep).Error
}
