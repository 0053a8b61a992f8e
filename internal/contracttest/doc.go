// Package contracttest reads the OpenAPI document of an API for tests. It judges answers by the document, and makes
// requests from it: right ones, and wrong ones that the API has to refuse.
//
// It knows JSON Schema as far as the documents of package jsonapi use it. It reads a document as any program would,
// from its JSON, so that it can't share a mistake with the code that wrote it.
package contracttest
