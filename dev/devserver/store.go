package devserver

import (
	"context"
	"strings"
	"time"

	"wechatfn/shared/aws/awsconfig"
	"wechatfn/shared/store"
	"wechatfn/shared/store/sqlite"
)

// table is the name of the table that a desk uses in a DynamoDB engine.
const table = "wechatfn-dev"

func isEndpoint(path string) bool {
	return strings.HasPrefix(path, "http://") || strings.HasPrefix(path, "https://")
}

// openStore opens a SQLite file, or the table in a DynamoDB engine.
func openStore(ctx context.Context, path string, now func() time.Time) (store.Store, func(), error) {
	if isEndpoint(path) {
		s, err := awsconfig.LocalTable(ctx, path, table, now)
		return s, func() {}, err
	}
	s, err := sqlite.Open(sqlite.Config{Path: path, Now: now})
	if err != nil {
		return nil, nil, err
	}
	return s, func() { _ = s.Close() }, nil
}
