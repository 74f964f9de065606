// Package web makes the pages that people read: to register, to log in, to chat,
// one's account, the admin console; and the documents of the API.
//
// Pages are rendered on the server from html/template, have hand-written style
// sheets and ES modules without a build step, and load nothing from elsewhere.
// All they say stands in the tables of texts_*.go, in every language; a test finds
// text in a template. The IM cloud's own SDK is the one thing that is built
// (bundle.go). Package handlers serves them; this package knows no route, no model
// and no setting.
package web
