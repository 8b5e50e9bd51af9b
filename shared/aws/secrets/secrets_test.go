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
	gap     = 30 * time.Second
	standIn = time.Hour
)

// world is a secret, where it comes from, its clock and its log.
type world struct {
	*Secret[string]
	manager *secretstest.Manager
	t       *testing.T
	now     time.Time
	log     logtest.Buffer
}

func start(t *testing.T, c Config[string]) *world {
	t.Helper()
	w := &world{t: t, manager: secretstest.Serve(t, "one"), now: time.Unix(1_800_000_000, 0)}
	c.ARN, c.What, c.Form = secretstest.ARN, "secrets", "something"
	c.Now = func() time.Time { return w.now }
	c.Logger = w.log.Text()
	if c.Parse == nil {
		c.Parse = func(text string) (string, error) { return text, nil }
	}
	w.Secret = New(c)
	return w
}

// want demands a value, and the number of calls until now.
func (w *world) want(fresh bool, value string, calls int) {
	w.t.Helper()
	got, err := w.Get(w.t.Context(), fresh)
	if err != nil || got != value || w.manager.Calls() != calls {
		w.t.Errorf("got %q after %d calls (%v), want %q after %d", got, w.manager.Calls(), err, value, calls)
	}
}

// fails demands an error, and the number of calls until now.
func (w *world) fails(fresh bool, calls int) {
	w.t.Helper()
	if got, err := w.Get(w.t.Context(), fresh); err == nil || got != "" || w.manager.Calls() != calls {
		w.t.Errorf("got %q after %d calls (%v), want an error after %d", got, w.manager.Calls(), err, calls)
	}
}

func TestKeptForFiveMinutesAtMost(t *testing.T) {
	w := start(t, Config[string]{})
	w.want(false, "one", 1)
	w.manager.Put("two")
	w.now = w.now.Add(life)
	w.want(false, "one", 1)
	w.now = w.now.Add(1)
	w.want(false, "two", 2)
}

func TestReadAgainEachTimeWithoutAGap(t *testing.T) {
	w := start(t, Config[string]{})
	w.want(true, "one", 1)
	w.manager.Put("two")
	w.want(true, "two", 2)
	w.want(false, "two", 2)
	w.manager.Deny(true)
	w.fails(true, 3)
	w.want(false, "two", 3)
}

func TestReadAgainOnceAGap(t *testing.T) {
	w := start(t, Config[string]{Gap: gap})
	w.want(false, "one", 1)
	w.manager.Put("two")
	w.want(true, "two", 2) // the first wish is granted, however young the kept one is
	w.manager.Put("three")
	w.now = w.now.Add(gap - 1)
	w.want(true, "two", 2)
	w.now = w.now.Add(1)
	w.want(true, "three", 3)
}

func TestAWishIsSpentByAReadThatFails(t *testing.T) {
	w := start(t, Config[string]{Gap: gap})
	w.want(false, "one", 1)
	w.manager.Deny(true)
	w.fails(true, 2)
	w.want(true, "one", 2)
}

func TestStandsInWhileReadingFails(t *testing.T) {
	w := start(t, Config[string]{Gap: gap, StandIn: standIn})
	w.want(false, "one", 1)
	w.manager.Deny(true)
	w.now = w.now.Add(life + 1)
	w.want(false, "one", 2)
	w.now = w.now.Add(gap)
	w.want(false, "one", 2) // it is not tried for each call
	w.now = w.now.Add(1)
	w.want(false, "one", 3)
	w.manager.Deny(false)
	w.manager.Put("two")
	w.now = w.now.Add(gap + 1)
	w.want(false, "two", 4)
	if lines := strings.Count(w.log.String(), "level=ERROR"); lines != 2 || !strings.Contains(w.log.String(), "AccessDeniedException") {
		t.Errorf("the log has %d lines:\n%s", lines, &w.log)
	}
}

func TestStandsInForAnHourAtMost(t *testing.T) {
	w := start(t, Config[string]{Gap: gap, StandIn: standIn})
	w.want(false, "one", 1)
	w.manager.Deny(true)
	w.now = w.now.Add(standIn - 1)
	w.want(false, "one", 2)
	w.now = w.now.Add(1)
	w.want(false, "one", 2) // within the gap
	w.now = w.now.Add(gap)
	w.fails(false, 3)
	w.fails(true, 4)
}

func TestNothingStandsInBeforeTheFirstRead(t *testing.T) {
	w := start(t, Config[string]{Gap: gap, StandIn: standIn})
	w.manager.Deny(true)
	w.fails(false, 1)
	w.fails(true, 2)
	w.fails(true, 3) // there is nothing to answer from
	w.manager.Deny(false)
	w.want(false, "one", 4)
}

func TestAReadHasItsTime(t *testing.T) {
	w := start(t, Config[string]{StandIn: standIn})
	w.want(false, "one", 1)
	w.manager.Put("two")
	w.Timeout = 1
	w.want(true, "one", 1)
	w.Timeout = time.Minute
	w.want(true, "two", 2)
}

func TestErrorsQuoteNothing(t *testing.T) {
	parse := func(string) (string, error) { return "", errors.New("wrong form") }
	for text, want := range map[string]string{
		"":       "read the secrets: the secret has no text yet; put something into it",
		"canary": "read the secrets: wrong form",
	} {
		w := start(t, Config[string]{Parse: parse})
		w.manager.Put(text)
		if _, err := w.Get(t.Context(), false); err == nil || err.Error() != want {
			t.Errorf("%q: %v", text, err)
		}
	}
	w := start(t, Config[string]{})
	w.manager.Deny(true)
	if _, err := w.Get(t.Context(), false); err == nil || !strings.Contains(err.Error(), "AccessDeniedException") || strings.Contains(err.Error(), "canary") {
		t.Error(err)
	}
}

// Nobody waits for another's read while something is kept.
func TestNothingIsHeldOverARead(t *testing.T) {
	reading, release := make(chan struct{}), make(chan struct{})
	hold := false
	w := start(t, Config[string]{Parse: func(text string) (string, error) {
		if hold {
			close(reading)
			<-release
		}
		return text, nil
	}})
	w.want(false, "one", 1)
	w.manager.Put("two")
	hold = true
	var wg sync.WaitGroup
	wg.Go(func() { w.want(true, "two", 2) })
	<-reading
	w.want(false, "one", 2)
	close(release)
	wg.Wait()
	w.want(false, "two", 2)
}

func TestManyAtOnce(t *testing.T) {
	w := start(t, Config[string]{Gap: gap, StandIn: standIn})
	w.want(false, "one", 1)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			if got, err := w.Get(t.Context(), i%2 == 0); err != nil || got != "one" {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	wg.Wait()
	if calls := w.manager.Calls(); calls != 2 {
		t.Errorf("%d calls, want one for all wishes", calls)
	}
}

func TestTheClientIsQuick(t *testing.T) {
	w := start(t, Config[string]{})
	if delay, err := w.client.Options().Retryer.RetryDelay(9, errors.New("x")); err != nil || delay > time.Second {
		t.Errorf("%v between tries, %v", delay, err)
	}
	if New(Config[string]{}).Logger == nil {
		t.Error("nothing logs")
	}
}
