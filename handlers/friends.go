package handlers

import (
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"imbridge/models"
)

const (
	// maxFriendPage bounds one page of friends, requests or blocks.
	maxFriendPage = 50
	// changesAMinute bounds how much one person can change of friends, requests and
	// blocks: room for a whole batch of blocks, and for what a hand can do beside it.
	// The cloud gives everybody together some 40 changes a second.
	changesAMinute = 120
)

// countChanges is for what changes relations, before it does.
func (h *api) countChanges(userID string, n int) error {
	if wait := h.changes.take(userID, n, h.Now()); wait > 0 {
		return &problem{code: "too_many_changes", retryAfter: wait}
	}
	return nil
}

// friendJSON is a friend as their owner sees them.
type friendJSON struct {
	personJSON
	// Remark is left out unless it was asked for.
	Remark  *string   `json:"remark,omitempty"`
	Blocked bool      `json:"blocked"`
	Since   time.Time `json:"since"`
}

type friendsResponse struct {
	Friends    []friendJSON `json:"friends"`
	NextCursor *string      `json:"next_cursor"`
}

func personOf(u models.User) personJSON {
	return personJSON{ID: u.ID, IMUserID: u.IMID, Username: u.Username, Nickname: u.Nickname, AvatarURL: u.AvatarURL}
}

// friends lists one's own friends, a page at a time or whole.
func (h *api) friends(c echo.Context) error {
	who := callerOf(c)
	p, err := bindFriendPage(c)
	if err != nil {
		return err
	}
	remarks, err := bindSwitch(c, "remarks")
	if err != nil {
		return err
	}
	all, err := bindSwitch(c, "all")
	if err != nil {
		return err
	}
	if all {
		if c.QueryParam("limit") != "" || c.QueryParam("cursor") != "" {
			return wrongField("bad_query", "all", "must not stand beside limit or cursor")
		}
		p.limit = models.MaxFriends
	}
	list, err := h.Store.Friends(c.Request().Context(), who.ID, p.after, p.limit+1)
	if err != nil {
		return err
	}
	n, more := p.cut(len(list))
	out := friendsResponse{Friends: make([]friendJSON, n), NextCursor: nextCursor(more, func() string { return list[n-1].User.ID })}
	for i, f := range list[:n] {
		out.Friends[i] = friendJSON{personJSON: personOf(f.User), Blocked: f.Blocked, Since: f.CreatedAt.UTC()}
		if remarks {
			out.Friends[i].Remark = &f.Remark
		}
	}
	return c.JSON(http.StatusOK, out)
}

// bindFriendPage is bindPage for lists whose pages are shorter.
func bindFriendPage(c echo.Context) (page, error) {
	if n, err := strconv.Atoi(c.QueryParam("limit")); err == nil && n > maxFriendPage {
		return page{}, wrongField("bad_query", "limit", "must be a whole number from 1 to "+strconv.Itoa(maxFriendPage))
	}
	return bindPage(c)
}

// bindSwitch reads a parameter that is true, false or not there.
func bindSwitch(c echo.Context, name string) (bool, error) {
	switch c.QueryParam(name) {
	case "true":
		return true, nil
	case "", "false":
		return false, nil
	}
	return false, wrongField("bad_query", name, "must be true or false")
}

type remarkRequest struct {
	Remark text `json:"remark"`
}

// setRemark sets what the caller calls a friend; null or "" takes it away.
func (h *api) setRemark(c echo.Context) error {
	who := callerOf(c)
	id, err := pathID(c)
	if err != nil {
		return err
	}
	in, err := bind[remarkRequest](c)
	if err != nil {
		return err
	}
	if !in.Remark.set {
		return wrongField("invalid_field", "remark", "is required")
	}
	if err := h.countChanges(who.ID, 1); err != nil {
		return err
	}
	if err := h.Store.SetRemark(c.Request().Context(), who.ID, id, in.Remark.value, origin(c)); err != nil {
		return err
	}
	return noContent(c)
}

func (h *api) removeFriend(c echo.Context) error {
	who := callerOf(c)
	id, err := pathID(c)
	if err != nil {
		return err
	}
	if err := h.countChanges(who.ID, 1); err != nil {
		return err
	}
	if err := h.Store.RemoveFriend(c.Request().Context(), who.ID, id, origin(c)); err != nil {
		return err
	}
	return noContent(c)
}

// friendRequestJSON is a request that waits for an answer.
type friendRequestJSON struct {
	ID        string     `json:"id"`
	Direction string     `json:"direction"`
	Person    personJSON `json:"person"`
	Message   string     `json:"message"`
	CreatedAt time.Time  `json:"created_at"`
}

func friendRequestOf(r models.FriendRequest) friendRequestJSON {
	direction := models.OutgoingRequests
	if r.Incoming {
		direction = models.IncomingRequests
	}
	return friendRequestJSON{ID: r.ID, Direction: direction, Person: personOf(r.Other), Message: r.Message, CreatedAt: r.CreatedAt.UTC()}
}

type friendRequestsResponse struct {
	Requests   []friendRequestJSON `json:"requests"`
	NextCursor *string             `json:"next_cursor"`
}

// friendRequests lists what waits for the caller's answer, and what the caller
// waits for.
func (h *api) friendRequests(c echo.Context) error {
	who := callerOf(c)
	p, err := bindFriendPage(c)
	if err != nil {
		return err
	}
	direction := c.QueryParam("direction")
	switch direction {
	case "", models.IncomingRequests, models.OutgoingRequests:
	default:
		return wrongField("bad_query", "direction", "must be one of incoming, outgoing")
	}
	list, err := h.Store.FriendRequests(c.Request().Context(), who.ID, direction, p.after, p.limit+1)
	if err != nil {
		return err
	}
	n, more := p.cut(len(list))
	out := friendRequestsResponse{Requests: make([]friendRequestJSON, n), NextCursor: nextCursor(more, func() string { return list[n-1].ID })}
	for i, r := range list[:n] {
		out.Requests[i] = friendRequestOf(r)
	}
	return c.JSON(http.StatusOK, out)
}

// The length of the message here only keeps what is far too long from going
// further; so in remarkRequest.
type addFriendRequest struct {
	UserID  string `json:"user_id" validate:"required,max=64"`
	Message string `json:"message" validate:"max=255"`
}

type addFriendResponse struct {
	// State is "pending", or "friends" where the request was an answer to
	// another, or not needed.
	State   string             `json:"state"`
	Request *friendRequestJSON `json:"request"`
}

// requestFriend asks somebody whom the caller has found among people.
func (h *api) requestFriend(c echo.Context) error {
	who := callerOf(c)
	in, err := bind[addFriendRequest](c)
	if err != nil {
		return err
	}
	if !isULID(in.UserID) {
		return wrongField("invalid_field", "user_id", "must be the id of a person")
	}
	if err := h.countChanges(who.ID, 1); err != nil {
		return err
	}
	made, err := h.Store.RequestFriend(c.Request().Context(), who.ID, in.UserID, in.Message, origin(c))
	switch {
	case err != nil:
		return err
	case made.Friends:
		return c.JSON(http.StatusOK, addFriendResponse{State: "friends"})
	}
	request := friendRequestOf(made.Request)
	status := http.StatusOK
	if made.Made {
		status = http.StatusCreated
	}
	return c.JSON(status, addFriendResponse{State: "pending", Request: &request})
}

// answerRequest is what accepting, declining and withdrawing have in common.
func (h *api) answerRequest(answer func(c echo.Context, userID, id string) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		id, err := pathID(c)
		if err != nil {
			return err
		}
		who := callerOf(c)
		if err := h.countChanges(who.ID, 1); err != nil {
			return err
		}
		if err := answer(c, who.ID, id); err != nil {
			return err
		}
		return noContent(c)
	}
}

func (h *api) acceptRequest(c echo.Context, userID, id string) error {
	return h.Store.AcceptRequest(c.Request().Context(), userID, id, origin(c))
}

func (h *api) declineRequest(c echo.Context, userID, id string) error {
	return h.Store.DeclineRequest(c.Request().Context(), userID, id, origin(c))
}

func (h *api) withdrawRequest(c echo.Context, userID, id string) error {
	return h.Store.WithdrawRequest(c.Request().Context(), userID, id, origin(c))
}
