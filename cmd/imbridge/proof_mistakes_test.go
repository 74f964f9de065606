package main

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
)

// mistakes are requests that put secrets where they do not belong.
func (v *vault) mistakes(user loggedIn, admin string) []route {
	u := user.Session.Access
	p := v.plant
	list := []route{
		{"POST", "/v1/login", "", object{"login": user.User.Username, "password": p("wrong password")}, nil},
		{"POST", "/v1/login", "", object{"login": p("password typed as login"), "password": p("login typed as password")}, nil},
		{"POST", "/v1/login", "", object{"passwrod": p("value of an unknown field"), "login": "x", "password": "y"}, nil},
		{"POST", "/v1/login", "", `{"login":"` + p("broken JSON"), nil},
		{"POST", "/v1/login", "", `{"login":{"a":"` + p("object") + `"},"password":"x"}`, nil},
		{"POST", "/v1/login", "", `{"login":"a\u0000` + p("control character") + `","password":"x"}`, nil},
		{"POST", "/v1/login", "", `{"password":"` + strings.Repeat(p("long body"), 4000) + `","login":"x"}`, nil},
		{"POST", "/v1/login", "", `{"login":"x","password":"` + strings.Repeat(p("long password"), 40) + `"}`, nil},
		{"POST", "/v1/register", "", object{"username": p("odd username") + "/\u2028", "password": p("password of an odd username")}, nil},
		{"POST", "/v1/register", "", object{"username": user.User.Username, "password": p("password of a taken name")}, nil},
		{"POST", "/v1/register", "", object{"username": "e" + random(), "password": p("password beside a bad e-mail"), "email": p("bad e-mail")}, nil},
		{"POST", "/v1/register", "", object{"username": "e" + random(), "password": userPassword}, []string{"Idempotency-Key", p("key with a space") + " x"}},
		{"POST", "/v1/register", "", object{"username": "e" + random(), "password": userPassword}, []string{"Idempotency-Key", p("idempotency key")}},
		{"POST", "/v1/register", "", object{"username": "e" + random(), "password": userPassword}, []string{"Content-Type", "text/" + p("content type")}},
		{"POST", "/v1/session/refresh", "", object{"refresh_token": p("refresh token")}, nil},
		{"POST", "/v1/session/refresh", "", object{"refresh_token": "imr1_" + p("refresh token in form")}, nil},
		{"POST", "/v1/session/refresh", "", object{"refresh_token": u}, nil},
		{"GET", "/v1/me", p("bearer"), nil, nil},
		{"GET", "/v1/me", u[:len(u)-4] + "AAAA", nil, nil},
		{"GET", "/v1/me", admin, nil, nil},
		{"GET", "/v1/me", "", nil, []string{"Authorization", "Basic " + p("other scheme")}},
		{"GET", "/v1/admin/users", u, nil, nil},
		{"GET", "/v1/nowhere/" + p("path") + "?token=" + p("query"), u, nil, nil},
		{p("method"), "/v1/me", u, nil, nil},
		{"DELETE", "/v1/sessions/" + p("session id"), u, nil, nil},
		{"POST", "/v1/im/token/refused", u, object{"token": p("refused token"), "code": 31004}, nil},
		{"POST", "/v1/im/token/refused", u, object{"token": p("refused token"), "code": p("code")}, nil},
		{"PUT", "/v1/me/password", u, object{"current_password": p("current password"), "new_password": p("new password")}, nil},
		{"PUT", "/v1/me/password", u, object{"current_password": userPassword, "new_password": user.User.Username}, nil},
		{"PATCH", "/v1/me", u, object{"email": p("profile e-mail")}, nil},
		{"POST", "/v1/logout", u, object{"scope": p("scope")}, nil},
		{"GET", "/v1/admin/users?query=" + p("search") + "&cursor=" + p("cursor"), admin, nil, nil},
		{"GET", "/v1/admin/audit?cursor=" + p("cursor") + "&limit=" + p("limit"), admin, nil, nil},
		{"POST", "/v1/admin/users/" + p("user id") + "/reissue", admin, nil, nil},
		{"PUT", "/v1/admin/lifetimes/default", admin, object{"lifetime": p("lifetime")}, []string{"If-Match", "*"}},
		{"PUT", "/v1/admin/lifetimes/default", admin, object{"lifetime": "7d"}, []string{"If-Match", `"` + p("precondition") + `"`}},
		{"PUT", "/v1/admin/lifetimes/users/" + p("user id"), admin, object{"lifetime": "7d"}, []string{"If-Match", "*"}},
		{"POST", "/v1/admin/login", "", object{"name": proofAdmin, "password": p("admin's wrong password")}, nil},
		{"POST", "/v1/admin/login", "", object{"name": p("password typed as name"), "password": p("name typed as password")}, nil},
	}
	return list
}

// gossip is a cloud that repeats in its answers whatever it knows.
func (v *vault) gossip(secret, token string) (*httptest.Server, int) {
	var turn int
	own := base64.StdEncoding.EncodeToString([]byte(random() + random()))
	v.keep("gossip's token", own)
	words := func(r *http.Request) string {
		return "secret " + secret + " (" + url.QueryEscape(secret) + ") signature " + r.Header.Get("Signature") + " token " + token
	}
	said := func(w http.ResponseWriter, status int, answer any) {
		w.Header().Set("Retry-After", token)
		w.Header().Set("X-Debug", secret)
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(answer)
	}
	ways := []func(w http.ResponseWriter, r *http.Request){
		func(w http.ResponseWriter, r *http.Request) {
			said(w, 401, object{"code": 1004, "errorMessage": words(r)})
		},
		func(w http.ResponseWriter, r *http.Request) {
			said(w, 400, object{"code": 1002, "errorMessage": words(r)})
		},
		func(w http.ResponseWriter, r *http.Request) {
			said(w, 500, object{"code": 9999, "errorMessage": words(r)})
		},
		func(w http.ResponseWriter, r *http.Request) {
			said(w, 403, object{"code": 2007, "errorMessage": "no " + own, "token": own})
		},
		func(w http.ResponseWriter, r *http.Request) { said(w, 200, "<html>"+words(r)) },
		func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"code":200,"token":"`+own+`","userId":"`+words(r))
		},
		func(w http.ResponseWriter, r *http.Request) {
			said(w, 200, object{"code": 200, "token": []string{own, words(r)}})
		},
		func(w http.ResponseWriter, r *http.Request) {
			said(w, 200, object{"code": 200, "userId": words(r), "token": own + "\n" + secret})
		},
		func(w http.ResponseWriter, r *http.Request) {
			said(w, 200, object{"code": 200, "userId": "x", "token": strings.Repeat(own, 100)})
		},
		func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/"+secret+"?token="+token, http.StatusTemporaryRedirect)
		},
		func(w http.ResponseWriter, r *http.Request) {
			c, _, _ := w.(http.Hijacker).Hijack()
			_, _ = io.WriteString(c, "HTTP/1.1 "+words(r)+"\r\n\r\n")
			_ = c.Close()
		},
	}
	var mu sync.Mutex
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		v.keep("signature", r.Header.Get("Signature"))
		ways[turn%len(ways)](w, r)
		turn++
	})), len(ways)
}
