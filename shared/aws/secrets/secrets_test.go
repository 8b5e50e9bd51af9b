package secrets

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"wechatfn/shared/aws/secrets/secretstest"
	"wechatfn/shared/web/logtest"
)

const (
	minInterval = 30 * time.Second
	maxStale    = time.Hour
)

// fixture is a secret with its Secrets Manager, its clock and its log.
type fixture struct {
	*Secret[string]
	manager *secretstest.Manager
	t       *testing.T
	now     time.Time
	log     logtest.Buffer
}

func newFixture(t *testing.T, c Config[string]) *fixture {
	t.Helper()
	f := &fixture{t: t, manager: secretstest.Serve(t, "one"), now: time.Unix(1_800_000_000, 0)}
	c.ARN, c.Name, c.Format = secretstest.ARN, "secrets", "something"
	c.Now = func() time.Time { return f.now }
	c.Logger = f.log.Text()
	if c.Parse == nil {
		c.Parse = func(text string) (string, error) { return text, nil }
	}
	f.Secret = New(c)
	return f
}

// want checks the value, and the number of calls until now.
func (f *fixture) want(fresh bool, value string, calls int) {
	f.t.Helper()
	got, err := f.Get(f.t.Context(), fresh)
	if err != nil || got != value || f.manager.Calls() != calls {
		f.t.Errorf("got %q after %d calls (%v), want %q after %d", got, f.manager.Calls(), err, value, calls)
	}
}

// wantError checks that there is an error, and the number of calls until now.
func (f *fixture) wantError(fresh bool, calls int) {
	f.t.Helper()
	if got, err := f.Get(f.t.Context(), fresh); err == nil || got != "" || f.manager.Calls() != calls {
		f.t.Errorf("got %q after %d calls (%v), want an error after %d", got, f.manager.Calls(), err, calls)
	}
}

func TestCachedForFiveMinutesAtMost(t *testing.T) {
	f := newFixture(t, Config[string]{})
	f.want(false, "one", 1)
	f.manager.Put("two")
	f.now = f.now.Add(cacheTTL)
	f.want(false, "one", 1)
	f.now = f.now.Add(1)
	f.want(false, "two", 2)
}

func TestFreshReadsEachTimeWithoutMinInterval(t *testing.T) {
	f := newFixture(t, Config[string]{})
	f.want(true, "one", 1)
	f.manager.Put("two")
	f.want(true, "two", 2)
	f.want(false, "two", 2)
	f.manager.Deny(true)
	f.wantError(true, 3)
	f.want(false, "two", 3)
}

func TestFreshReadsOnceInMinInterval(t *testing.T) {
	f := newFixture(t, Config[string]{MinInterval: minInterval})
	f.want(false, "one", 1)
	f.manager.Put("two")
	f.want(true, "two", 2) // the first one is allowed, though the cached value is new
	f.manager.Put("three")
	f.now = f.now.Add(minInterval - 1)
	f.want(true, "two", 2)
	f.now = f.now.Add(1)
	f.want(true, "three", 3)
}

func TestFailedReadCountsForMinInterval(t *testing.T) {
	f := newFixture(t, Config[string]{MinInterval: minInterval})
	f.want(false, "one", 1)
	f.manager.Deny(true)
	f.wantError(true, 2)
	f.want(true, "one", 2)
}

func TestLastValueIsReusedWhileReadsFail(t *testing.T) {
	f := newFixture(t, Config[string]{MinInterval: minInterval, MaxStale: maxStale})
	f.want(false, "one", 1)
	f.manager.Deny(true)
	f.now = f.now.Add(cacheTTL + 1)
	f.want(false, "one", 2)
	f.now = f.now.Add(minInterval)
	f.want(false, "one", 2) // there is no read for each call
	f.now = f.now.Add(1)
	f.want(false, "one", 3)
	f.manager.Deny(false)
	f.manager.Put("two")
	f.now = f.now.Add(minInterval + 1)
	f.want(false, "two", 4)
	if lines := strings.Count(f.log.String(), "level=ERROR"); lines != 2 || !strings.Contains(f.log.String(), "AccessDeniedException") {
		t.Errorf("the log has %d lines:\n%s", lines, &f.log)
	}
}

func TestLastValueIsReusedForMaxStaleAtMost(t *testing.T) {
	f := newFixture(t, Config[string]{MinInterval: minInterval, MaxStale: maxStale})
	f.want(false, "one", 1)
	f.manager.Deny(true)
	f.now = f.now.Add(maxStale - 1)
	f.want(false, "one", 2)
	f.now = f.now.Add(1)
	f.want(false, "one", 2) // within the interval
	f.now = f.now.Add(minInterval)
	f.wantError(false, 3)
	f.wantError(true, 4)
}

func TestErrorBeforeTheFirstRead(t *testing.T) {
	f := newFixture(t, Config[string]{MinInterval: minInterval, MaxStale: maxStale})
	f.manager.Deny(true)
	f.wantError(false, 1)
	f.wantError(true, 2)
	f.wantError(true, 3) // there is no value to reuse
	f.manager.Deny(false)
	f.want(false, "one", 4)
}

func TestReadEndsWithItsTimeout(t *testing.T) {
	f := newFixture(t, Config[string]{MaxStale: maxStale})
	f.want(false, "one", 1)
	f.manager.Put("two")
	f.config.Timeout = 1
	f.want(true, "one", 1)
	f.config.Timeout = time.Minute
	f.want(true, "two", 2)
}

func TestErrorsDoNotQuoteTheSecret(t *testing.T) {
	parse := func(string) (string, error) { return "", errors.New("wrong format") }
	for _, c := range []struct{ name, text, want string }{
		{"no text", "", "read the secrets: the secret has no text yet; put something into it"},
		{"a wrong format", "canary", "read the secrets: wrong format"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, Config[string]{Parse: parse})
			f.manager.Put(c.text)
			if _, err := f.Get(t.Context(), false); err == nil || err.Error() != c.want {
				t.Errorf("%q: %v", c.text, err)
			}
		})
	}
	t.Run("not granted", func(t *testing.T) {
		f := newFixture(t, Config[string]{})
		f.manager.Deny(true)
		if _, err := f.Get(t.Context(), false); err == nil || !strings.Contains(err.Error(), "AccessDeniedException") || strings.Contains(err.Error(), "canary") {
			t.Error(err)
		}
	})
}

// A caller that can use the cached value does not wait for the read of another.
func TestReadDoesNotBlockTheCache(t *testing.T) {
	reading, release := make(chan struct{}), make(chan struct{})
	block := false
	f := newFixture(t, Config[string]{Parse: func(text string) (string, error) {
		if block {
			close(reading)
			<-release
		}
		return text, nil
	}})
	f.want(false, "one", 1)
	f.manager.Put("two")
	block = true
	var wg sync.WaitGroup
	wg.Go(func() { f.want(true, "two", 2) })
	<-reading
	f.want(false, "one", 2)
	close(release)
	wg.Wait()
	f.want(false, "two", 2)
}

func TestConcurrentFreshCallsCauseOneRead(t *testing.T) {
	f := newFixture(t, Config[string]{MinInterval: minInterval, MaxStale: maxStale})
	f.want(false, "one", 1)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			if got, err := f.Get(t.Context(), i%2 == 0); err != nil || got != "one" {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	wg.Wait()
	if calls := f.manager.Calls(); calls != 2 {
		t.Errorf("%d calls, want 2: one for all that asked for fresh", calls)
	}
}

func TestClientRetriesWithinASecond(t *testing.T) {
	f := newFixture(t, Config[string]{})
	if delay, err := f.client.Options().Retryer.RetryDelay(9, errors.New("x")); err != nil || delay > time.Second {
		t.Errorf("%v between tries, %v", delay, err)
	}
}

func TestNilLoggerMeansTheDefault(t *testing.T) {
	if New(Config[string]{}).config.Logger == nil {
		t.Error("there is no logger")
	}
}
