package modelstest

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"imbridge/models"
)

// Password is what everybody that AddUser makes logs in with.
const Password = "correct horse battery"

// App is the app at the cloud that builders store tokens for.
const App = "test-app"

// hashed is Password's hash, made once: a hash takes 20 ms.
var hashed = sync.OnceValues(func() (string, error) {
	return (&models.Hasher{}).Hash(context.Background(), Password)
})

var numbers atomic.Int64

// id is unlike every other of this process, and later ones sort later.
func id(prefix string) string { return fmt.Sprintf("%s%022d", prefix, numbers.Add(1)) }

// AddUser stores a person named "user…" whose password is Password, without the
// time that registering takes.
func (s *Store) AddUser(t testing.TB) models.User {
	t.Helper()
	hash, err := hashed()
	if err != nil {
		t.Fatalf("hash: %v", err)
	}
	id, now := id("01ps"), s.Clock.Now().UnixMicro()
	name := "user" + strings.TrimLeft(id[4:], "0")
	s.Exec(t, `INSERT INTO users (id, im_id, username, username_key, password_hash, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		id, id, name, name, hash, now, now)
	u, err := s.User(context.Background(), id)
	if err != nil {
		t.Fatalf("user %s: %v", id, err)
	}
	return u
}

// AddSession logs u in and returns the session with its first refresh token.
func (s *Store) AddSession(t testing.TB, u models.User) (models.Session, string) {
	t.Helper()
	u, err := s.User(context.Background(), u.ID) // as they are by now
	if err != nil {
		t.Fatalf("session of %s: %v", u.ID, err)
	}
	session, refresh, err := s.CreateSession(context.Background(), u, models.Origin{IP: "192.0.2.1", UserAgent: "test", Device: "a phone"})
	if err != nil {
		t.Fatalf("session of %s: %v", u.ID, err)
	}
	return session, refresh
}

// AddToken mints a connect token for u as the issuer does: view, claim, swap.
// Zero fields of n get a value, "now" and secret version 1.
func (s *Store) AddToken(t testing.TB, u models.User, n models.NewToken) models.TokenView {
	t.Helper()
	ctx := context.Background()
	if n.Value == "" {
		n.Value = "token-" + id("") + "@http://127.0.0.1:8090"
	}
	if n.IssuedAt.IsZero() {
		n.IssuedAt = s.Clock.Now()
	}
	if n.SecretVersion == 0 {
		n.SecretVersion = 1
	}
	v, err := s.TokenView(ctx, App, u.ID, "")
	if err != nil {
		t.Fatalf("token view of %s: %v", u.ID, err)
	}
	owner := id("owner")
	if err := s.ClaimToken(ctx, App, v, owner, s.Clock.Now().Add(time.Minute)); err != nil {
		t.Fatalf("claim token of %s: %v", u.ID, err)
	}
	if err := s.SwapToken(ctx, App, v, owner, n); err != nil {
		t.Fatalf("swap token of %s: %v", u.ID, err)
	}
	if v, err = s.TokenView(ctx, App, u.ID, ""); err != nil {
		t.Fatalf("token view of %s: %v", u.ID, err)
	}
	return v
}

// A BulkToken is one of BulkTokens' tokens.
type BulkToken struct {
	IssuedAt       time.Time
	CloudExpiresAt time.Time // zero: none
}

// BulkTokens stores n people, each with a connect token at App of secret version
// 1 that token describes, sealed as the store seals it. It returns the people's
// ids. 100,000 take a few seconds.
func (s *Store) BulkTokens(t testing.TB, n int, token func(i int) BulkToken) []string {
	t.Helper()
	sealer := s.sealer(t)
	tx, err := s.SQL(t).Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	now := s.Clock.Now().UnixMicro()
	ids := make([]string, 0, n)
	// A server counts round trips; SQLite takes ever longer for longer statements.
	most := 1000
	if s.Engine == "sqlite" {
		most = 20
	}
	users := &rows{tx: tx, width: 8, most: most, query: "INSERT INTO users (id, im_id, username, username_key, password_hash, im_state, created_at, updated_at) VALUES "}
	tokens := &rows{tx: tx, width: 10, most: most, query: "INSERT INTO im_tokens (cloud_app, user_id, token_sealed, fingerprint, generation, secret_version, issued_at, cloud_expires_at, epoch, last_fetched_at) VALUES "}
	for i := range n {
		uid := id("01bk")
		ids = append(ids, uid)
		b := token(i)
		value := "bulk-" + uid
		sealed, err := sealer.Encrypt([]byte(value), []byte("im_tokens|token|"+App+"/"+uid))
		if err != nil {
			t.Fatal(err)
		}
		var cloud any
		if !b.CloudExpiresAt.IsZero() {
			cloud = b.CloudExpiresAt.UnixMicro()
		}
		users.add(t, uid, uid, uid, uid, "-", models.IMReady, now, now)
		tokens.add(t, App, uid, sealed, models.Fingerprint(value), 1, 1, b.IssuedAt.UnixMicro(), cloud, 1, now)
	}
	users.flush(t)
	tokens.flush(t)
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	return ids
}

// rows collects rows for one INSERT of many.
type rows struct {
	tx    *sql.Tx
	query string
	width int // columns
	most  int // rows of one statement
	args  []any
}

func (r *rows) add(t testing.TB, values ...any) {
	r.args = append(r.args, values...)
	if len(r.args) >= r.most*r.width {
		r.flush(t)
	}
}

func (r *rows) flush(t testing.TB) {
	t.Helper()
	if len(r.args) == 0 {
		return
	}
	row := "(?" + strings.Repeat(", ?", r.width-1) + ")"
	if _, err := r.tx.Exec(r.query+row+strings.Repeat(", "+row, len(r.args)/r.width-1), r.args...); err != nil {
		t.Fatalf("insert in bulk: %v", err)
	}
	r.args = r.args[:0]
}

func (s *Store) sealer(t testing.TB) tink.AEAD {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(s.KeyText)
	if err != nil {
		t.Fatal(err)
	}
	h, err := insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	a, err := aead.New(h)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
