package credential

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/store"
	"wechatfn/shared/store/storetest"
	"wechatfn/shared/wait"
)

func (f *fixture) wantToken(reader *Reader, want string) {
	f.t.Helper()
	if got, err := reader.Token(f.t.Context(), testAppID); got != want {
		f.t.Errorf("another token was handed out: %v", err)
	}
}

func TestTokenIsCachedAndNotHandedOutWithinMargin(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		renewer, reader := f.renewer(), f.reader(nil)
		token := f.tick(renewer).Token
		f.store.Take()
		for range 10 {
			f.wantToken(reader, token.Value)
		}
		f.wantStoreCalls(1, 0)
		time.Sleep(time.Until(time.Unix(token.ExpiresAt, 0)) - Margin - time.Nanosecond)
		f.wantToken(reader, token.Value)
		time.Sleep(time.Nanosecond)
		if _, err := reader.Token(t.Context(), testAppID); !errors.Is(err, ErrNoToken) || strings.Contains(err.Error(), token.Value) {
			t.Error("handed out within Margin of its expiry")
		}
	})
}

func TestMissingTokenIsRequestedOnceInTenSeconds(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		var requested []string
		reader := f.reader(func(appID string) { requested = append(requested, appID) })
		for range 9 {
			if _, err := reader.Token(t.Context(), testAppID); !errors.Is(err, ErrNoToken) {
				t.Errorf("got %v", err)
			}
			time.Sleep(time.Second)
		}
		if len(requested) != 1 {
			t.Errorf("%d refresh requests", len(requested))
		}
	})
}

// WeChat has ended the token: fifty callers wait for the next one, which costs one call.
func TestReplacementOfATokenThatWeChatRefuses(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		renewer := f.renewer()
		old := f.tick(renewer).Token.Value
		reader := f.reader(func(string) {
			go func() {
				time.Sleep(time.Second) // as the table's stream takes
				_, _ = renewer.HandleRefreshRequest(context.Background(), f.account)
			}()
		})
		f.wantToken(reader, old)
		if err := f.sim.ForeignRefresh(testAppID); err != nil {
			t.Fatal(err)
		}
		f.sim.ResetCounts()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				got, err := reader.Replacement(t.Context(), testAppID, old)
				if err != nil || !f.sim.TokenValid(testAppID, got) {
					t.Errorf("no valid token: %v", err)
				}
			})
		}
		wg.Wait()
		f.wantCalls(1, 0)

		// A caller that still has the old one gets the new one at once, without a refresh request.
		f.store.Take()
		if got, err := reader.Replacement(t.Context(), testAppID, old); err != nil || got == old {
			t.Errorf("no other token: %v", err)
		}
		f.wantStoreCalls(1, 0)
	})
}

// hangs is a store's call that gets no answer for a minute.
func hangs(ctx context.Context, _ storetest.Call, do func(context.Context) error) error {
	if err := wait.For(ctx, time.Minute); err != nil {
		return err
	}
	return do(ctx)
}

func TestReplacementThatDoesNotComeEndsWithTheContext(t *testing.T) {
	for _, c := range []struct {
		name string
		fail func(*fixture)
	}{
		{"no refresher", func(*fixture) {}},
		{"the table is down", func(f *fixture) { f.store.Fail(errStoreDown) }},
		{"the table hangs", func(f *fixture) { f.store.Intercept(hangs) }},
		{"the stored token is invalid", func(f *fixture) { f.markTokenInvalid() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
				reader := f.reader(nil)
				token := f.tick(f.renewer()).Token.Value
				f.wantToken(reader, token)
				c.fail(f)
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				before := time.Now()
				_, err := reader.Replacement(ctx, testAppID, token)
				if took := time.Since(before); !errors.Is(err, ErrNoToken) || took != 3*time.Second {
					t.Errorf("%v after %v", err, took)
				}
				if strings.Contains(err.Error(), token) {
					t.Error("the token is in the error")
				}
			})
		})
	}
}

// markTokenInvalid is what a refresher does with a report if WeChat does not answer.
func (f *fixture) markTokenInvalid() {
	f.t.Helper()
	item, err := f.store.Get(f.t.Context(), tokenKey(testAppID))
	if err != nil {
		f.t.Fatal(err)
	}
	record := f.record()
	record.Token.Invalid = true
	item.Value = store.Encode(record)
	if _, err := f.store.Replace(f.t.Context(), item); err != nil {
		f.t.Fatal(err)
	}
}
