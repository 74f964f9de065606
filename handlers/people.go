package handlers

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"imbridge/models"
)

const (
	// maxPeople bounds one answer, and how many ids one request may name.
	maxPeople = 20
	// searchesAMinute bounds how fast one person can leaf through all names.
	searchesAMinute = 30
	// lookupsAMinute is of those by ids: a chat with hundreds of conversations
	// asks for all of its names when it is opened, in a few windows at once.
	lookupsAMinute = 120
)

// personJSON is a person as others see them.
type personJSON struct {
	ID        string `json:"id"`
	IMUserID  string `json:"im_user_id"`
	Username  string `json:"username"`
	Nickname  string `json:"nickname"`
	AvatarURL string `json:"avatar_url"`
}

type peopleResponse struct {
	People []personJSON `json:"people"`
}

// people finds others by the beginning of their username, or by their ids at the
// cloud: a conversation names nobody else.
func (h *api) people(c echo.Context) error {
	who := callerOf(c)
	query, err := bindQuery(c)
	if err != nil {
		return err
	}
	ids, err := bindIMIDs(c)
	if err != nil {
		return err
	}
	if query == "" && len(ids) == 0 {
		return wrongField("bad_query", "query", "is required")
	}
	asked := &h.searches
	if len(ids) > 0 {
		asked = &h.lookups
	}
	if wait := asked.take(who.ID, 1, h.Now()); wait > 0 {
		return &problem{code: "throttled", retryAfter: wait}
	}
	var list []models.User
	if len(ids) > 0 {
		list, err = h.Store.PeopleByIMID(c.Request().Context(), ids)
	} else {
		list, err = h.Store.People(c.Request().Context(), who.ID, query, maxPeople)
	}
	if err != nil {
		return err
	}
	out := peopleResponse{People: make([]personJSON, len(list))}
	for i, u := range list {
		out.People[i] = personJSON{ID: u.ID, IMUserID: u.IMID, Username: u.Username, Nickname: u.Nickname, AvatarURL: u.AvatarURL}
	}
	return c.JSON(http.StatusOK, out)
}

// bindIMIDs reads ?im_user_ids=a,b.
func bindIMIDs(c echo.Context) ([]string, error) {
	raw := c.QueryParam("im_user_ids")
	if raw == "" {
		return nil, nil
	}
	ids := strings.Split(raw, ",")
	if len(ids) > maxPeople {
		return nil, wrongField("bad_query", "im_user_ids", "must have at most 20 entries")
	}
	for _, id := range ids {
		if len(id) < 1 || len(id) > 64 || strings.ContainsFunc(id, func(r rune) bool { return r < '!' || r > '~' }) {
			return nil, wrongField("bad_query", "im_user_ids", "must be ids at the cloud with commas between")
		}
	}
	return ids, nil
}
