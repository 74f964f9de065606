package sandbox

import (
	"crypto/subtle"
	"net/http"
	"strconv"
	"strings"
	"time"
)

func (e *easemob) tokenRoutes() []easeRoute {
	return []easeRoute{
		{method: "POST", path: "/token", limit: limit{300, time.Second}, auth: easeAnybody, do: e.token},
		// The web SDK asks until when a token that it shall use is good.
		{method: "GET", path: "/sdk/users/{u}/token/expires", limit: limit{100, time.Second}, auth: easeOwnerToo, do: e.tokenExpires},
	}
}

func (e *easemob) token(q *easeCall) (easeReply, *easeError) {
	grant, _ := q.text("grant_type")
	switch grant {
	case "client_credentials":
		return e.appToken(q)
	case "inherit":
		return e.inherit(q)
	case "password":
		return e.passwordToken(q)
	case "agora":
		return e.exchange(q)
	}
	return nil, easeRefusal("invalid_grant", "unsupported grant_type")
}

func sameSecret(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func (e *easemob) appToken(q *easeCall) (easeReply, *easeError) {
	id, _ := q.text("client_id")
	secret, _ := q.text("client_secret")
	switch app := &e.s.app.ease; {
	case id == "" || !sameSecret(id, app.clientID):
		return nil, easeRefusal("invalid_grant", "client_id does not match")
	case !sameSecret(secret, app.clientSecret):
		return nil, easeRefusal("invalid_grant", "client_secret does not match")
	}
	life, no := q.ttl()
	if no != nil {
		return nil, no
	}
	return easeReply{
		"access_token": e.s.easeIssue(nil, life, q.now),
		"expires_in":   e.unit(life),
		"application":  e.appID,
	}, nil
}

// exchange makes an app token of one that the app signed itself.
func (e *easemob) exchange(q *easeCall) (easeReply, *easeError) {
	t, ok := e.s.easeReadSigned(q.bearer())
	switch {
	case !ok || !t.app:
		return nil, easeBadToken()
	case !q.now.Before(t.expiresAt):
		return nil, easeRefusal("unauthorized", "Unable to authenticate due to expired access token")
	}
	return easeReply{
		"access_token":     e.s.easeIssue(nil, t.expiresAt.Sub(q.now), q.now),
		"expire_timestamp": t.expiresAt.UnixMilli(),
	}, nil
}

// inherit issues a user's token to the app, which may also register the user.
func (e *easemob) inherit(q *easeCall) (easeReply, *easeError) {
	if no := q.authenticate(easeAppOnly); no != nil {
		return nil, no
	}
	name, _ := q.text("username")
	life, no := q.ttl()
	if no != nil {
		return nil, no
	}
	create, _ := q.body["autoCreateUser"].(bool)
	u := e.s.easeUser(name)
	if u == nil && !create {
		return nil, easeRefusal("entity_not_found", "User null not found")
	}
	if u == nil {
		if no := checkEaseName(name); no != nil {
			return nil, no
		}
		if e.s.easeFull() {
			return nil, easeEditionLimit()
		}
		u = e.s.easeAdd(name, "", "", q.now)
		u.autoCreated = true
	} else if e.s.app.ease.conflicts && create && u.autoCreated && q.now.Sub(u.created) < time.Second {
		u.autoCreated = false
		return nil, easeRefusal("concurrent_operation_error", "concurrency create app user failed")
	}
	return e.userToken(q, u, life)
}

func (e *easemob) passwordToken(q *easeCall) (easeReply, *easeError) {
	name, _ := q.text("username")
	password, _ := q.text("password")
	life, no := q.ttl()
	if no != nil {
		return nil, no
	}
	u := e.s.easeUser(name)
	switch {
	case u == nil:
		return nil, easeRefusal("invalid_grant", "user not found").with(http.StatusNotFound)
	case u.password == "" || !sameSecret(password, u.password):
		return nil, easeRefusal("invalid_grant", "invalid password")
	}
	return e.userToken(q, u, life)
}

func (e *easemob) userToken(q *easeCall, u *easeUser, life time.Duration) (easeReply, *easeError) {
	if !u.activated {
		return nil, easeRefusal("invalid_grant", "user not activated")
	}
	return easeReply{
		"access_token": e.s.easeIssue(u, life, q.now),
		"expires_in":   e.unit(life),
		"user":         u.entity(),
	}, nil
}

// unit is a lifetime as the cluster counts it.
func (e *easemob) unit(d time.Duration) int64 {
	if e.s.app.ease.milliseconds {
		return d.Milliseconds()
	}
	return int64(d / time.Second)
}

// ttl reads a lifetime: a number, its digits in a string, or "" or null for the
// console's.
func (q *easeCall) ttl() (time.Duration, *easeError) {
	text, ok := q.text("ttl")
	if !ok && q.body["ttl"] != nil {
		return 0, easeRefusal("illegal_argument", "ttl must be a number")
	}
	if text = strings.TrimSpace(text); text == "" {
		return q.s.app.ease.tokenTTL, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	unit := time.Second
	if q.s.app.ease.milliseconds {
		unit = time.Millisecond
	}
	if err != nil || n < 0 || n > int64(10*maxLifetime/unit) {
		return 0, easeRefusal("illegal_argument", "ttl must be a number from 0")
	}
	return time.Duration(n) * unit, nil
}

// easeForever is when a permanent token ends for those who insist on an end.
const easeForever = 100 * 365 * 24 * time.Hour

func (e *easemob) tokenExpires(q *easeCall) (easeReply, *easeError) {
	v := e.s.easeJudge(e.s.cfg.EasemobAppKey, "", q.bearer())
	if v.user == nil {
		return nil, easeCorrupt() // an app token
	}
	// Of a permanent token the SDK must be told some end: it takes 0 for one
	// that is over, and closes. The far end is a guess.
	at := q.now.Add(easeForever)
	if !v.expiresAt.IsZero() {
		at = v.expiresAt
	}
	e.socket.renewed(v.user, q.bearer())
	return easeReply{"expire_timestamp": at.UnixMilli()}, nil
}
