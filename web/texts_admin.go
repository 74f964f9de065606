package web

// adminTexts are what the admin console says.
var adminTexts = map[string]words{}
