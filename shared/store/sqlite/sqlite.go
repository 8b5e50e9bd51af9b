// Package sqlite keeps a store in one file (or in memory): the embedded
// back-end of `make dev`, of self-hosting on one machine, and of tests.
//
// Several processes may open the same file. Each verb is exactly one SQL
// statement, so SQLite's own locking makes it atomic and no transaction is ever
// left open. The file holds live credentials: it is created readable by its
// owner only.
package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"

	"wechatfn/shared/store"
)

const (
	// busyTimeout is how long a statement waits for another process's write.
	busyTimeout = 5 * time.Second
	// settleTimeout bounds the read-back after a write of unknown outcome.
	settleTimeout = time.Second
	// sweepEvery and sweepLimit spread the cost of removing expired rows: one
	// extra statement in sweepEvery writes, of at most sweepLimit rows.
	sweepEvery = 256
	sweepLimit = 4 * sweepEvery
)

// Config says where the items are kept.
type Config struct {
	// Path of the database file; ":memory:" keeps the items for as long as the
	// Store is open. A missing parent folder is made.
	Path string
	// Now is the clock that decides what has expired; nil means time.Now.
	Now func() time.Time
}

// Store is a [store.Store] over one SQLite database. It is safe for concurrent
// use and for several processes on the same file.
type Store struct {
	db     *sql.DB
	now    func() time.Time
	writes atomic.Uint64

	get, create, replace, remove, sweep *sql.Stmt
}

// Open opens or creates the database. Close releases it.
func Open(cfg Config) (*Store, error) {
	if err := createFile(cfg.Path); err != nil {
		return nil, fmt.Errorf("sqlite: open: %w", err)
	}
	connector, err := sqlite.NewConnector(dsn(cfg.Path))
	if err != nil {
		return nil, fmt.Errorf("sqlite: open: %w", err)
	}
	return open(connector, cfg.Now)
}

// open is the part of Open that a test enters with a connector that fails on demand.
func open(connector driver.Connector, now func() time.Time) (*Store, error) {
	if now == nil {
		now = time.Now
	}
	db := sql.OpenDB(connector)
	// One connection: an in-memory database lives in it, and the goroutines of
	// one process queue in database/sql, which honours their contexts, rather
	// than poll for SQLite's write lock.
	db.SetMaxOpenConns(1)
	s := &Store{db: db, now: now}
	if err := s.prepareWhenFree(context.Background()); err != nil {
		return nil, errors.Join(fmt.Errorf("sqlite: open: %w", err), db.Close())
	}
	s.removeExpired(context.Background())
	return s, nil
}

// Close releases the database file. Calls that come later fail.
func (s *Store) Close() error { return s.db.Close() }

// createFile makes the file before SQLite would, with the mode a file of
// credentials needs; SQLite gives its -wal and -shm files the same mode. A file
// that exists is not touched: closing a second descriptor on it would drop the
// locks that this process may hold.
func createFile(path string) error {
	if path == "" {
		return errors.New("the path is empty")
	}
	if path == ":memory:" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return file.Close()
}

// dsn makes a SQLite URI. In WAL mode with synchronous=NORMAL a power cut may
// take the last commits with it but never the database; a dead process takes nothing.
func dsn(path string) string {
	escaped := (&url.URL{Path: path}).EscapedPath()
	return fmt.Sprintf("file:%s?_busy_timeout=%d&_journal_mode=WAL&_synchronous=NORMAL", escaped, busyTimeout.Milliseconds())
}

// prepareWhenFree tries again while another process has the file: the switch to
// WAL mode, which only a new file needs, does not heed the busy timeout.
func (s *Store) prepareWhenFree(ctx context.Context) error {
	for wait := time.Millisecond; ; wait *= 2 {
		err := s.prepare(ctx)
		if !isBusy(err) || wait > busyTimeout {
			return err
		}
		time.Sleep(wait)
	}
}

// isBusy looks at the primary result code; SQLite keeps details in the higher bits.
func isBusy(err error) bool {
	const primary, busy = 0xff, 5
	var failure *sqlite.Error
	return errors.As(err, &failure) && failure.Code()&primary == busy
}

func (s *Store) prepare(ctx context.Context) error {
	if _, err := s.db.ExecContext(ctx, schema); err != nil {
		return err
	}
	for text, stmt := range map[string]**sql.Stmt{
		getSQL: &s.get, createSQL: &s.create, replaceSQL: &s.replace, deleteSQL: &s.remove, sweepSQL: &s.sweep,
	} {
		var err error
		if *stmt, err = s.db.PrepareContext(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, key string) (store.Item, error) {
	if err := (store.Item{Key: key}).Admit(ctx); err != nil {
		return store.Item{}, err
	}
	item, err := s.one(ctx, s.get, key, key)
	if err != nil {
		return store.Item{}, wrap("get", key, err)
	}
	if item.Version == "" || item.Expired(s.now()) {
		return store.Item{}, store.ErrNotFound
	}
	return item, nil
}

// Create implements [store.Store].
func (s *Store) Create(ctx context.Context, item store.Item) (store.Item, error) {
	version := store.NewVersion()
	stands, err := s.put(ctx, "create", s.create, version, item)
	if err == nil && stands.Version != version {
		return stands, store.ErrExists
	}
	return stands, err
}

// Replace implements [store.Store].
func (s *Store) Replace(ctx context.Context, item store.Item) (store.Item, error) {
	version := store.NewVersion()
	stands, err := s.put(ctx, "replace", s.replace, version, item)
	if err == nil && stands.Version != version {
		return stands, store.ErrConflict
	}
	return stands, err
}

// put runs one of the two conditional writes and returns the live item that
// stands after it, the zero Item when there is none. Whose it is, its version tells.
func (s *Store) put(ctx context.Context, verb string, stmt *sql.Stmt, version string, item store.Item) (store.Item, error) {
	if err := item.Admit(ctx); err != nil {
		return store.Item{}, err
	}
	stands, err := s.one(ctx, stmt, item.Key,
		item.Key, string(item.Value), version, item.ExpirySeconds(), s.now().Unix(), item.Version)
	if err != nil {
		landed, readErr := s.readBack(ctx, item.Key)
		if readErr != nil || landed.Version != version {
			return store.Item{}, wrap(verb, item.Key, err)
		}
		stands = landed
	}
	s.countWrite(ctx)
	return stands, nil
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, key, version string) error {
	if err := (store.Item{Key: key}).Admit(ctx); err != nil {
		return err
	}
	result, err := s.remove.ExecContext(ctx, key, version, s.now().Unix())
	if err != nil {
		stands, readErr := s.readBack(ctx, key)
		if readErr != nil || stands.Version == version {
			return wrap("delete", key, err)
		}
		return nil
	}
	if removed, err := result.RowsAffected(); err != nil || removed == 0 {
		return store.ErrConflict
	}
	s.countWrite(ctx)
	return nil
}

// one runs a statement that yields at most one row, and steps it to its end:
// a RETURNING statement commits only there.
func (s *Store) one(ctx context.Context, stmt *sql.Stmt, key string, args ...any) (item store.Item, err error) {
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return store.Item{}, err
	}
	defer rows.Close()
	for rows.Next() {
		var seconds int64
		if err := rows.Scan(&item.Value, &item.Version, &seconds); err != nil {
			return store.Item{}, err
		}
		item.Key, item.ExpiresAt = key, store.ExpiryTime(seconds)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return store.Item{}, err
	}
	return item, nil
}

// readBack reads what stands, live or not, after a write whose outcome is
// unknown; the caller's context may be the very thing that ended.
func (s *Store) readBack(ctx context.Context, key string) (store.Item, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	return s.one(ctx, s.get, key, key)
}

// countWrite sweeps after every sweepEvery-th write, in the caller's goroutine.
func (s *Store) countWrite(ctx context.Context) {
	if s.writes.Add(1)%sweepEvery == 0 {
		s.removeExpired(ctx)
	}
}

// removeExpired is housekeeping: expired rows are absent with or without it, so
// its failure is no failure of the write it follows.
func (s *Store) removeExpired(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	_, _ = s.sweep.ExecContext(ctx, s.now().Unix(), sweepLimit)
}

// wrap names the verb and the kind of key only: identifiers stay out of logs.
func wrap(verb, key string, err error) error {
	return fmt.Errorf("sqlite: %s %s: %w", verb, store.Kind(key), err)
}
