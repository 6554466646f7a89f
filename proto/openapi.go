// Package proto hands out the OpenAPI document that is generated from the protos.
package proto

import _ "embed" // for the document

// OpenAPI is the OpenAPI 2.0 document of the REST face.
//
//go:embed gen/openapi/headrace.swagger.json
var OpenAPI []byte
