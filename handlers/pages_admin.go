package handlers

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"

	"github.com/labstack/echo/v4"

	"imbridge/models"
	"imbridge/web"
)

// mountAdminPages are the console's. Everything there works without script, by
// the same steps that the API takes.
func (h *api) mountAdminPages(e *echo.Echo) {
	var (
		open  = []echo.MiddlewareFunc{h.deadline, h.asPage}
		admin = []echo.MiddlewareFunc{h.deadline, h.asPage, h.pageAdmin}
	)
	e.GET("/admin/login", h.adminLoginPage, open...)
	e.POST("/admin/login", h.adminLoginForm, open...)
	e.POST("/admin/logout", h.adminLogoutForm, open...)

	e.GET("/admin", h.overviewPage, admin...)
	e.GET("/admin/lifetimes", h.lifetimesPage, admin...)
	e.POST("/admin/lifetimes", h.lifetimesForm, admin...)
	e.POST("/admin/lifetimes/undo", h.lifetimesUndoForm, admin...)
	e.GET("/admin/people", h.peoplePage, admin...)
	e.GET("/admin/people/:id", h.personPage, admin...)
	e.POST("/admin/people/:id", h.personForm, admin...)
	e.GET("/admin/queue", h.queuePage, admin...)
	e.POST("/admin/queue", h.queueForm, admin...)
	e.GET("/admin/notices", h.noticesPage, admin...)
	e.POST("/admin/notices", h.noticesForm, admin...)
	e.GET("/admin/audit", h.auditPage, admin...)
	e.GET("/admin/clouds", h.cloudsPage, admin...)
	e.POST("/admin/clouds", h.cloudsForm, admin...)
}

// adminView is the start of a console page's View.
func (h *api) adminView(c echo.Context, title, path string, data any) web.View {
	v := h.view(c, title)
	v.Script, v.Path, v.Data = "admin.js", path, data
	return v
}

type adminLoginView struct {
	Name     string
	Insecure bool
	// Next is the page that was asked for, empty for the usual one.
	Next string
}

// adminLoginNotices are why an admin sees the page to log in.
var adminLoginNotices = map[string]string{"out": "login.out"}

func (h *api) adminLoginPage(c echo.Context) error {
	next := nextPage(c.QueryParam("next"))
	if _, err := h.cookieAdmin(c); err == nil {
		return done(c, cmp.Or(next, "/admin"))
	}
	v := h.adminView(c, "admin.login.title", "/admin/login", adminLoginView{Insecure: insecure(c.Request()), Next: next})
	v.Notice = told(c, adminLoginNotices)
	return h.show(c, http.StatusOK, "admin_login", v)
}

type adminLoginPost struct {
	Name     string `json:"name" validate:"required,max=255"`
	Password string `json:"password" validate:"required,max=1024"`
	Next     string `json:"next"`
}

func (h *api) adminLoginForm(c echo.Context) error {
	in, err := bindForm[adminLoginPost](c)
	next := nextPage(in.Next)
	if err == nil {
		var admin models.Admin
		admin, err = h.Store.AuthenticateAdmin(c.Request().Context(), in.Name, in.Password, origin(c))
		h.Metrics.login("admin", err)
		if err == nil {
			if err := h.keepAdmin(c, admin.ID); err != nil {
				return err
			}
			return done(c, cmp.Or(next, "/admin"))
		}
	}
	v := h.adminView(c, "admin.login.title", "/admin/login", adminLoginView{Name: in.Name, Insecure: insecure(c.Request()), Next: next})
	return h.again(c, err, "admin_login", v)
}

func (h *api) adminLogoutForm(c echo.Context) error {
	h.dropCookie(c, adminCookie)
	return done(c, "/admin/login?why=out")
}

// staleForm is the problem of a form that somebody else was quicker than.
func staleForm() error { return &problem{code: "precondition_failed"} }

// formVersion reads the version that a form was made from. One that cannot be
// read fits nothing.
func formVersion(raw string) (int64, error) {
	n, err := strconv.ParseInt(raw, 10, 64)
	if err != nil {
		return 0, staleForm()
	}
	return n, nil
}

// moreLink is the address of a list's next part, empty where it ends here.
func moreLink(c echo.Context, next *string) string {
	if next == nil {
		return ""
	}
	q := url.Values{}
	for name, values := range c.QueryParams() {
		if name != "why" && name != "cursor" && len(values) > 0 && values[0] != "" {
			q.Set(name, values[0])
		}
	}
	q.Set("cursor", *next)
	return c.Request().URL.Path + "?" + q.Encode()
}
