package handlers

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// blockJSON is somebody whom the caller blocks.
type blockJSON struct {
	personJSON
	Since time.Time `json:"since"`
}

type blocksResponse struct {
	Blocks     []blockJSON `json:"blocks"`
	NextCursor *string     `json:"next_cursor"`
}

func (h *api) blocks(c echo.Context) error {
	who := callerOf(c)
	p, err := bindFriendPage(c)
	if err != nil {
		return err
	}
	list, err := h.Store.Blocks(c.Request().Context(), who.ID, p.after, p.limit+1)
	if err != nil {
		return err
	}
	n, more := p.cut(len(list))
	out := blocksResponse{Blocks: make([]blockJSON, n), NextCursor: nextCursor(more, func() string { return list[n-1].User.ID })}
	for i, b := range list[:n] {
		out.Blocks[i] = blockJSON{personJSON: personOf(b.User), Since: b.CreatedAt.UTC()}
	}
	return c.JSON(http.StatusOK, out)
}

func (h *api) blockUser(c echo.Context) error {
	who := callerOf(c)
	id, err := pathID(c)
	if err != nil {
		return err
	}
	if err := h.countChanges(who.ID, 1); err != nil {
		return err
	}
	if err := h.Store.BlockUser(c.Request().Context(), who.ID, id, origin(c)); err != nil {
		return err
	}
	return noContent(c)
}

func (h *api) unblockUser(c echo.Context) error {
	who := callerOf(c)
	id, err := pathID(c)
	if err != nil {
		return err
	}
	if err := h.countChanges(who.ID, 1); err != nil {
		return err
	}
	if err := h.Store.UnblockUser(c.Request().Context(), who.ID, id, origin(c)); err != nil {
		return err
	}
	return noContent(c)
}

type blockManyRequest struct {
	UserIDs []string `json:"user_ids" validate:"required,min=1,max=100"`
}

type blockManyResponse struct {
	Results []blockResult `json:"results"`
}

// blockResult is what came of one id: "blocked", or the code of the problem that
// it would be by itself.
type blockResult struct {
	UserID string `json:"user_id"`
	Result string `json:"result"`
}

// blockMany answers in the order of the request. Ids that stand twice are
// answered twice.
func (h *api) blockMany(c echo.Context) error {
	who := callerOf(c)
	in, err := bind[blockManyRequest](c)
	if err != nil {
		return err
	}
	for _, id := range in.UserIDs {
		if !isULID(id) {
			return wrongField("invalid_field", "user_ids", "must be ids of people")
		}
	}
	if err := h.countChanges(who.ID, len(in.UserIDs)); err != nil {
		return err
	}
	outcomes, err := h.Store.BlockUsers(c.Request().Context(), who.ID, in.UserIDs, origin(c))
	if err != nil {
		return err
	}
	out := blockManyResponse{Results: make([]blockResult, len(in.UserIDs))}
	for i, id := range in.UserIDs {
		out.Results[i] = blockResult{UserID: id, Result: "blocked"}
		if err := outcomes[id]; err != nil {
			out.Results[i].Result = problemOf(err).code
		}
	}
	return c.JSON(http.StatusOK, out)
}
