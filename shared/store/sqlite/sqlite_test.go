package sqlite

import (
	"context"
	"database/sql/driver"
	"path/filepath"
	"strings"
	"testing"

	"modernc.org/sqlite"

	"wechatfn/shared/store"
	"wechatfn/shared/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t testing.TB) storetest.Harness {
		path := filepath.Join(t.TempDir(), "store.db")
		return storetest.Harness{Open: func(t testing.TB, env storetest.Env) store.Store {
			return openWired(t, path, env)
		}}
	})
}

func TestConformanceInMemory(t *testing.T) {
	storetest.Run(t, func(testing.TB) storetest.Harness {
		var only *Store
		return storetest.Harness{Open: func(t testing.TB, env storetest.Env) store.Store {
			if only == nil {
				only = openWired(t, ":memory:", env)
			}
			return only
		}}
	})
}

// openWired opens path with a driver that passes its statements through the wire.
func openWired(t testing.TB, path string, env storetest.Env) *Store {
	t.Helper()
	base, err := sqlite.NewConnector(dsn(path))
	if err != nil {
		t.Fatal(err)
	}
	s, err := open(wiredConnector{base, env.Wire}, env.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

type wiredConnector struct {
	driver.Connector
	wire *storetest.Wire
}

func (c wiredConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return wiredConn{conn.(fullConn), c.wire}, nil
}

// fullConn is a connection with all that database/sql uses to check it.
type fullConn interface {
	driver.Conn
	driver.Validator
	driver.SessionResetter
}

type wiredConn struct {
	fullConn
	wire *storetest.Wire
}

func (c wiredConn) Prepare(text string) (driver.Stmt, error) {
	stmt, err := c.fullConn.Prepare(text)
	if err != nil {
		return nil, err
	}
	write := !strings.HasPrefix(strings.TrimSpace(text), "SELECT")
	return wiredStmt{stmt.(fullStmt), c.wire, write}, nil
}

type fullStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type wiredStmt struct {
	fullStmt
	wire  *storetest.Wire
	write bool
}

func (s wiredStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (result driver.Result, err error) {
	err = s.wire.Do(s.write, func() error {
		result, err = s.fullStmt.ExecContext(ctx, args)
		return err
	})
	return result, err
}

// QueryContext ends the statement where its answer is lost, so that it commits.
func (s wiredStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (rows driver.Rows, err error) {
	err = s.wire.Do(s.write, func() error {
		rows, err = s.fullStmt.QueryContext(ctx, args)
		return err
	})
	if err != nil && rows != nil {
		_ = rows.Close()
		return nil, err
	}
	return rows, err
}
