package session

import (
	"context"
	"fmt"
	"testing"
	"time"

	"wechatfn/shared/store"
	"wechatfn/shared/store/storetest"
)

// interleaved is a process before whose nth call f runs.
func (w *fixture) interleaved(n int, f func()) *process {
	p := w.process()
	p.beforeCall(n, f)
	return p
}

func (w *fixture) remove(key string) {
	w.Helper()
	item, err := w.recorder.Store.Get(w.Context(), key)
	w.want("get", err, nil)
	w.want("delete", w.recorder.Store.Delete(w.Context(), key, item.Version), nil)
}

// A session that is revoked twice has the first reason.
func TestFirstRevocationReasonIsStored(t *testing.T) {
	bubble(t, Config{}, func(w *fixture) {
		old := w.issue(login())
		token := w.rotate(old)
		p := w.interleaved(2, func() { _, _ = w.Check(w.Context(), old) })
		w.want("logout", p.Revoke(w.Context(), token), nil)
		w.wantCheck("after it", token, revoked(ReasonReused))
	})
}

// If a session is deleted while it is revoked, a tombstone is written: its Issue might be
// pending.
func TestRevokeOfDeletedSessionWritesTombstone(t *testing.T) {
	bubble(t, Config{}, func(w *fixture) {
		token := w.issue(login())
		p := w.interleaved(2, func() { w.remove(sessionKey(idOf(token))) })
		w.want("logout", p.Revoke(w.Context(), token), nil)
		w.wantCheck("after it", token, revoked(ReasonLogout))
	})
}

// If a session is deleted while it is rotated, or while its reuse is found, there is no
// session.
func TestUseOfDeletedSessionFails(t *testing.T) {
	bubble(t, Config{}, func(w *fixture) {
		old := w.issue(login())
		token := w.rotate(old)
		p := w.interleaved(2, func() { w.remove(sessionKey(idOf(token))) })
		_, _, err := p.Rotate(w.Context(), token)
		w.want("rotate", err, ErrNoSession)

		old = w.issue(login())
		w.rotate(old)
		p = w.interleaved(2, func() { w.remove(sessionKey(idOf(old))) })
		_, err = p.Check(w.Context(), old)
		w.want("check", err, ErrNoSession)
	})
}

// If a user is deleted during an update, there is no user, and none is created.
func TestUpdateDoesNotRecreateDeletedUser(t *testing.T) {
	bubble(t, Config{}, func(w *fixture) {
		w.issue(login())
		p := w.interleaved(2, func() { w.remove(userKey(testAppID, testOpenID)) })
		_, err := p.Update(w.Context(), testAppID, testOpenID, func(u *User) error { u.Tokens.Scope = "x"; return nil })
		w.want("update", err, ErrNoUser)
	})
}

// After a conflict the write is tried again at once, with the stored item. The link is not
// written again.
func TestConflictIsRetriedAtOnce(t *testing.T) {
	bubble(t, Config{}, func(w *fixture) {
		w.issue(login())
		l := login()
		l.UnionID = testUnionID
		p := w.interleaved(3, func() { w.issue(login()) })
		_, _, _, err := p.Issue(w.Context(), l)
		w.want("login", err, nil)
		wantCalls(w, "login", p.Recorder, "create user, create union, replace user, replace user, create session")
		w.wantListed("after it")
		if n := len(w.stored().Devices); n != 3 {
			w.Errorf("%d are listed", n)
		}
	})
}

// If every write meets a conflict, a verb gives up in the end.
func TestUpdateGivesUpAfterMaxTries(t *testing.T) {
	t.Parallel()
	bubble(t, Config{}, func(w *fixture) {
		w.issue(login())
		p, n := w.process(), 0
		p.Intercept(func(ctx context.Context, _ storetest.Call, do func(context.Context) error) error {
			n++
			_, err := w.unrecorded.Update(w.Context(), testAppID, testOpenID, func(u *User) error {
				u.Tokens.Scope = fmt.Sprint(n)
				return nil
			})
			w.want("the other update", err, nil)
			return do(ctx)
		})
		start := time.Now()
		_, err := p.Update(w.Context(), testAppID, testOpenID, func(u *User) error { u.Tokens.LeaseUntil++; return nil })
		w.want("update", err, store.ErrConflict)
		if took := time.Since(start); n < maxTries || n > 3*maxTries || took > maxTries*maxRetryDelay {
			w.Errorf("after %d calls and %v", n, took)
		}
	})
}

// A verb that waits to try again ends with its context.
func TestRetryEndsWithTheContext(t *testing.T) {
	bubble(t, Config{}, func(w *fixture) {
		token := w.issue(login())
		time.Sleep(4 * day)
		p := w.process()
		ctx, cancel := context.WithCancel(w.Context())
		p.Intercept(func(ctx context.Context, c storetest.Call, do func(context.Context) error) error {
			if c.N == 2 {
				_, _ = w.unrecorded.Touch(w.Context(), token)
				defer cancel()
			}
			return do(ctx)
		})
		_, _, err := p.Rotate(ctx, token)
		w.want("rotate", err, context.Canceled)
		w.wantCheck("after it", token, nil)
	})
}
