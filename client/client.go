// Package client embeds the built browser client, so that a server can serve it. The source is
// TypeScript, in src.
package client

import _ "embed"

// Module is dist/index.js, the ES module.
//
//go:embed dist/index.js
var Module []byte
