package sqlite

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/shared/store"
)

func openFile(t *testing.T, cfg Config) *Store {
	t.Helper()
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func create(t *testing.T, s *Store, item store.Item) store.Item {
	t.Helper()
	created, err := s.Create(t.Context(), item)
	if err != nil {
		t.Fatal(err)
	}
	return created
}

func TestOnlyTheOwnerCanReadTheFiles(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new", "state")
	path := filepath.Join(folder, "store.db")
	create(t, openFile(t, Config{Path: path}), store.Item{Key: "token#wx1234"})
	for _, c := range []struct {
		name, path string
		want       os.FileMode
	}{
		{"folder", folder, 0o700}, {"database", path, 0o600}, {"write-ahead log", path + "-wal", 0o600}, {"shared memory", path + "-shm", 0o600},
	} {
		t.Run(c.name, func(t *testing.T) {
			info, err := os.Stat(c.path)
			if err != nil {
				t.Fatal(err)
			}
			if got := info.Mode().Perm(); got != c.want {
				t.Errorf("mode %o, want %o", got, c.want)
			}
		})
	}
}

func TestItemsAreThereAfterReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?c=d#e%41&.db") // must not be read as a URI
	s := openFile(t, Config{Path: path})
	item := create(t, s, store.Item{Key: "ticket#wx1234#jsapi", Value: []byte(`{}`)})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	got, err := openFile(t, Config{Path: path}).Get(t.Context(), item.Key)
	if err != nil || got.Version != item.Version {
		t.Errorf("got %+v (%v), want version %s", got, err, item.Version)
	}
}

func TestOpenFailsWithoutADatabase(t *testing.T) {
	folder := t.TempDir()
	text := filepath.Join(folder, "text.db")
	if err := os.WriteFile(text, []byte("this is no database, and long enough to show it"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, path string }{
		{"no path", ""}, {"a folder", folder}, {"a file as the folder", filepath.Join(text, "x.db")}, {"another kind of file", text},
	} {
		t.Run(c.name, func(t *testing.T) {
			if s, err := Open(Config{Path: c.path}); err == nil {
				t.Error("no error")
				_ = s.Close()
			}
		})
	}
}

func TestClosedStoreFails(t *testing.T) {
	s := openFile(t, Config{Path: ":memory:"})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), "token#wx1234"); err == nil || errors.Is(err, store.ErrNotFound) {
		t.Errorf("get: error %v, want a failure", err)
	}
	if _, err := s.Create(t.Context(), store.Item{Key: "token#wx1234"}); err == nil {
		t.Error("create: no error")
	}
}

func TestManyCanOpenANewFileAtOnce(t *testing.T) {
	const files, openers = 10, 16
	for range files {
		openTogether(t, filepath.Join(t.TempDir(), "store.db"), openers)
	}
}

func openTogether(t *testing.T, path string, openers int) {
	t.Helper()
	var opened sync.WaitGroup
	for i := range openers {
		opened.Go(func() {
			s, err := Open(Config{Path: path})
			if err != nil {
				t.Errorf("open: %v", err)
				return
			}
			defer s.Close()
			if _, err := s.Create(t.Context(), store.Item{Key: fmt.Sprint(i)}); err != nil {
				t.Errorf("create: %v", err)
			}
		})
	}
	opened.Wait()
}

// Expired rows are removed in batches of a limited size, and no other rows.
func TestExpiredRowsAreRemovedInBatches(t *testing.T) {
	const expired = sweepLimit + 10
	now := time.Now().Truncate(time.Second)
	s := openFile(t, Config{Path: ":memory:", Now: func() time.Time { return now }})
	for i := range expired {
		create(t, s, store.Item{Key: fmt.Sprintf("refresh_request#%d", i), ExpiresAt: now.Add(time.Minute)})
	}
	create(t, s, store.Item{Key: "user#permanent"})
	create(t, s, store.Item{Key: "user#valid", ExpiresAt: now.Add(time.Hour)})
	now = now.Add(time.Minute)

	rows := []int{expired + 2, expired + 2 - sweepLimit, 2}
	for _, want := range rows {
		if got := countRows(t, s); got != want {
			t.Errorf("%d rows, want %d", got, want)
		}
		for s.writes.Load()%sweepEvery != sweepEvery-1 {
			replacePermanent(t, s)
		}
		replacePermanent(t, s)
	}
}

func replacePermanent(t *testing.T, s *Store) {
	t.Helper()
	item, err := s.Get(t.Context(), "user#permanent")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Replace(t.Context(), item); err != nil {
		t.Fatal(err)
	}
}

func countRows(t *testing.T, s *Store) (n int) {
	t.Helper()
	if err := s.db.QueryRowContext(t.Context(), "SELECT count(*) FROM items").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Tests of other packages run stores in a bubble of testing/synctest.
func TestStoreRunsInABubble(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		item := create(t, s, store.Item{Key: "lease#wx1234", ExpiresAt: time.Now().Add(time.Minute)})
		var writers sync.WaitGroup
		for range 8 {
			writers.Go(func() {
				if _, err := s.Replace(t.Context(), item); err != nil && !errors.Is(err, store.ErrConflict) {
					t.Error(err)
				}
			})
		}
		writers.Wait()
		time.Sleep(time.Minute)
		if _, err := s.Get(t.Context(), item.Key); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("get: error %v, want %v", err, store.ErrNotFound)
		}
	})
}

// counterVariable makes the test binary increment a counter instead of testing. Its
// value is the path of the file.
const counterVariable = "WECHATFN_TEST_COUNT_IN"

func TestProcessesOnOneFileLoseNoIncrement(t *testing.T) {
	const processes, each = 4, 50
	if path := os.Getenv(counterVariable); path != "" {
		count(t, openFile(t, Config{Path: path}), each)
		return
	}
	path := filepath.Join(t.TempDir(), "store.db")
	var running sync.WaitGroup
	for range processes {
		running.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProcessesOnOneFileLoseNoIncrement$")
			cmd.Env = append(os.Environ(), counterVariable+"="+path)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	running.Wait()
	item, err := openFile(t, Config{Path: path}).Get(t.Context(), "counter")
	if want := strconv.Itoa(processes * each); err != nil || string(item.Value) != want {
		t.Errorf("counted %q (%v), want %s", item.Value, err, want)
	}
}

// count increments the counter n times. The first process creates it.
func count(t *testing.T, s *Store, n int) {
	t.Helper()
	item, err := s.Create(t.Context(), store.Item{Key: "counter", Value: []byte("0")})
	if err != nil && !errors.Is(err, store.ErrExists) {
		t.Fatal(err)
	}
	for done := 0; done < n; {
		value, err := strconv.Atoi(string(item.Value))
		if err != nil {
			t.Fatal(err)
		}
		item.Value = []byte(strconv.Itoa(value + 1))
		switch item, err = s.Replace(t.Context(), item); {
		case err == nil:
			done++
		case !errors.Is(err, store.ErrConflict):
			t.Fatal(err)
		}
	}
}
