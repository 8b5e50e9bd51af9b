package credential

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/account"
	"wechatfn/shared/secret"
	"wechatfn/shared/store"
	"wechatfn/shared/store/storetest"
	"wechatfn/shared/wechat"
)

func TestCountForced(t *testing.T) {
	unix := noon.Unix()
	day := int64(forcedWindow / time.Second)
	ten := make([]int64, 10)
	for i := range ten {
		ten[i] = unix - day + 1 + int64(i)*100
	}
	nine := []int64{unix - day}
	for i := range int64(9) {
		nine = append(nine, unix-1000+100*i)
	}
	for _, c := range []struct {
		name  string
		times []int64
		wait  time.Duration
		count int
	}{
		{"first", nil, 0, 1},
		{"30 s after another", []int64{unix - 30}, time.Second, 1},
		{"31 s after another", []int64{unix - 31}, 0, 2},
		{"eleventh of a day", ten, time.Second, 10},
		{"the oldest is a day old", append([]int64{unix - day}, ten[1:]...), 0, 10},
		{"the oldest is a day old, nine in the last minutes", nine, 0, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, wait := countForced(c.times, noon)
			if wait != c.wait || len(got) != c.count {
				t.Errorf("wait %v, %d times; want %v, %d", wait, len(got), c.wait, c.count)
			}
			if wait == 0 && got[len(got)-1] != unix {
				t.Errorf("now was not counted: %v", got)
			}
		})
	}
}

func TestForceGetsANewTokenOnceIn31Seconds(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		renewer := f.renewer()
		old := f.tick(renewer).Token.Value
		time.Sleep(time.Minute)
		record, err := renewer.Force(t.Context(), f.account)
		if err != nil || record.Token.Value == old {
			t.Fatalf("forced: %v", err)
		}
		var budget *BudgetError
		if _, err := renewer.Force(t.Context(), f.account); !errors.As(err, &budget) || budget.RetryAfter > forcedInterval {
			t.Errorf("a second force at once: %v", err)
		}
	})
}

// Operators may ask all day: WeChat gets at most two forced calls in a minute and ten
// in a day.
func TestForceBudget(t *testing.T) {
	t.Parallel()
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		renewer := f.renewer()
		f.tick(renewer)
		f.sim.ResetCounts()
		minute := 0
		for range 24 * 60 {
			before := f.sim.Calls(wechatsim.PathStableToken)
			for range 20 { // nearly all of them are refused after one read
				_, _ = renewer.Force(t.Context(), f.account)
				time.Sleep(3 * time.Second)
			}
			minute = max(minute, f.sim.Calls(wechatsim.PathStableToken)-before)
		}
		if day := f.sim.Calls(wechatsim.PathStableToken); minute > 2 || day != maxForcedPerDay {
			t.Errorf("%d forced calls in a minute, %d in a day", minute, day)
		}
	})
}

func TestForceIsCountedThoughTheCallFails(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		renewer := f.renewer()
		old := f.tick(renewer).Token.Value
		f.sim.Fail(wechatsim.Fault{Path: wechatsim.PathStableToken, Times: 1, DropAfter: true})
		if _, err := renewer.Force(t.Context(), f.account); err != nil {
			t.Fatal(err)
		}
		if record := f.record(); len(record.Forced) != 1 || record.Token.Value != old {
			t.Errorf("%d forced calls counted, token unchanged: %v", len(record.Forced), record.Token.Value == old)
		}
	})
}

// A forced call with an old secret would use up budget for a refusal.
func TestForceReadsTheSecretAgain(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		stored := nextSecret
		f.cacheSecret(&stored)
		renewer := f.renewer()
		old := f.tick(renewer).Token.Value
		_ = f.sim.SetSecret(testAppID, nextSecret)
		time.Sleep(time.Minute)
		if record, err := renewer.Force(t.Context(), f.account); err != nil || record.Token.Value == old {
			t.Errorf("the token was not renewed: %v, %+v", err, record.Token.Failure)
		}
	})
}

func TestFailedForceLeavesTheTokenAsValidAsBefore(t *testing.T) {
	refusal := func(f *fixture, _ *Renewer) {
		f.sim.Fail(wechatsim.Fault{Path: wechatsim.PathStableToken, ErrCode: 45009})
	}
	noSecret := func(_ *fixture, renewer *Renewer) {
		renewer.secrets = func(context.Context, account.Account, bool) (secret.Secret, error) {
			return secret.Secret{}, errStoreDown
		}
	}
	lostAnswer := func(f *fixture, _ *Renewer) {
		f.sim.Fail(wechatsim.Fault{Path: wechatsim.PathStableToken, Times: 1, DropAfter: true})
	}
	for _, c := range []struct {
		name          string
		before, after bool // Invalid
		fail          func(*fixture, *Renewer)
	}{
		{"a valid token, WeChat refuses", false, false, refusal},
		{"a valid token, no secret", false, false, noSecret},
		{"a valid token, the answer is lost, so it may be invalid", false, true, lostAnswer},
		{"an invalid token, WeChat refuses", true, true, refusal},
		{"an invalid token, no secret", true, true, noSecret},
		{"an invalid token, the answer is lost, so it may still be invalid", true, true, lostAnswer},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, nextTicketEarly, func(t *testing.T, f *fixture) {
				renewer := f.renewer()
				f.tick(renewer)
				if c.before {
					f.markTokenInvalid()
				}
				c.fail(f, renewer)
				record, err := renewer.Force(t.Context(), f.account)
				if err != nil || record.Token.Invalid != c.after || len(record.Forced) != 1 {
					t.Errorf("%d forced, invalid %v, %v", len(record.Forced), record.Token.Invalid, err)
				}
				if stored := f.record(); stored.Token.Invalid != c.after || len(stored.Forced) != 1 {
					t.Errorf("stored: %d forced, invalid %v", len(stored.Forced), stored.Token.Invalid)
				}
				time.Sleep(2 * time.Minute)
				if record, err := renewer.Force(t.Context(), f.account); err != nil || len(record.Forced) != 2 {
					t.Errorf("again: %d forced, %v", len(record.Forced), err)
				}
			})
		})
	}
}

// A forced refresh that is cut off at any call leaves open which token is valid. The
// next ticks find out.
func TestForceCutOffAtAnyCall(t *testing.T) {
	for _, tickets := range [][]wechat.TicketType{nil, {wechat.JSAPI}} {
		for _, when := range []storetest.When{storetest.Before, storetest.After} {
			t.Run(fmt.Sprintf("tickets=%d/%s", len(tickets), when), func(t *testing.T) {
				crashed := true
				for n := 1; crashed; n++ {
					bubble(t, nextTicketEarly, func(t *testing.T, f *fixture) {
						f.account.Tickets = tickets
						f.tick(f.renewer())
						time.Sleep(2 * time.Minute)
						process := storetest.CrashAt(n, when)
						_, _ = f.renewerIn(process).Force(t.Context(), f.account)
						crashed = process.Crashed()
						cutOff := time.Now()
						for time.Since(cutOff) < 150*time.Second {
							time.Sleep(time.Minute)
							f.tick(f.renewer())
						}
						if !f.sim.TokenValid(testAppID, f.record().Token.Value) {
							t.Errorf("cut off at call %d: the stored token is invalid", n)
						}
					})
				}
			})
		}
	}
}

func TestForceIsRefusedWhileTheLeaseIsHeld(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		renewer := f.renewer()
		leased, err := renewer.takeLease(t.Context(), stored{item: store.Item{Key: tokenKey(testAppID)}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := renewer.Force(t.Context(), f.account); !errors.Is(err, ErrBusy) {
			t.Errorf("force: %v", err)
		}
		f.wantCalls(0, 0)

		time.Sleep(leaseTTL + time.Second)
		f.tick(renewer)
		if _, err := renewer.save(t.Context(), leased); !errors.Is(err, ErrLeaseLost) {
			t.Errorf("save by the holder whose lease expired: %v", err)
		}
	})
}

func TestForceAndTicksAtTheSameTime(t *testing.T) {
	bubble(t, nextTicketEarly, func(t *testing.T, f *fixture) {
		renewer := f.renewerOn(newLeaseChecker(f))
		f.tick(renewer)
		for range 100 {
			for range 3 {
				go func() { _, _ = renewer.Force(t.Context(), f.account) }()
				go func() { _, _ = renewer.Tick(t.Context(), f.account) }()
			}
			synctest.Wait()
			if !f.sim.TokenValid(testAppID, f.record().Token.Value) {
				t.Errorf("%s: the stored token is invalid", time.Now())
			}
			time.Sleep(time.Minute)
		}
		if n := len(f.record().Forced); n != maxForcedPerDay {
			t.Errorf("%d forced refreshes were counted", n)
		}
	})
}
