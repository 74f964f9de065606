package handlers_test

import (
	"context"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
)

// contract is openapi.yaml, loaded and found valid once.
var contract = sync.OnceValues(func() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	if err != nil {
		return nil, err
	}
	return doc, doc.Validate(context.Background())
})
