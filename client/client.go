// Package client is the browser client as it is built, for servers that hand it out. Its source is
// TypeScript, in src.
package client

import _ "embed"

// Module is the ES module, dist/index.js.
//
//go:embed dist/index.js
var Module []byte
