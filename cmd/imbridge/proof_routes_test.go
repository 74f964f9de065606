package main

import "testing"

// A route is one request to each route of the API that needs the database.
type route struct {
	method, path, bearer string
	body                 any
	headers              []string
}

func (r route) String() string { return r.method + " " + r.path }

// everyRoute lists a request that is in order for each route, as a person with a
// session and as an admin. Those that end something come last; leaver goes.
func everyRoute(user, leaver loggedIn, admin string) []route {
	u, id := user.Session.Access, user.User.ID
	change := []string{"If-Match", "*"}
	return []route{
		{"POST", "/v1/register", "", object{"username": "r" + random(), "password": userPassword}, nil},
		{"POST", "/v1/login", "", object{"login": user.User.Username, "password": userPassword}, nil},
		{"POST", "/v1/session/refresh", "", object{"refresh_token": user.Session.Refresh}, nil},
		{"GET", "/v1/im/token", u, nil, nil},
		{"POST", "/v1/im/token/refused", u, object{"token": "not-the-stored-one", "code": 31004}, nil},
		{"GET", "/v1/sessions", u, nil, nil},
		{"GET", "/v1/me", u, nil, nil},
		{"PATCH", "/v1/me", u, object{"nickname": "Walrus"}, nil},
		{"GET", "/v1/admin/lifetimes", admin, nil, nil},
		{"PUT", "/v1/admin/lifetimes/default", admin, object{"lifetime": "30d"}, change},
		{"POST", "/v1/admin/lifetimes/default/preview", admin, object{"lifetime": "7d"}, nil},
		{"PUT", "/v1/admin/lifetimes/users/" + id, admin, object{"lifetime": "1d"}, change},
		{"POST", "/v1/admin/lifetimes/users/" + id + "/preview", admin, object{"lifetime": "7d"}, nil},
		{"DELETE", "/v1/admin/lifetimes/users/" + id, admin, nil, change},
		{"GET", "/v1/admin/users?query=" + user.User.Username, admin, nil, nil},
		{"POST", "/v1/admin/users/" + id + "/reissue", admin, nil, nil},
		{"GET", "/v1/admin/audit", admin, nil, nil},
		{"GET", "/v1/admin/notices?open=true", admin, nil, nil},
		{"GET", "/v1/admin/clouds", admin, nil, nil},
		{"POST", "/v1/admin/clouds/current/rotate", admin, nil, nil},
		{"POST", "/v1/admin/signing-keys/rotate", admin, object{"emergency": false}, nil},
		{"POST", "/v1/admin/login", "", object{"name": proofAdmin, "password": adminPassword}, nil},
		{"PUT", "/v1/me/password", u, object{"current_password": userPassword, "new_password": newPassword}, nil},
		{"POST", "/v1/logout", u, object{"scope": "others"}, nil},
		{"DELETE", "/v1/sessions/" + user.Session.ID, u, nil, nil},
		{"DELETE", "/v1/me", leaver.Session.Access, nil, nil},
	}
}

const (
	proofAdmin    = "warden"
	adminPassword = "brass-Lantern-Orbit-93"
	newPassword   = "velvet-Cactus-Anchor-58"
)

func (p *process) ask(t testing.TB, r route) answer {
	t.Helper()
	return p.try(t, r.method, r.path, r.bearer, r.body, r.headers...)
}
