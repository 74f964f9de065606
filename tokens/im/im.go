package im

import (
	"context"
	"time"
)

// A User is a person as the cloud needs to know them.
type User struct {
	// ID is the user id at the cloud: 1 to 64 ASCII letters and digits.
	ID string
	// Name is shown to other users, at most 64 characters. Clients shorten a
	// longer one, so that a long nickname never costs somebody their token.
	Name string
	// AvatarURL may be empty. Clients leave out one that the cloud would refuse.
	AvatarURL string
}

// A Token is a connect token: what a WebIM or mobile SDK shows to the cloud.
type Token struct {
	// Value is opaque, never empty, at most 512 bytes of printable ASCII.
	Value string
	// ExpiresAt is the end of the token as the cloud itself will enforce it.
	// Zero means that the cloud set no end or told none.
	ExpiresAt time.Time
	// Unprofiled: the token is good, but name and avatar did not get there.
	// PutProfile is owed.
	Unprofiled bool
}

// Endpoints is where an SDK connects to.
type Endpoints struct {
	// Navigators are the addresses that a RongCloud SDK asks for its socket server.
	Navigators []string
	// SocketURL is the web socket that an Easemob SDK connects to, and APIURL
	// where it makes its calls. Empty: the SDK finds its servers by the app key.
	SocketURL, APIURL string
}

// A Cloud names itself. Every client implements it, and Minter.
type Cloud interface {
	// Name is the protocol that an SDK must speak: "rongcloud", "easemob".
	Name() string
	// AppKey is the public key of the app at the cloud. It is not a secret.
	AppKey() string
	// Endpoints is what a client application needs beside app key and token.
	Endpoints() Endpoints
}

// App names the app at the cloud, for what is stored of it.
func App(c Cloud) string { return c.Name() + "/" + c.AppKey() }

// A Minter makes connect tokens.
type Minter interface {
	// Mint registers the user at the cloud if they are missing there, and
	// returns a new connect token for them. It also sets the user's name and
	// avatar, or says by Unprofiled that it could not; where that takes a call of
	// its own, it may be left out for what this client has put there already.
	// Lifetime is what we want; zero means permanent. A cloud whose lifetime is
	// set elsewhere ignores it and says so by ExpiresAt.
	//
	// Somebody whom the client has met at the cloud within the last minute may be
	// taken for known there.
	//
	// Mint is safe to repeat: a second call returns a token that works, and
	// earlier tokens keep working unless the cloud's documentation says
	// otherwise. It never returns an empty token with a nil error.
	Mint(ctx context.Context, u User, lifetime time.Duration) (Token, error)
}

// A Revoker ends tokens that were handed out earlier.
type Revoker interface {
	// RevokeBefore makes every token of the user that the cloud issued before
	// t (millisecond resolution) fail at the next connect. Some clouds can end
	// only all tokens at once, so it tells what has ended: a token that was asked
	// for before ended, by our clock, counts as dead; those asked for later work.
	// Ended is never before t. Live connections stay up or are closed. It is safe
	// to repeat, and a user without tokens is no error.
	RevokeBefore(ctx context.Context, userID string, t time.Time) (ended time.Time, err error)
}

// A Kicker closes a user's live connections.
type Kicker interface {
	// Kick is safe to repeat; nobody connected is no error.
	Kick(ctx context.Context, userID string) error
}

// A Banner keeps a user out.
type Banner interface {
	// Ban closes live connections and refuses new ones for d, which clients
	// round up to whole minutes and cap at what the cloud allows. A cloud whose
	// bans have no end ignores d: the user stays out until Unban. It is safe to
	// repeat: the end moves to d from now. UnknownUser where the user is missing.
	Ban(ctx context.Context, userID string, d time.Duration) error
	// Unban lifts a ban at once. It is safe to repeat.
	Unban(ctx context.Context, userID string) error
	// Banned lists who is banned now and until when.
	Banned(ctx context.Context) ([]Ban, error)
}

// A Ban is one user's ban at the cloud.
type Ban struct {
	UserID string
	// Until is zero where the cloud tells no end or bans have none.
	Until time.Time
}

// A Profiler keeps names and avatars.
type Profiler interface {
	// PutProfile sets name and avatar. It is safe to repeat. UnknownUser where
	// the user is missing.
	PutProfile(ctx context.Context, u User) error
	// Profile reads them back. UnknownUser where the user is missing.
	Profile(ctx context.Context, userID string) (User, error)
}

// A Shaper tells what a profile looks like when it has gone through the cloud.
type Shaper interface {
	// Shape is u as Profile reads it back after PutProfile(u): with the name cut
	// to what the cloud takes, for one.
	Shape(u User) User
}

// A Lister pages through everybody whom the cloud knows.
type Lister interface {
	// Users gives one page of people, of whom the cloud has ID, Name and
	// AvatarURL; page is "" for the first and the Next of the page before it for
	// each other. Who was there when the first page was asked for is on one of
	// the pages, unless others are taken away meanwhile: who is on none is not
	// proven to be missing, a look-up by Profile tells. Those whom Remove has
	// taken away are on none.
	Users(ctx context.Context, page string) (UserPage, error)
}

// A UserPage is some of a cloud's users.
type UserPage struct {
	Users []User
	// Next names the page after this one; empty on the last.
	Next string
	// Total is how many there are as the cloud tells, to show how far a listing
	// is; zero where it does not tell.
	Total int
	// Complete is set on the last page when the pages hold as many as the cloud
	// says that there are, or, where it tells no number, when it says that there are
	// no more.
	Complete bool
	// Unlisted: the cloud does not list the users of this app, whatever the
	// page. Look them up one by one.
	Unlisted bool
}

// A Remover takes users away.
type Remover interface {
	// Remove ends the user's live connections and tokens and removes what the
	// cloud keeps of them, as far as it can: the id is never used again. It is
	// safe to repeat. UnknownUser where the user is missing.
	Remove(ctx context.Context, userID string) error
}

// A Blocker keeps each user's list of people who may not write to them.
type Blocker interface {
	// Block and Unblock are safe to repeat.
	Block(ctx context.Context, owner string, blocked ...string) error
	Unblock(ctx context.Context, owner string, blocked ...string) error
	// Blocked lists everybody whom owner blocked, in no promised order.
	Blocked(ctx context.Context, owner string) ([]string, error)
}

// A Friender keeps who is whose friend. Friendship goes both ways.
type Friender interface {
	// Befriend makes two users friends of each other, at once and without
	// asking either. It is safe to repeat. UnknownUser where one of them is
	// missing, Quota where one has as many friends as the plan allows.
	Befriend(ctx context.Context, a, b string) error
	// Unfriend ends it for both, and with it their remarks. It is safe to repeat,
	// and strangers are no error.
	Unfriend(ctx context.Context, a, b string) error
	// Friends gives one page of owner's friends; page is "" for the first and the
	// Next of the page before it for each other. UnknownUser where owner is missing.
	Friends(ctx context.Context, owner, page string) (FriendPage, error)
}

// A FriendPage is some of a user's friends.
type FriendPage struct {
	Friends []Friend
	// Next names the page after this one; empty on the last.
	Next string
}

// A Friend is one of a user's friends, as the user sees them.
type Friend struct {
	UserID string
	// Remark is the owner's own name for them, empty where there is none.
	Remark string
}

// A Remarker keeps what users call their friends.
type Remarker interface {
	// Remark sets what owner calls a friend, at most 100 characters; empty takes
	// it away. It is safe to repeat. UnknownUser where one of them is missing or
	// they are no friends.
	Remark(ctx context.Context, owner, friend, remark string) error
}

// An Allower keeps each user's list of the only people who may write to them, once
// it is looked at. Until then they hear from everybody. At some clouds who has one
// no longer has a block list: leave out who is blocked. Each method says Quota
// where the app's plan has no such lists.
type Allower interface {
	// Allow and Disallow change who is on the list, whether it is looked at or not.
	// They are safe to repeat.
	Allow(ctx context.Context, owner string, allowed ...string) error
	Disallow(ctx context.Context, owner string, allowed ...string) error
	// Restrict has the list looked at, or no more; it stays as it is. With an empty
	// list nobody may write. It is safe to repeat.
	Restrict(ctx context.Context, owner string, on bool) error
	// Allowed lists everybody whom owner allowed, in no promised order.
	Allowed(ctx context.Context, owner string) ([]string, error)
}

// A PasswordSetter keeps the password that a user may log in to the cloud with,
// beside their tokens.
type PasswordSetter interface {
	// SetPassword is safe to repeat. It ends every token of the user and their
	// live connections. UnknownUser where the user is missing.
	SetPassword(ctx context.Context, userID, password string) error
}

// A Watcher tells who is connected.
type Watcher interface {
	// Online is true while the user has a live connection.
	Online(ctx context.Context, userID string) (bool, error)
}

// A Checker tries the credentials without changing anything.
type Checker interface {
	// Check returns nil when the cloud accepts our app key and secret, an
	// *Error of kind Unauthorized when it does not, and another *Error when
	// nobody can tell.
	Check(ctx context.Context) error
}
