package handlers

// What tests of the package need from inside it.

// ClientAddress is clientAddress.
var ClientAddress = clientAddress

// ParseCursor and MakeCursor are those of lists.
var (
	ParseCursor = parseCursor
	MakeCursor  = makeCursor
)

// ProblemCodes are all codes.
func ProblemCodes() []string {
	codes := make([]string, len(problemList))
	for i, k := range problemList {
		codes[i] = k.Code
	}
	return codes
}
