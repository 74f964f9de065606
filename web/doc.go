// Package web makes the pages that people read: the API's reference out of its
// contract, and the list of problems.
//
// Pages are rendered on the server from html/template, have one hand-written
// style sheet and no script, and load nothing from elsewhere. Package handlers
// serves them; this package knows no route, no model and no setting.
package web
