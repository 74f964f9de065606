package models

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
)

// A TokenView is all that decides about one person's connect token, read by one
// SELECT along primary keys.
type TokenView struct {
	UserID string
	IMID   string
	// Epoch is the person's; a token of another epoch was revoked.
	Epoch int64
	// Lifetime in force for them now; zero is permanent.
	Lifetime time.Duration

	// The stored token. Exists tells whether there is a row; Value is empty when
	// it holds no token.
	Exists         bool
	Value          string
	Generation     int64
	TokenEpoch     int64
	SecretVersion  int64
	IssuedAt       time.Time
	CloudExpiresAt time.Time // zero: none
	LeaseUntil     time.Time
	// LostUntil is when the lease of a mint ends that a revocation took it from,
	// and that may be at the cloud until then; zero without one.
	LostUntil     time.Time
	LastFetchedAt time.Time
	// RefusedSince and RefusedCount are the window in which new tokens were
	// minted because a client reported its token refused.
	RefusedSince time.Time
	RefusedCount int64
}

// tokenViewColumns and its joins serve both queries below. The default lifetime
// and the person's own are two rows of one table.
const tokenViewColumns = `SELECT u.id, u.im_id, u.status, u.token_epoch, COALESCE(lu.seconds, ld.seconds, 0),
	t.generation, t.token_sealed, t.epoch, t.secret_version, t.issued_at, t.cloud_expires_at, t.lease_owner = '', t.lease_until, t.last_fetched_at, t.refused_since, t.refused_count`

const tokenViewJoins = ` LEFT JOIN im_tokens t ON t.cloud_app = ? AND t.user_id = u.id
	LEFT JOIN lifetimes lu ON lu.scope = u.id
	LEFT JOIN lifetimes ld ON ld.scope = 'default'`

const sessionTokenView = tokenViewColumns + `, s.revoked_at, s.expires_at FROM sessions s JOIN users u ON u.id = s.user_id` + tokenViewJoins + ` WHERE s.id = ? AND s.user_id = ?`

const userTokenView = tokenViewColumns + `, NULL, NULL FROM users u` + tokenViewJoins + ` WHERE u.id = ?`

// TokenView reads what decides about a person's token at the app named app.
// With a session id it also proves that the session lives. Errors:
// ErrSessionEnded, ErrBanned, ErrNotFound (no such person, only without a
// session), ErrUnavailable.
func (s *Store) TokenView(ctx context.Context, app, userID, sessionID string) (TokenView, error) {
	query, args := userTokenView, []any{app, userID}
	if sessionID != "" {
		query, args = sessionTokenView, []any{app, sessionID, userID}
	}
	stmt, err := s.prepared(ctx, query) //nolint:sqlclosecheck // kept for the next caller; Close ends it
	if err != nil {
		return TokenView{}, fmt.Errorf("token view: %w", err)
	}
	var (
		v                                                                    TokenView
		status                                                               string
		seconds                                                              int64
		generation, epoch, secret, issued, lease, fetched, refused, refusedN sql.NullInt64
		cloudExpires, revokedAt, expiresAt                                   sql.NullInt64
		free                                                                 sql.NullBool
		sealed                                                               sql.RawBytes
	)
	rows, err := stmt.QueryContext(ctx, args...)
	if err == nil {
		defer func() { _ = rows.Close() }()
		if !rows.Next() {
			if err = rows.Err(); err == nil {
				err = sql.ErrNoRows
			}
		}
	}
	if err = s.translate(err); errors.Is(err, ErrNotFound) && sessionID != "" {
		err = ErrSessionEnded
	}
	if err != nil {
		return TokenView{}, fmt.Errorf("token view: %w", err)
	}
	if err := rows.Scan(&v.UserID, &v.IMID, &status, &v.Epoch, &seconds, &generation, &sealed, &epoch, &secret, &issued,
		&cloudExpires, &free, &lease, &fetched, &refused, &refusedN, &revokedAt, &expiresAt); err != nil {
		return TokenView{}, fmt.Errorf("token view: %w", s.translate(err))
	}
	switch {
	case sessionID != "" && (revokedAt.Valid || expiresAt.Int64 <= s.nowMicros()):
		return TokenView{}, ErrSessionEnded
	case status == StatusDeleted && sessionID == "":
		return TokenView{}, ErrNotFound
	case status == StatusDeleted:
		return TokenView{}, ErrSessionEnded
	case status != StatusActive:
		return TokenView{}, ErrBanned
	}
	v.Lifetime = time.Duration(seconds) * time.Second
	if !generation.Valid {
		return v, nil
	}
	v.Exists = true
	v.Generation, v.TokenEpoch, v.SecretVersion = generation.Int64, epoch.Int64, secret.Int64
	v.IssuedAt, v.LastFetchedAt = fromMicros(issued.Int64), fromMicros(fetched.Int64)
	v.LeaseUntil = fromMicros(lease.Int64)
	if free.Bool && lease.Int64 > 0 {
		v.LeaseUntil, v.LostUntil = fromMicros(0), v.LeaseUntil
	}
	v.RefusedSince, v.RefusedCount = fromMicros(refused.Int64), refusedN.Int64
	if cloudExpires.Valid {
		v.CloudExpiresAt = fromMicros(cloudExpires.Int64)
	}
	if len(sealed) > 0 {
		value, err := s.dataKey.open(sealed, "im_tokens", "token", app+"/"+v.UserID)
		if err != nil {
			return TokenView{}, fmt.Errorf("token view: %w", err)
		}
		v.Value = string(value)
	}
	return v, nil
}

// Fingerprint tells two tokens apart without showing either.
func Fingerprint(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// ClaimToken takes the lease to mint a token for the person, before the cloud is
// asked. It succeeds for one caller at a time, in whatever process, and only
// while the generation is still the one seen. ErrStale otherwise.
func (s *Store) ClaimToken(ctx context.Context, app string, seen TokenView, owner string, until time.Time) error {
	now := s.nowMicros()
	if !seen.Exists {
		_, err := s.write(ctx, "INSERT INTO im_tokens (cloud_app, user_id, lease_owner, lease_until) VALUES (?, ?, ?, ?)",
			app, seen.UserID, owner, until.UnixMicro())
		if isDuplicate(err) {
			return ErrStale
		}
		return err
	}
	matched, err := s.write(ctx, `UPDATE im_tokens SET lease_owner = ?, lease_until = ?
		WHERE cloud_app = ? AND user_id = ? AND generation = ? AND (lease_until <= ? OR lease_owner = '')`,
		owner, until.UnixMicro(), app, seen.UserID, seen.Generation, now)
	if err == nil && matched == 0 {
		return ErrStale
	}
	return err
}

// ReleaseToken gives a lease back after a mint that failed.
func (s *Store) ReleaseToken(ctx context.Context, app string, seen TokenView, owner string) error {
	_, err := s.write(ctx, "UPDATE im_tokens SET lease_owner = '', lease_until = ? WHERE cloud_app = ? AND user_id = ? AND lease_owner = ?",
		seen.lostMicros(), app, seen.UserID, owner)
	return err
}

// lostMicros is what a lease that is over leaves behind: the end of one that was
// lost before it, for MintUnderWay.
func (v TokenView) lostMicros() int64 {
	if v.LostUntil.IsZero() {
		return 0
	}
	return v.LostUntil.UnixMicro()
}

// A NewToken is what the cloud gave.
type NewToken struct {
	Value          string
	IssuedAt       time.Time
	CloudExpiresAt time.Time // zero: none
	SecretVersion  int64
	// Refused counts the mint against the limit for reports of refusal.
	Refused time.Time // start of the window that it is counted in; zero: not counted
	// Unprofiled asks that name and avatar are brought to the cloud.
	Unprofiled bool
	// RevokeBefore, if set, asks that tokens issued before it end at the cloud
	// at RevokeAt.
	RevokeBefore, RevokeAt time.Time
}

// SwapToken puts a new token over the generation seen. It is fenced: without the
// lease, or when a revocation moved the generation or the person's epoch, it
// writes nothing and returns ErrStale.
func (s *Store) SwapToken(ctx context.Context, app string, seen TokenView, owner string, n NewToken) error {
	sealed, err := s.dataKey.seal([]byte(n.Value), "im_tokens", "token", app+"/"+seen.UserID)
	if err != nil {
		return err
	}
	set := `token_sealed = ?, fingerprint = ?, generation = ?, secret_version = ?, issued_at = ?, cloud_expires_at = ?, epoch = ?,
		lease_owner = '', lease_until = ?, last_fetched_at = ?`
	args := []any{sealed, Fingerprint(n.Value), seen.Generation + 1, n.SecretVersion, n.IssuedAt.UnixMicro(), microsPtr(n.CloudExpiresAt), seen.Epoch, seen.lostMicros(), s.nowMicros()}
	if !n.Refused.IsZero() {
		count := int64(1)
		if n.Refused.Equal(seen.RefusedSince) {
			count = seen.RefusedCount + 1
		}
		set += ", refused_since = ?, refused_count = ?"
		args = append(args, n.Refused.UnixMicro(), count)
	}
	if !n.RevokeBefore.IsZero() {
		// A revocation that is waiting already must not be weakened by this one.
		set += ", revoke_before = CASE WHEN revoke_before > ? THEN revoke_before ELSE ? END"
		before := n.RevokeBefore.UnixMicro()
		args = append(args, before, before)
	}
	args = append(args, app, seen.UserID, owner, seen.Generation, seen.UserID, seen.Epoch, StatusActive)
	first := seen.IssuedAt.UnixMicro() <= 0
	err = s.inTx(ctx, func(tx *gorm.DB) error {
		res := tx.Exec("UPDATE im_tokens SET "+set+" WHERE cloud_app = ? AND user_id = ? AND lease_owner = ? AND generation = ?"+
			" AND EXISTS (SELECT 1 FROM users WHERE id = ? AND token_epoch = ? AND status = ?)", args...)
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return ErrStale
		}
		if !n.RevokeBefore.IsZero() {
			if err := s.enqueue(tx, KindRevoke, seen.UserID, n.RevokeAt); err != nil {
				return err
			}
		}
		if n.Unprofiled {
			if err := s.enqueue(tx, KindProfile, seen.UserID, s.Now()); err != nil {
				return err
			}
		}
		if !first {
			return nil
		}
		if err := tx.Exec("UPDATE users SET im_state = ? WHERE id = ? AND im_state = ?", IMReady, seen.UserID, IMPending).Error; err != nil {
			return err
		}
		// Before, the app there did not know them. It is one row, whatever there is
		// between them and others: what this transaction does not read, it cannot
		// miss, and the lease of a mint is too short for thousands.
		if err := s.enqueue(tx, KindRelations, seen.UserID, s.Now()); err != nil {
			return err
		}
		// Whoever is delivering it takes it away themselves.
		return tx.Exec("DELETE FROM outbox WHERE subject = ? AND kind = ? AND lease_until <= ?", seen.UserID, KindProvision, s.nowMicros()).Error
	})
	if err != nil {
		return fmt.Errorf("swap token of user %s: %w", seen.UserID, err)
	}
	if first || n.Unprofiled || !n.RevokeBefore.IsZero() {
		s.wakeOutbox()
	}
	return nil
}

// revokeTokens drops the person's stored tokens and moves their epoch, so that
// our endpoint refuses at once and a mint that is under way stores nothing. The
// cloud is told through the outbox, also of a first mint that has a lease and
// may have happened. The lease is free for the next mint at once, but its end
// stays, for MintUnderWay.
func (s *Store) revokeTokens(tx *gorm.DB, userID string) error {
	now := s.nowMicros()
	if err := tx.Exec("UPDATE users SET token_epoch = token_epoch + 1, version = version + 1, updated_at = ? WHERE id = ?", now, userID).Error; err != nil {
		return err
	}
	if s.DeriveIMPassword != nil {
		// Whatever the derived password has ended, it was not this.
		if err := tx.Exec("UPDATE im_passwords SET revokes = NULL WHERE user_id = ?", userID).Error; err != nil {
			return err
		}
	}
	res := tx.Exec(`UPDATE im_tokens SET token_sealed = NULL, fingerprint = '', generation = generation + 1, lease_owner = '',
		revoke_before = ? WHERE user_id = ? AND (generation > 0 OR lease_until > 0)`, now, userID)
	if res.Error != nil || res.RowsAffected == 0 {
		return res.Error
	}
	return s.enqueue(tx, KindRevoke, userID, fromMicros(now))
}

// NoteFetched remembers when people last fetched a token: one statement for
// many, off the path of the request.
func (s *Store) NoteFetched(ctx context.Context, app string, userIDs []string, at time.Time) error {
	for len(userIDs) > 0 {
		n := min(len(userIDs), 200)
		args := []any{at.UnixMicro(), app}
		for _, id := range userIDs[:n] {
			args = append(args, id)
		}
		_, err := s.write(ctx, "UPDATE im_tokens SET last_fetched_at = ? WHERE cloud_app = ? AND user_id IN (?"+strings.Repeat(", ?", n-1)+")", args...)
		if err != nil {
			return fmt.Errorf("note fetched: %w", err)
		}
		userIDs = userIDs[n:]
	}
	return nil
}

// DueTokens lists up to limit people after the id after, who fetched a token
// since seen, and whose token is past the given percentage of its life or was
// minted with a secret older than secretVersion.
func (s *Store) DueTokens(ctx context.Context, app string, secretVersion int64, percent int, seen time.Time, after string, limit int) ([]string, error) {
	now := s.nowMicros()
	var ids []string
	err := s.db.WithContext(ctx).Raw(`SELECT t.user_id FROM im_tokens t
		JOIN users u ON u.id = t.user_id AND u.status = 'active' AND u.token_epoch = t.epoch
		LEFT JOIN lifetimes lu ON lu.scope = t.user_id
		LEFT JOIN lifetimes ld ON ld.scope = 'default'
		WHERE t.cloud_app = ? AND t.last_fetched_at >= ? AND t.user_id > ? AND t.token_sealed IS NOT NULL AND t.lease_until <= ? AND (
			t.secret_version < ? OR (COALESCE(lu.seconds, ld.seconds, 0) > 0 AND t.issued_at + COALESCE(lu.seconds, ld.seconds, 0) * ? <= ?)
			OR t.issued_at + (t.cloud_expires_at - t.issued_at) * ? / 100 <= ?)
		ORDER BY t.user_id LIMIT ?`,
		app, seen.UnixMicro(), after, now, secretVersion, int64(percent)*10_000, now, percent, now, limit).Scan(&ids).Error
	if err != nil {
		return nil, fmt.Errorf("due tokens: %w", s.translate(err))
	}
	return ids, nil
}

// Revocation is up to when the person's tokens at the app must end; zero when
// none must.
func (s *Store) Revocation(ctx context.Context, app, userID string) (before time.Time, err error) {
	var us sql.NullInt64
	err = s.sql.QueryRowContext(ctx, "SELECT revoke_before FROM im_tokens WHERE cloud_app = ? AND user_id = ?", app, userID).Scan(&us)
	if err = s.translate(err); errors.Is(err, ErrNotFound) || err == nil && !us.Valid {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("revocation of user %s: %w", userID, err)
	}
	return fromMicros(us.Int64), nil
}

// FinishRevocation forgets one that the cloud has carried out. A later one that
// came up meanwhile stays. Where the cloud ended more than it was asked to, tokens
// asked for before ended are dropped: the stored one, so that the next fetch mints
// anew, and by its lease that of a mint under way, which then finds itself stale.
func (s *Store) FinishRevocation(ctx context.Context, app, userID string, before, ended time.Time) error {
	err := s.inTx(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec("UPDATE im_tokens SET revoke_before = NULL WHERE cloud_app = ? AND user_id = ? AND revoke_before = ?",
			app, userID, before.UnixMicro()).Error; err != nil || !ended.After(before) {
			return err
		}
		return s.dropEnded(tx, app, userID, ended)
	})
	if err != nil {
		return fmt.Errorf("finish revocation of user %s: %w", userID, err)
	}
	return nil
}

// dropEnded drops the stored token if it was asked for before ended, and takes the
// lease from a mint under way.
func (s *Store) dropEnded(tx *gorm.DB, app, userID string, ended time.Time) error {
	return tx.Exec(`UPDATE im_tokens SET token_sealed = CASE WHEN issued_at < ? THEN NULL ELSE token_sealed END,
		fingerprint = CASE WHEN issued_at < ? THEN '' ELSE fingerprint END, generation = generation + 1, lease_owner = ''
		WHERE cloud_app = ? AND user_id = ? AND (lease_until > ? OR token_sealed IS NOT NULL AND issued_at < ?)`,
		ended.UnixMicro(), ended.UnixMicro(), app, userID, s.nowMicros(), ended.UnixMicro()).Error
}

// MintUnderWay is when the lease of a mint for the person ends that may be at the
// cloud now, also of one whose token will not be stored; zero when there is none.
func (s *Store) MintUnderWay(ctx context.Context, userID string) (until time.Time, err error) {
	var us sql.NullInt64
	if err := s.sql.QueryRowContext(ctx, "SELECT MAX(lease_until) FROM im_tokens WHERE user_id = ?", userID).Scan(&us); err != nil {
		return time.Time{}, fmt.Errorf("mint under way for user %s: %w", userID, s.translate(err))
	}
	if us.Int64 <= s.nowMicros() {
		return time.Time{}, nil
	}
	return fromMicros(us.Int64), nil
}

// A TokenState is what an admin may see of a stored token.
type TokenState struct {
	UserID         string
	Fingerprint    string // empty: none stored
	Generation     int64
	IssuedAt       time.Time
	CloudExpiresAt time.Time // zero: none
	Lifetime       time.Duration
}

// TokenStates reads the states of some people's tokens.
func (s *Store) TokenStates(ctx context.Context, app string, userIDs []string) (map[string]TokenState, error) {
	states := make(map[string]TokenState, len(userIDs))
	if len(userIDs) == 0 {
		return states, nil
	}
	var rows []struct {
		UserID         string
		Fingerprint    string
		Generation     int64
		IssuedAt       int64
		CloudExpiresAt *int64
		Seconds        int64
	}
	err := s.db.WithContext(ctx).Raw(`SELECT t.user_id, t.fingerprint, t.generation, t.issued_at, t.cloud_expires_at, COALESCE(lu.seconds, ld.seconds, 0) AS seconds
		FROM im_tokens t LEFT JOIN lifetimes lu ON lu.scope = t.user_id LEFT JOIN lifetimes ld ON ld.scope = 'default'
		WHERE t.cloud_app = ? AND t.user_id IN ? AND t.token_sealed IS NOT NULL`, app, userIDs).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("token states: %w", s.translate(err))
	}
	for _, r := range rows {
		states[r.UserID] = TokenState{UserID: r.UserID, Fingerprint: r.Fingerprint, Generation: r.Generation, IssuedAt: fromMicros(r.IssuedAt),
			CloudExpiresAt: fromMicrosPtr(r.CloudExpiresAt), Lifetime: time.Duration(r.Seconds) * time.Second}
	}
	return states, nil
}
