package models

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
)

// What a user's status and im_state can be.
const (
	StatusActive  = "active"
	StatusBanned  = "banned"
	StatusDeleted = "deleted"

	// IMPending: the cloud does not know the person yet, as far as we know.
	IMPending = "pending"
	// IMReady: the cloud has given a token for them at least once.
	IMReady = "ready"
)

// A User is a person in our own user system.
type User struct {
	ID string
	// IMID is their id at the cloud; it never changes and is never used again.
	IMID      string
	Username  string
	Email     string // may be empty
	Phone     string // E.164; may be empty
	Nickname  string // may be empty
	AvatarURL string // may be empty
	Status    string
	IMState   string
	Version   int64
	CreatedAt time.Time
	BanReason string    // empty unless banned
	DeletedAt time.Time // zero unless deleted

	epoch int64 // moves when tokens are revoked; a login must not span a move
}

// DisplayName is what others see. A nickname of blanks would be a name that
// nobody can see, which clouds refuse.
func (u User) DisplayName() string {
	if strings.TrimSpace(u.Nickname) != "" {
		return u.Nickname
	}
	return u.Username
}

type userRow struct {
	ID           string `gorm:"primaryKey"`
	IMID         string `gorm:"column:im_id"`
	Username     string
	UsernameKey  *string
	Email        *string
	EmailKey     *string
	Phone        *string
	Nickname     string
	AvatarURL    string
	PasswordHash string
	Status       string
	IMState      string `gorm:"column:im_state"`
	TokenEpoch   int64
	Version      int64
	CreatedAt    int64 `gorm:"autoCreateTime:false"`
	UpdatedAt    int64 `gorm:"autoUpdateTime:false"`
	BanReason    string
	DeletedAt    *int64
	ScrubbedAt   *int64
}

func (userRow) TableName() string { return "users" }

func (r userRow) user() User {
	u := User{ID: r.ID, IMID: r.IMID, Username: r.Username, Nickname: r.Nickname, AvatarURL: r.AvatarURL,
		Status: r.Status, IMState: r.IMState, Version: r.Version, CreatedAt: fromMicros(r.CreatedAt),
		BanReason: r.BanReason, DeletedAt: fromMicrosPtr(r.DeletedAt), epoch: r.TokenEpoch}
	if r.Email != nil {
		u.Email = *r.Email
	}
	if r.Phone != nil {
		u.Phone = *r.Phone
	}
	return u
}

var userFields = map[string]string{"users_username_key": "username", "users_email_key": "email", "users_phone": "phone"}

// NewUser is what a person registers with.
type NewUser struct {
	Username  string // 3 to 32 characters, see normalUsername
	Password  string // 8 to 128 characters
	Nickname  string // at most 64 characters
	Email     string
	Phone     string
	AvatarURL string
}

// A Registration is a new person with their first session.
type Registration struct {
	User         User
	Session      Session
	RefreshToken string
	// Replayed: an earlier request with the same idempotency key did it.
	Replayed bool
}

// CreateUser registers a person and logs them in. With an idempotency key (not
// empty), a repeated call returns what the first one made, however the first
// one's answer was lost. Errors: FieldErrors, TakenError, ErrHashBusy,
// ErrKeyReused, ErrKeySpent, ErrUnavailable.
func (s *Store) CreateUser(ctx context.Context, in NewUser, idempotencyKey string, o Origin) (Registration, error) {
	row, err := s.newUserRow(in)
	if err != nil {
		return Registration{}, err
	}
	idem := s.newIdempotency("register", idempotencyKey, in.Username, in.Password, in.Nickname, in.Email, in.Phone, in.AvatarURL)
	if idem == nil {
		return s.createUser(ctx, in, row, nil, o)
	}
	for {
		if reg, err := s.replay(ctx, idem); !errors.Is(err, ErrNotFound) {
			return reg, err
		}
		// Repeats that come together wait for the first of them and read what it
		// made: each would hash the password otherwise.
		var reg Registration
		mine := false
		_, err, _ := s.registering.Do(idem.ID, func() (any, error) {
			mine = true
			var err error
			reg, err = s.createUser(ctx, in, row, idem, o)
			return nil, err
		})
		if mine {
			return reg, err
		}
	}
}

// createUser is CreateUser once the key is known to have made nothing yet; idem
// is nil without a key.
func (s *Store) createUser(ctx context.Context, in NewUser, row userRow, idem *idempotencyRow, o Origin) (Registration, error) {
	var err error
	// The hash takes long on purpose, so that it is made before the transaction.
	if row.PasswordHash, err = s.Hasher.Hash(ctx, in.Password); err != nil {
		return Registration{}, err
	}
	derived, err := s.deriveIMPassword(ctx, in.Password, row.IMID, row.PasswordHash)
	if err != nil {
		return Registration{}, err
	}
	session, refresh, err := s.newSession(row.ID, o)
	if err != nil {
		return Registration{}, err
	}
	err = s.inTx(ctx, func(tx *gorm.DB) error {
		if idem != nil {
			idem.UserID, idem.SessionID = row.ID, session.ID
			if err := tx.Create(idem).Error; err != nil {
				return err
			}
		}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		if err := tx.Create(&session).Error; err != nil {
			return err
		}
		if err := s.enqueue(tx, KindProvision, row.ID, s.Now().Add(provisionAfter)); err != nil {
			return err
		}
		if _, err := s.keepIMPassword(tx, row.ID, derived); err != nil {
			return err
		}
		return s.audit(tx, o, "user:"+row.ID, "user.register", "user:"+row.ID, nil)
	})
	if isDuplicate(err) && idem != nil {
		// The same request may have won a moment ago.
		if reg, rerr := s.replay(ctx, idem); !errors.Is(rerr, ErrNotFound) {
			return reg, rerr
		}
	}
	if err != nil {
		return Registration{}, fmt.Errorf("create user: %w", s.taken(ctx, err, row))
	}
	return Registration{User: row.user(), Session: session.session(), RefreshToken: refresh}, nil
}

func (s *Store) newUserRow(in NewUser) (userRow, error) {
	id, now := s.newID(), s.nowMicros()
	row := userRow{ID: id, IMID: id, Nickname: in.Nickname, AvatarURL: in.AvatarURL, Status: StatusActive, IMState: IMPending,
		TokenEpoch: 1, Version: 1, CreatedAt: now, UpdatedAt: now}
	if err := CheckNewUser(in); err != nil {
		return row, err
	}
	display, key, err := normalUsername(in.Username)
	if err != nil {
		return row, err
	}
	row.Username, row.UsernameKey = display, &key
	return row, row.setContact(in.Email, in.Phone)
}

// setContact sets e-mail and phone; empty removes them.
func (r *userRow) setContact(email, phone string) error {
	r.Email, r.EmailKey, r.Phone = nil, nil, nil
	if email != "" {
		display, key, err := normalEmail(email)
		if err != nil {
			return err
		}
		r.Email, r.EmailKey = &display, &key
	}
	if phone != "" {
		p, err := normalPhone(phone)
		if err != nil {
			return err
		}
		r.Phone = &p
	}
	return nil
}

// User finds a person by id. ErrNotFound for the deleted, too.
func (s *Store) User(ctx context.Context, id string) (User, error) {
	row, err := s.userRow(ctx, id)
	return row.user(), err
}

func (s *Store) userRow(ctx context.Context, id string) (userRow, error) {
	var row userRow
	err := s.db.WithContext(ctx).Where("id = ? AND status <> ?", id, StatusDeleted).Take(&row).Error
	return row, s.translate(err)
}

// A ProfileChange sets the fields that are not nil.
type ProfileChange struct {
	Nickname, Email, Phone, AvatarURL *string
}

// ChangeProfile returns the user as they are then. Errors: FieldErrors,
// TakenError, ErrNotFound, ErrStale when somebody changed them meanwhile.
func (s *Store) ChangeProfile(ctx context.Context, userID string, c ProfileChange, o Origin) (User, error) {
	row, err := s.userRow(ctx, userID)
	if err != nil {
		return User{}, err
	}
	if err := CheckProfile(c); err != nil {
		return User{}, err
	}
	seen := row.Version
	before := row.user()
	if c.Email != nil || c.Phone != nil {
		email, phone := before.Email, before.Phone
		if c.Email != nil {
			email = *c.Email
		}
		if c.Phone != nil {
			phone = *c.Phone
		}
		if err := row.setContact(email, phone); err != nil {
			return User{}, err
		}
	}
	if c.Nickname != nil {
		row.Nickname = *c.Nickname
	}
	if c.AvatarURL != nil {
		row.AvatarURL = *c.AvatarURL
	}
	row.Version, row.UpdatedAt = seen+1, s.nowMicros()
	err = s.inTx(ctx, func(tx *gorm.DB) error {
		res := tx.Exec(`UPDATE users SET nickname = ?, email = ?, email_key = ?, phone = ?, avatar_url = ?, version = ?, updated_at = ?
			WHERE id = ? AND version = ?`, row.Nickname, row.Email, row.EmailKey, row.Phone, row.AvatarURL, row.Version, row.UpdatedAt, userID, seen)
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return ErrStale
		}
		if row.Nickname != before.Nickname || row.AvatarURL != before.AvatarURL {
			if err := s.enqueue(tx, KindProfile, userID, s.Now()); err != nil {
				return err
			}
		}
		return s.audit(tx, o, "user:"+userID, "user.profile", "user:"+userID, nil)
	})
	if err != nil {
		return User{}, fmt.Errorf("change profile: %w", s.taken(ctx, err, row))
	}
	s.wakeOutbox()
	return row.user(), nil
}

// ChangePassword ends every other session and every connect token: whoever
// knew the old password is out. Errors: ErrBadCredentials, FieldError,
// ThrottledError, ErrHashBusy.
func (s *Store) ChangePassword(ctx context.Context, userID, keepSession, current, next string, o Origin) error {
	row, err := s.userRow(ctx, userID)
	if err != nil {
		return err
	}
	u := row.user()
	if err := CheckNewPassword(u, next); err != nil {
		return err
	}
	attempt, err := s.attemptLogin(ctx, "user", userID, o.IP)
	if err != nil {
		return err
	}
	ok, _, err := s.Hasher.Verify(ctx, row.PasswordHash, current)
	if err != nil {
		attempt.unmade(ctx)
		return err
	}
	if !ok {
		return ErrBadCredentials
	}
	attempt.succeeded(ctx)
	hash, err := s.Hasher.Hash(ctx, next)
	if err != nil {
		return err
	}
	derived, err := s.deriveIMPassword(ctx, next, row.IMID, hash)
	if err != nil {
		return err
	}
	defer s.wakeOutbox()
	return s.inTx(ctx, func(tx *gorm.DB) error {
		res := tx.Exec("UPDATE users SET password_hash = ?, version = version + 1, updated_at = ? WHERE id = ? AND password_hash = ?",
			hash, s.nowMicros(), userID, row.PasswordHash)
		if res.Error != nil {
			return res.Error
		}
		if res.RowsAffected == 0 {
			return ErrStale
		}
		if err := s.endSessions(tx, userID, keepSession, "password"); err != nil {
			return err
		}
		if err := s.revokeTokens(tx, userID); err != nil {
			return err
		}
		if err := s.changedIMPassword(tx, userID, derived); err != nil {
			return err
		}
		return s.audit(tx, o, "user:"+userID, "user.password", "user:"+userID, nil)
	})
}

// Users lists people in the order of their ids, up to limit after the id after
// ("" for the first). A query, if any, is the beginning of a username or an
// e-mail address, or a whole phone number or id.
func (s *Store) Users(ctx context.Context, query, after string, limit int) ([]User, error) {
	q := s.db.WithContext(ctx).Where("users.id > ? AND users.status <> ?", after, StatusDeleted).Order("users.id").Limit(limit)
	if query != "" {
		prefix := strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(strings.ToLower(query)) + "%"
		ascii := strings.Map(func(r rune) rune {
			if r > 126 || r < 32 {
				return '?'
			}
			return r
		}, query)
		// One index each, read first: an OR over all of them, or an IN, would be
		// asked again for each row of the table.
		q = q.Joins(`JOIN (SELECT id FROM users WHERE username_key LIKE ? ESCAPE '!'
			UNION SELECT id FROM users WHERE email_key LIKE ? ESCAPE '!'
			UNION SELECT id FROM users WHERE phone = ? UNION SELECT id FROM users WHERE id = ?) found ON found.id = users.id`, prefix, prefix, ascii, ascii)
	}
	var rows []userRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, s.translate(err)
	}
	list := make([]User, len(rows))
	for i, r := range rows {
		list[i] = r.user()
	}
	return list, nil
}
