// Package easemob is the client of Easemob's server API (Agora Chat, abroad): it
// mints connect tokens and makes the cloud match what it is told. It stores
// nothing, knows no database, and is called by whoever holds an im role.
//
// What is peculiar about Easemob:
//
//   - Every call carries an app token, which itself is fetched and runs out. The
//     documentation warns that who fetches too many is blocked; see apptoken.go.
//   - The caller chooses how long a user's token lives. Older ones live on.
//   - Nothing revokes tokens but a change of the user's password, which ends all of
//     them and closes connections. The bridge mints without any password, so it
//     can change one that nobody knows; see RevokeBefore.
//   - User ids are put into lower case there. Ann and ann would become one person,
//     so that an id with anything but a-z and 0-9 is refused before it is sent.
//   - Name and avatar are metadata, put by a call of its own.
//   - A ban has no end.
//   - A refusal has a name ("error"), the same names come with several meanings,
//     and then the words beside it decide; see errors.go.
//
// Config.Tokens can have connect tokens signed here, without a call. That has two
// drawbacks: such tokens cannot be revoked (Client.Roles leaves the role out), and
// those of the kind "agora" hold the cloud's own id of the user, which costs a
// look-up for each user.
//
// Facts are from https://doc.easemob.com/document/server-side/ and from the sources
// of the official server SDK (Java 0.8.57).
package easemob
