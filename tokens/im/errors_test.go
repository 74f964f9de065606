package im_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"imbridge/tokens/im"
)

func TestErrorReadsAsAPath(t *testing.T) {
	for _, c := range []struct {
		err  *im.Error
		want string
	}{
		{
			&im.Error{Cloud: "rongcloud", Op: "/user/getToken.json", Kind: im.Throttled, Code: 1008, HTTPStatus: 429, Message: "too many", RetryAfter: time.Second},
			"rongcloud: /user/getToken.json: throttled: code 1008 (http 429): too many",
		},
		{
			&im.Error{Cloud: "rongcloud", Op: "/user/info.json", Kind: im.Unavailable, Message: "connection refused"},
			"rongcloud: /user/info.json: unavailable: connection refused",
		},
		{
			&im.Error{Cloud: "easemob", Op: "/token", Kind: im.Unknown, HTTPStatus: 502},
			"easemob: /token: unknown (http 502)",
		},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("Error() = %q, want %q", got, c.want)
		}
	}
}

func TestKindOfLooksThroughWrapping(t *testing.T) {
	base := &im.Error{Kind: im.Quota}
	for _, c := range []struct {
		err  error
		want im.Kind
	}{
		{nil, ""},
		{errors.New("other"), ""},
		{base, im.Quota},
		{fmt.Errorf("issue token: %w", fmt.Errorf("mint: %w", base)), im.Quota},
		{errors.Join(errors.New("other"), base), im.Quota},
	} {
		if got := im.KindOf(c.err); got != c.want {
			t.Errorf("KindOf(%v) = %q, want %q", c.err, got, c.want)
		}
	}
}

func TestTemporaryIsTrueForWhatHealsByItself(t *testing.T) {
	for kind, want := range map[im.Kind]bool{
		im.Unauthorized: false, im.UnknownUser: false, im.Conflict: false, im.Invalid: false, im.Quota: false,
		im.Throttled: true, im.Unavailable: true, im.Unknown: true,
	} {
		if got := im.Temporary(fmt.Errorf("wrapped: %w", &im.Error{Kind: kind})); got != want {
			t.Errorf("Temporary(%s) = %v, want %v", kind, got, want)
		}
	}
	if im.Temporary(nil) || im.Temporary(errors.New("a bug of ours")) {
		t.Error("Temporary is true for what is no *Error, want false: nobody knows that it would heal")
	}
}

func TestUnwrapGivesTheCause(t *testing.T) {
	err := fmt.Errorf("mint: %w", &im.Error{Kind: im.Unknown, Err: context.DeadlineExceeded})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("errors.Is(%v, DeadlineExceeded) = false, want true", err)
	}
}
