package session

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"wechatfn/shared/store"
	"wechatfn/shared/store/storetest"
)

// printed is v in all ways to print it.
func printed(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	fmt.Fprintf(&b, "%v %+v %#v %s %q %x %d\n", v, v, v, v, v, v, v)
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "v", v)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "v", v)
	text, err := json.Marshal(v)
	if err != nil {
		t.Error(err)
	}
	b.Write(text)
	return b.String()
}

// Nothing that is printed, logged or sent contains a token, a part of one, or a seed.
func TestNoSecretIsPrinted(t *testing.T) {
	type output struct{ name, text string }
	var outputs []output
	secrets := []string{"canary-access", "canary-refresh", "canary-session-key", "canary-seed", fmt.Sprintf("%x", "canary-access"), fmt.Sprintf("%x", testSeed), fmt.Sprint(testSeed)}
	bubble(t, Config{MaxDevices: 1}, func(w *fixture) {
		ctx, l := w.Context(), seeded(login())
		l.Tokens = &Tokens{AccessToken: "canary-access", RefreshToken: "canary-refresh", SessionKey: "canary-session-key"}
		token, s, _, err := w.Issue(ctx, l)
		w.want("issue", err, nil)
		next, s2, err := w.Rotate(ctx, token)
		w.want("rotate", err, nil)
		u := w.stored()
		outputs = []output{
			{"login", printed(t, l)}, {"pointer to a login", printed(t, &l)}, {"session", printed(t, s)}, {"rotated session", printed(t, s2)},
			{"user", printed(t, u)}, {"pointer to a user", printed(t, &u)}, {"tokens", printed(t, u.Tokens)},
			{"pointer to tokens", printed(t, &u.Tokens)}, {"errors", printed(t, w.everyError(next))},
		}
		for _, text := range []string{token, next} {
			t, _ := parse(text)
			secrets = append(secrets, text, text[:20], text[24:], t.secretHash(), fmt.Sprintf("%x", t[:]), fmt.Sprint(t[familyBytes:]))
		}
		if out := printed(t, u.Tokens); strings.Count(out, "[redacted]") != 10 {
			w.Error(out)
		}
	})
	for _, out := range outputs {
		t.Run(out.name, func(t *testing.T) {
			for _, secret := range secrets {
				if strings.Contains(out.text, secret) {
					t.Errorf("it shows %q:\n%s", secret, out.text)
				}
			}
		})
	}
}

// everyError are the errors of all verbs when their nth call fails.
func (w *fixture) everyError(token string) (all []string) {
	for _, a := range append(actions,
		action{name: "user", do: func(sc scene, p *process) error { _, err := p.User(sc.Context(), testAppID, testOpenID); return err }},
		action{name: "openids", do: func(sc scene, p *process) error { _, err := p.OpenIDs(sc.Context(), testUnionID); return err }},
	) {
		for n := 1; n < 8; n++ {
			for _, broken := range []error{errors.New("broken"), store.ErrConflict} {
				p := w.process()
				p.Intercept(func(ctx context.Context, c storetest.Call, do func(context.Context) error) error {
					if c.N == n {
						return broken
					}
					return do(ctx)
				})
				if err := a.do(scene{w, token, token, token}, p); err != nil {
					all = append(all, err.Error())
				}
			}
		}
	}
	return all
}
