package easemob

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"time"

	"imbridge/tokens/im"
)

const mostCreated = 60

// A NewUser is somebody to register with a password.
type NewUser struct{ ID, Password string }

// Create calls POST /users. Conflict where the id is taken, unless an attempt of
// this call got no answer: then that one may have made the user, and their
// password is set anew to be sure of it.
func (c *Client) Create(ctx context.Context, u NewUser) error {
	if err := checkID(opCreate, u.ID); err != nil {
		return err
	}
	if !passwordForm.MatchString(u.Password) {
		return invalid(opCreate, "the password is none that the cloud takes")
	}
	unsure := false
	a, err := c.do(ctx, opCreate, request{method: http.MethodPost, path: "/users", unsure: &unsure,
		json: map[string]string{"username": u.ID, "password": u.Password}})
	if refusedAs(err, nameDuplicate) && unsure {
		if _, gone := c.user(ctx, u.ID); gone != nil {
			return gone
		}
		return c.setPassword(ctx, u.ID, u.Password)
	}
	if err != nil {
		return err
	}
	return c.created(a, u.ID)
}

// created remembers whom an answer tells of.
func (c *Client) created(a answer, ids ...string) error {
	users, err := a.entities()
	if err != nil {
		return odd(opCreate, err.Error())
	}
	made := make(map[string]string, len(users))
	for _, u := range users {
		made[u.username] = u.uuid
	}
	for _, id := range ids {
		uuid, ok := made[id]
		if !ok {
			return odd(opCreate, "the answer does not tell of everybody")
		}
		c.met(id, uuid)
	}
	return nil
}

// CreateSeveral calls POST /users with at most 60 people and tells who was there
// already. An older cloud refuses all of them for one who was; then each is created
// by a call of their own. If a call fails the earlier ones stand, and the whole may
// be repeated.
func (c *Client) CreateSeveral(ctx context.Context, users ...NewUser) (taken []string, err error) {
	if len(users) > mostCreated {
		return nil, invalid(opCreate, "at most 60 users at a time")
	}
	body, seen := make([]map[string]string, len(users)), map[string]bool{}
	for i, u := range users {
		if err := checkID(opCreate, u.ID); err != nil {
			return nil, err
		}
		if seen[u.ID] || !passwordForm.MatchString(u.Password) {
			return nil, invalid(opCreate, "an id comes twice, or a password is none that the cloud takes")
		}
		seen[u.ID], body[i] = true, map[string]string{"username": u.ID, "password": u.Password}
	}
	if len(users) == 0 {
		return nil, nil
	}
	a, err := c.do(ctx, opCreate, request{method: http.MethodPost, path: "/users", json: body})
	if refusedAs(err, nameDuplicate) {
		return c.createEach(ctx, users)
	}
	if err != nil {
		return nil, err
	}
	var failed []answer
	if raw, ok := a["data"]; ok && json.Unmarshal(raw, &failed) != nil {
		return nil, odd(opCreate, "data is not a list")
	}
	for _, f := range failed {
		id := f.text("username")
		taken = append(taken, id)
		delete(seen, id)
	}
	var made []string
	for _, u := range users {
		if seen[u.ID] {
			made = append(made, u.ID)
		}
	}
	return taken, c.created(a, made...)
}

func (c *Client) createEach(ctx context.Context, users []NewUser) (taken []string, err error) {
	for _, u := range users {
		err := c.Create(ctx, u)
		switch {
		case refusedAs(err, nameDuplicate):
			taken = append(taken, u.ID)
		case err != nil:
			return taken, err
		}
	}
	return taken, nil
}

// metFresh is for how long somebody who was seen at the cloud counts as there:
// those who ask again and again cost one look-up a minute.
const metFresh = time.Minute

// uuid is the cloud's own id of a user, whom it registers where they are missing.
func (c *Client) uuid(ctx context.Context, id string) (string, error) {
	if seen, ok := c.uuids.get(id); ok && c.Now().Before(seen.at.Add(metFresh)) {
		return seen.uuid, nil
	}
	u, err := c.user(ctx, id)
	if im.KindOf(err) == im.UnknownUser {
		err = c.Create(ctx, NewUser{ID: id, Password: rand.Text() + rand.Text()})
		if err == nil || refusedAs(err, nameDuplicate) {
			u, err = c.user(ctx, id)
		}
	}
	if err != nil {
		return "", err
	}
	c.met(id, u.uuid)
	return u.uuid, nil
}
