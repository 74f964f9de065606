package easemob

import (
	"cmp"
	"context"
	"crypto/sha256"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"imbridge/tokens/im"
	"imbridge/tokens/im/calls"
)

const (
	longestName   = 64  // characters
	longestAvatar = 256 // characters, which are no more than bytes
)

// idForm is narrower than what the cloud takes: capitals would make two of our ids
// one there, and a dot or two would lead out of a path.
var idForm = regexp.MustCompile(`^[a-z0-9]{1,64}$`)

func checkID(o calls.Op, id string) error {
	if !idForm.MatchString(id) {
		return invalid(o, "a user id is 1 to 64 of a-z and 0-9; the cloud does not tell capitals apart")
	}
	return nil
}

// shape is a user as the cloud takes it, and as it is read back: everything that
// sends or compares a profile goes through here. A name that nothing is left of
// becomes the id, an avatar that the cloud would refuse becomes none.
func shape(u im.User) im.User {
	u.Name = cmp.Or(calls.Name(u.Name, longestName), u.ID)
	if !calls.GoodAvatar(u.AvatarURL, longestAvatar) {
		u.AvatarURL = ""
	}
	return u
}

// Shape is u with the name cut to what the cloud takes, the id where nothing is
// left of it, and without an avatar that the cloud would refuse.
func (c *Client) Shape(u im.User) im.User { return shape(u) }

// profileSum tells profiles apart.
type profileSum [16]byte

func sumOf(u im.User) profileSum {
	sum := sha256.Sum256([]byte(u.Name + "\x00" + u.AvatarURL))
	return profileSum(sum[:16])
}

// A meeting is when the cloud told that a user is there, and its own id of them.
type meeting struct {
	uuid string
	at   time.Time
}

// met remembers the cloud's own id of a user. Another one than before is another
// user of that name, made after the cloud lost the first: without a profile.
func (c *Client) met(id, uuid string) {
	if uuid == "" {
		return
	}
	if before, ok := c.uuids.get(id); !ok || before.uuid != uuid {
		c.profiles.forget(id)
	}
	c.uuids.set(id, meeting{uuid, c.Now()})
}

// putOnce puts name and avatar unless this client put the same ones last.
func (c *Client) putOnce(ctx context.Context, u im.User) error {
	if put, ok := c.profiles.get(u.ID); ok && put == sumOf(shape(u)) {
		return nil
	}
	return c.put(ctx, u)
}

func (c *Client) put(ctx context.Context, u im.User) error {
	u = shape(u)
	_, err := c.do(ctx, opPutMetadata, request{method: http.MethodPut, path: "/metadata/user/" + u.ID,
		form: url.Values{"nickname": {u.Name}, "avatarurl": {u.AvatarURL}}})
	if err != nil {
		c.profiles.forget(u.ID) // nobody knows which is there now
		return err
	}
	c.profiles.set(u.ID, sumOf(u))
	return nil
}

// PutProfile calls PUT /metadata/user/{id}. The cloud keeps metadata apart from
// users and is not documented to refuse some of nobody's, so GET /users/{id} comes
// first.
func (c *Client) PutProfile(ctx context.Context, u im.User) error {
	if _, err := c.user(ctx, u.ID); err != nil {
		return err
	}
	return c.put(ctx, u)
}

// Profile calls GET /metadata/user/{id}. Who has none may be somebody without a
// name or nobody, which GET /users/{id} tells.
func (c *Client) Profile(ctx context.Context, userID string) (im.User, error) {
	if err := checkID(opMetadata, userID); err != nil {
		return im.User{}, err
	}
	a, err := c.do(ctx, opMetadata, request{method: http.MethodGet, path: "/metadata/user/" + userID})
	if err != nil {
		return im.User{}, err
	}
	data := a.object("data")
	u := im.User{ID: userID, Name: data.text("nickname"), AvatarURL: data.text("avatarurl")}
	if u.Name == "" {
		if _, err := c.user(ctx, userID); err != nil {
			return im.User{}, err
		}
	}
	return u, nil
}

// user calls GET /users/{id}.
func (c *Client) user(ctx context.Context, id string) (entity, error) {
	if err := checkID(opUser, id); err != nil {
		return entity{}, err
	}
	a, err := c.do(ctx, opUser, request{method: http.MethodGet, path: "/users/" + id})
	if err != nil {
		return entity{}, err
	}
	users, err := a.entities()
	switch {
	case err != nil:
		return entity{}, odd(opUser, err.Error())
	case len(users) != 1 || users[0].username != id:
		return entity{}, odd(opUser, "the answer is about somebody else")
	}
	return users[0], nil
}

// Remove calls DELETE /metadata/user/{id} and then DELETE /users/{id}, which ends
// connections and tokens and dissolves the groups that the user owns. Metadata goes
// first: once the user is gone, nobody would look for it.
func (c *Client) Remove(ctx context.Context, userID string) error {
	if err := checkID(opDelete, userID); err != nil {
		return err
	}
	c.profiles.forget(userID)
	c.uuids.forget(userID)
	_, err := c.do(ctx, opDeleteMetadata, request{method: http.MethodDelete, path: "/metadata/user/" + userID})
	if err != nil && im.KindOf(err) != im.UnknownUser {
		return err
	}
	_, err = c.do(ctx, opDelete, request{method: http.MethodDelete, path: "/users/" + userID})
	return err
}
