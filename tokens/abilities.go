package tokens

import "imbridge/tokens/im"

// Abilities names what a cloud can do beside minting, in the words of the roles
// that its client implements.
func Abilities(c Cloud) []string {
	list := []string{}
	add := func(name string, able bool) {
		if able {
			list = append(list, name)
		}
	}
	_, able := c.(im.Allower)
	add("allow", able)
	_, able = c.(im.Banner)
	add("ban", able)
	_, able = c.(im.Blocker)
	add("block", able)
	_, able = c.(im.Checker)
	add("check", able)
	_, able = c.(im.Friender)
	add("friend", able)
	_, able = c.(im.Kicker)
	add("kick", able)
	_, able = c.(im.Lister)
	add("list", able)
	_, able = c.(im.PasswordSetter)
	add("password", able)
	_, able = c.(im.Profiler)
	add("profile", able)
	_, able = c.(im.Remarker)
	add("remark", able)
	_, able = c.(im.Remover)
	add("remove", able)
	_, able = c.(im.Revoker)
	add("revoke", able)
	_, able = c.(im.Watcher)
	add("watch", able)
	return list
}
