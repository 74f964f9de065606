package web

import (
	"embed"
	"path"
)

// What `make web` made. A page of text stands in for it until then, because there
// has to be something to embed.
//
//go:embed all:dist
var bundles embed.FS

// Bundle is an ES module that `make web` made out of npm packages:
// "rongcloud.js" and "easemob.js", the clouds' web SDKs, or
// "imbridge-client.js", the client helper. It is not there in a binary that was built without `make web`.
func Bundle(name string) (module []byte, ok bool) {
	if path.Ext(name) != ".js" || path.Base(name) != name {
		return nil, false
	}
	module, err := bundles.ReadFile("dist/" + name)
	return module, err == nil
}
