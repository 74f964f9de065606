package rongcloud

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"imbridge/tokens/im"
)

// pageSize is the most that /user/query.json gives at once.
const pageSize = 100

// unlistedStatus and unlistedCodes are how the cloud says that an app may not
// list its users, or that it has no such call: only apps in the development
// environment have it. What else could be behind them, any other call tells.
var (
	unlistedStatus = []int{403, 404, 405, 430}
	unlistedCodes  = []int{404, 1007, 1009}
)

// Users calls /user/query.json, which pages by the time of registration, the
// oldest first, so that who registers meanwhile comes last. A page is named by
// its number and by how many people were on those before it.
func (c *Client) Users(ctx context.Context, page string) (im.UserPage, error) {
	number, seen, ok := pageOf(page)
	if !ok {
		return im.UserPage{}, &im.Error{Cloud: name, Op: opUsers.Path, Kind: im.Invalid, Message: "not sent: the page is none of ours"}
	}
	a, err := c.do(ctx, opUsers, url.Values{"page": {strconv.Itoa(number)}, "pageSize": {strconv.Itoa(pageSize)}, "order": {"0"}})
	if unlisted(err) {
		return im.UserPage{Unlisted: true}, nil
	}
	if err != nil {
		return im.UserPage{}, err
	}
	seen += len(a.users)
	out := im.UserPage{Total: a.total}
	for _, u := range a.users {
		if u.name != "" { // deactivated, as in Profile
			out.Users = append(out.Users, im.User{ID: u.id, Name: u.name, AvatarURL: u.portrait})
		}
	}
	switch {
	case len(a.users) > 0 && (seen < a.total || a.total == 0 && len(a.users) == pageSize):
		out.Next = fmt.Sprintf("%d.%d", number+1, seen)
	case a.total > 0 || len(a.users) == 0 && seen == 0:
		out.Complete = seen >= a.total
	}
	return out, nil
}

// pageOf reads "3.200": the third page, after 200 people.
func pageOf(page string) (number, seen int, ok bool) {
	if page == "" {
		return 1, 0, true
	}
	first, second, _ := strings.Cut(page, ".")
	number, err := strconv.Atoi(first)
	if err != nil || number < 2 {
		return 0, 0, false
	}
	seen, err = strconv.Atoi(second)
	return number, seen, err == nil && seen >= 0
}

func unlisted(err error) bool {
	var e *im.Error
	if !errors.As(err, &e) {
		return false
	}
	return slices.Contains(unlistedCodes, e.Code) || slices.Contains(unlistedStatus, e.HTTPStatus)
}
