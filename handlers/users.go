package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"imbridge/models"
	"imbridge/tokens/im"
)

// userJSON is a person as they see themselves.
type userJSON struct {
	ID        string    `json:"id"`
	Username  string    `json:"username"`
	Nickname  string    `json:"nickname"`
	AvatarURL string    `json:"avatar_url"`
	Email     *string   `json:"email"`
	Phone     *string   `json:"phone"`
	IMState   string    `json:"im_state"`
	CreatedAt time.Time `json:"created_at"`
}

func userOf(u models.User) userJSON {
	return userJSON{ID: u.ID, Username: u.Username, Nickname: u.Nickname, AvatarURL: u.AvatarURL,
		Email: orNull(u.Email), Phone: orNull(u.Phone), IMState: u.IMState, CreatedAt: u.CreatedAt.UTC()}
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// The lengths here only keep what is far too long from going further; models
// says what a name or a password must be.
type registerRequest struct {
	Username  string `json:"username" validate:"required,max=255"`
	Password  string `json:"password" validate:"required,max=1024"`
	Nickname  string `json:"nickname" validate:"max=255"`
	Email     string `json:"email" validate:"max=255"`
	Phone     string `json:"phone" validate:"max=64"`
	AvatarURL string `json:"avatar_url" validate:"max=2048"`
}

func (r registerRequest) newUser() models.NewUser {
	return models.NewUser{Username: r.Username, Password: r.Password, Nickname: r.Nickname, Email: r.Email, Phone: r.Phone, AvatarURL: r.AvatarURL}
}

const (
	// rollbackTime bounds taking a registration back, whatever is left of the
	// request's own time.
	rollbackTime = 5 * time.Second
	// leastFirst is what the cloud has for a first token at least: nobody is
	// refused because their password's hash took all the budget.
	leastFirst = time.Second
)

// register makes a person and their first session. The cloud has what is left of
// the budget to give a token. Whether they stay registered without one is a
// setting.
func (h *api) register(c echo.Context) error {
	start := h.Now()
	key, err := idempotencyKey(c)
	if err != nil {
		return err
	}
	in, err := bind[registerRequest](c)
	if err != nil {
		return allWrong(err, models.CheckNewUser(in.newUser()))
	}
	reg, err := h.registered(c, start, in, key)
	if err != nil {
		return err
	}
	return h.answerLogin(c, http.StatusCreated, start, reg.User, reg.Session, reg.RefreshToken)
}

// registered makes the person, and waits for their first token where the settings
// want one.
func (h *api) registered(c echo.Context, start time.Time, in registerRequest, key string) (models.Registration, error) {
	reg, err := h.Store.CreateUser(c.Request().Context(), in.newUser(), key, origin(c))
	if err != nil || !h.Settings.Rollback || reg.User.IMState != models.IMPending {
		return reg, err
	}
	if reg.Replayed {
		// Nobody knows what the first request was answered, or who has logged in
		// since: they stay, and the outbox sees to their token.
		_, err = h.tokenWithin(c.Request().Context(), h.Settings.RegisterBudget, reg.User.ID, reg.Session.ID)
	} else {
		err = h.requireFirstToken(c, start, reg)
	}
	return reg, err
}

// requireFirstToken takes the registration back when the cloud gives no token
// for it.
func (h *api) requireFirstToken(c echo.Context, start time.Time, reg models.Registration) error {
	_, err := h.tokenWithin(c.Request().Context(), max(h.Settings.RegisterBudget-h.Now().Sub(start), leastFirst), reg.User.ID, reg.Session.ID)
	if err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request().Context()), rollbackTime)
	defer cancel()
	switch rerr := h.Store.RollbackUser(ctx, reg.User.ID, origin(c)); {
	case errors.Is(rerr, models.ErrNotFound):
		// Another request for the same registration got a token, or took it back.
		u, uerr := h.Store.User(ctx, reg.User.ID)
		if uerr == nil && u.IMState == models.IMReady {
			return nil
		}
		if errors.Is(uerr, models.ErrNotFound) {
			return &im.Error{Op: "register", Kind: im.Unavailable, Message: "taken back by another request", RetryAfter: leastFirst}
		}
	case rerr != nil:
		// They stay, pending; a repeat with the same Idempotency-Key finds them.
		h.Log.ErrorContext(ctx, "registration not taken back", "request_id", requestID(c), "user_id", reg.User.ID, "err", rerr)
	default:
		h.Log.WarnContext(ctx, "registration taken back: the cloud gave no token", "request_id", requestID(c), "user_id", reg.User.ID, "err", err)
		h.tellOfRollback(ctx, err)
	}
	return err
}

// tellEvery is how often one process tells admins of registrations taken back:
// they share one row.
const tellEvery = 10 * time.Second

// tellOfRollback raises a notice for admins with the cloud's own code.
func (h *api) tellOfRollback(ctx context.Context, err error) {
	now, last := h.Now().UnixMicro(), h.toldAt.Load()
	if now-last < tellEvery.Microseconds() || !h.toldAt.CompareAndSwap(last, now) {
		return
	}
	what := "no answer in time"
	var e *im.Error
	if errors.As(err, &e) && e.Kind != "" {
		what = fmt.Sprintf("%s: %s, code %d, HTTP %d", e.Op, e.Kind, e.Code, e.HTTPStatus)
	}
	nerr := h.Store.RaiseNotice(ctx, models.NewNotice{Kind: models.NoticeRegistration, Subject: models.NoticeRegistrationSubject,
		Message: "Registrations are taken back, because the IM cloud gave no token (" + what + "). Those people were asked to try again.",
		Cure:    "Run imbridge doctor. im.registration: pending registers people while the cloud is away."})
	if nerr != nil {
		h.Log.WarnContext(ctx, "notice not raised", "err", nerr)
	}
}

type meResponse struct {
	User userJSON `json:"user"`
}

func (h *api) me(c echo.Context) error {
	return c.JSON(http.StatusOK, meResponse{userOf(callerOf(c).User)})
}

type changeMeRequest struct {
	Nickname  text `json:"nickname"`
	Email     text `json:"email"`
	Phone     text `json:"phone"`
	AvatarURL text `json:"avatar_url"`
}

// changeMe sets the fields that are there; null or "" removes one.
func (h *api) changeMe(c echo.Context) error {
	who := callerOf(c)
	in, err := bind[changeMeRequest](c)
	if err != nil {
		return err
	}
	if in == (changeMeRequest{}) {
		return c.JSON(http.StatusOK, meResponse{userOf(who.User)})
	}
	user, err := h.Store.ChangeProfile(c.Request().Context(), who.ID, models.ProfileChange{Nickname: in.Nickname.pointer(), Email: in.Email.pointer(),
		Phone: in.Phone.pointer(), AvatarURL: in.AvatarURL.pointer()}, origin(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, meResponse{userOf(user)})
}

func (h *api) deleteMe(c echo.Context) error {
	who := callerOf(c)
	if err := h.Store.DeleteUser(c.Request().Context(), who.ID, "user:"+who.ID, origin(c)); err != nil {
		return err
	}
	return noContent(c)
}

type changePasswordRequest struct {
	CurrentPassword string `json:"current_password" validate:"required,max=1024"`
	NewPassword     string `json:"new_password" validate:"required,max=1024"`
}

// changePassword ends every session but the caller's.
func (h *api) changePassword(c echo.Context) error {
	who := callerOf(c)
	in, err := bind[changePasswordRequest](c)
	if err != nil {
		return allWrong(err, models.CheckNewPassword(who.User, in.NewPassword))
	}
	if err := h.Store.ChangePassword(c.Request().Context(), who.ID, who.SessionID, in.CurrentPassword, in.NewPassword, origin(c)); err != nil {
		return err
	}
	return noContent(c)
}
