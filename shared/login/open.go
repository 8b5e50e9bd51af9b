package login

import (
	"context"
	"errors"

	"wechatfn/shared/session"
)

// Opener opens the session of a login.
type Opener struct {
	Sessions *session.Sessions
	// Touch counts a login as a use of the session that it reuses, so that the session
	// does not expire just after the user logged in. It is for sessions with an idle
	// timeout: it costs a write when half of that has passed.
	Touch bool
}

// Opened is the session of a login.
type Opened struct {
	Token   string
	Session session.Session
	Reused  bool // Token is the one that came with the login
	NewUser bool // it is the first login of the user to this account
}

// maxReopens is how often a login opens another session when logins on other devices
// revoked the one that it has just listed.
const maxReopens = 5

// Open reuses the session of token if that is one of the same user, product and device:
// a client that logs in again and again must not push the user's other devices out.
// Otherwise it issues a session. token may be empty or anything.
//
// Store calls for a session that is reused: a Get, with Touch perhaps a Replace, and the
// calls that the comment of session.RecordLogin lists. For a new one: the calls that the
// comment of session.Issue lists, after that Get if there is a token. Errors: those of the
// two, see [Revoked].
func (o Opener) Open(ctx context.Context, l session.Login, token string) (Opened, error) {
	if token != "" {
		s, reused, err := o.reuse(ctx, l, token)
		if err != nil {
			return Opened{}, err
		}
		if reused {
			return Opened{Token: token, Session: s, Reused: true}, nil
		}
	}
	for try := 0; ; try++ {
		token, s, newUser, err := o.Sessions.Issue(ctx, l)
		if err == nil {
			return Opened{Token: token, Session: s, NewUser: newUser}, nil
		}
		if try == maxReopens || l.Seed != nil || !pushedOut(err) {
			return Opened{}, err
		}
	}
}

// pushedOut reports whether other logins at the same time revoked the session of this
// one. A login without a seed can then be issued again, as another session.
func pushedOut(err error) bool {
	revoked, ok := errors.AsType[*session.RevokedError](err)
	return ok && revoked.Reason == session.ReasonTooManyDevices
}

func (o Opener) reuse(ctx context.Context, l session.Login, token string) (session.Session, bool, error) {
	open := o.Sessions.Check
	if o.Touch {
		open = o.Sessions.Touch
	}
	s, err := open(ctx, token, l.SKU)
	if err != nil || s.AppID != l.AppID || s.OpenID != l.OpenID || s.Device != l.Device {
		return s, false, nil // not this user's; where the store fails, Issue fails too
	}
	err = o.Sessions.RecordLogin(ctx, l)
	if errors.Is(err, session.ErrNoUser) { // somebody deleted the user's item: Issue creates it again
		return s, false, nil
	}
	return s, err == nil, err
}

// Revoked reports whether an error says that the session of a login was revoked: the
// user logged out of all devices while the login was in progress, or logged in on too
// many others.
func Revoked(err error) bool {
	_, ok := errors.AsType[*session.RevokedError](err)
	return ok
}
