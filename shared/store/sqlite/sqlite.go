// Package sqlite is a store in one SQLite file, or in memory. It is the embedded
// back-end of `make dev`, of self-hosting on one machine, and of tests.
//
// Several processes can open the same file. Each verb is exactly one SQL statement, so
// SQLite's locks make it atomic, and no transaction stays open. The file contains
// valid credentials, so only its owner can read it.
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
	// busyTimeout is how long a statement waits for the write of another process.
	busyTimeout = 5 * time.Second
	// readBackTimeout limits the read-back after a write whose outcome is unknown.
	readBackTimeout = time.Second
	// sweepEvery and sweepLimit spread the cost of removing expired rows: one extra
	// statement in sweepEvery writes, which removes at most sweepLimit rows.
	sweepEvery = 256
	sweepLimit = 4 * sweepEvery
)

// Config says where the items are stored.
type Config struct {
	// Path of the database file. With ":memory:" the items are lost when the Store is
	// closed. A missing parent folder is created.
	Path string
	// Now is the clock by which items expire. Nil means time.Now.
	Now func() time.Time
}

// Store is a [store.Store] on one SQLite database. It is safe for concurrent use, by
// several processes on the same file too.
type Store struct {
	db     *sql.DB
	now    func() time.Time
	writes atomic.Uint64

	get, create, replace, remove, sweep *sql.Stmt
}

// Open opens or creates the database. Call Close in the end.
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

// open is the part of Open that a test calls with a connector that can fail.
func open(connector driver.Connector, now func() time.Time) (*Store, error) {
	if now == nil {
		now = time.Now
	}
	db := sql.OpenDB(connector)
	// One connection alone: an in-memory database belongs to its connection. And the
	// goroutines of one process wait in database/sql, which respects their contexts,
	// instead of polling for SQLite's write lock.
	db.SetMaxOpenConns(1)
	s := &Store{db: db, now: now}
	if err := s.prepareWhenFree(context.Background()); err != nil {
		return nil, errors.Join(fmt.Errorf("sqlite: open: %w", err), db.Close())
	}
	s.removeExpired(context.Background())
	return s, nil
}

// Close releases the database file. Later calls fail.
func (s *Store) Close() error { return s.db.Close() }

// createFile creates the file before SQLite does, with the mode that a file of
// credentials needs. SQLite gives its -wal and -shm files the same mode. An existing
// file is not opened: closing a second descriptor on it would release the locks that
// this process may have on it.
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

// dsn makes a SQLite URI. In WAL mode with synchronous=NORMAL a power failure can lose
// the last commits, but cannot damage the database. A process that crashes loses none.
func dsn(path string) string {
	escaped := (&url.URL{Path: path}).EscapedPath()
	return fmt.Sprintf("file:%s?_busy_timeout=%d&_journal_mode=WAL&_synchronous=NORMAL", escaped, busyTimeout.Milliseconds())
}

// prepareWhenFree tries again while another process has locked the file. The busy
// timeout does not apply to the switch to WAL mode, which a new file needs.
func (s *Store) prepareWhenFree(ctx context.Context) error {
	for delay := time.Millisecond; ; delay *= 2 {
		err := s.prepare(ctx)
		if !isBusy(err) || delay > busyTimeout {
			return err
		}
		time.Sleep(delay)
	}
}

// isBusy compares the primary result code. The higher bits are details.
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
	if err := (store.Item{Key: key}).Check(ctx); err != nil {
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
	current, err := s.put(ctx, "create", s.create, version, item)
	if err == nil && current.Version != version {
		return current, store.ErrExists
	}
	return current, err
}

// Replace implements [store.Store].
func (s *Store) Replace(ctx context.Context, item store.Item) (store.Item, error) {
	version := store.NewVersion()
	current, err := s.put(ctx, "replace", s.replace, version, item)
	if err == nil && current.Version != version {
		return current, store.ErrConflict
	}
	return current, err
}

// put runs one of the two conditional writes and returns the valid item that is stored
// after it, or the zero Item if there is none. The write was applied if that item has
// the given version.
func (s *Store) put(ctx context.Context, verb string, stmt *sql.Stmt, version string, item store.Item) (store.Item, error) {
	if err := item.Check(ctx); err != nil {
		return store.Item{}, err
	}
	current, err := s.one(ctx, stmt, item.Key,
		item.Key, string(item.Value), version, item.ExpirySeconds(), s.now().Unix(), item.Version)
	if err != nil {
		stored, readErr := s.readBack(ctx, item.Key)
		if readErr != nil || stored.Version != version {
			return store.Item{}, wrap(verb, item.Key, err)
		}
		current = stored
	}
	s.countWrite(ctx)
	return current, nil
}

// Delete implements [store.Store].
func (s *Store) Delete(ctx context.Context, key, version string) error {
	if err := (store.Item{Key: key}).Check(ctx); err != nil {
		return err
	}
	result, err := s.remove.ExecContext(ctx, key, version, s.now().Unix())
	if err != nil {
		stored, readErr := s.readBack(ctx, key)
		if readErr != nil || stored.Version == version {
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

// one runs a statement that returns at most one row, and reads it to its end: only
// there does a RETURNING statement commit.
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

// readBack reads the stored item, expired or not, after a write whose outcome is
// unknown. It does not use the caller's context, whose end may be the reason.
func (s *Store) readBack(ctx context.Context, key string) (store.Item, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readBackTimeout)
	defer cancel()
	return s.one(ctx, s.get, key, key)
}

// countWrite removes expired rows after every sweepEvery-th write, in the caller's
// goroutine.
func (s *Store) countWrite(ctx context.Context) {
	if s.writes.Add(1)%sweepEvery == 0 {
		s.removeExpired(ctx)
	}
}

// removeExpired frees space. Expired rows are absent with and without it, so a write
// does not fail when it does.
func (s *Store) removeExpired(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readBackTimeout)
	defer cancel()
	_, _ = s.sweep.ExecContext(ctx, s.now().Unix(), sweepLimit)
}

// wrap names the verb and the kind of the key: identifiers must not be logged.
func wrap(verb, key string, err error) error {
	return fmt.Errorf("sqlite: %s %s: %w", verb, store.Kind(key), err)
}
