package handlers_test

import "imbridge/handlers"

func problemCodes() []string { return handlers.ProblemCodes() }
