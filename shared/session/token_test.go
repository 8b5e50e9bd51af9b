package session

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

func TestMalformedTokensAreRefused(t *testing.T) {
	w := newFixture(t, Config{})
	good := w.issue(login())
	w.recorder.Take()
	for _, c := range []struct{ name, text string }{
		{"empty", ""}, {"short", good[1:]}, {"long", good + "A"}, {"padded", good + "=="}, {"space", " " + good[1:]},
		{"line break", good[:10] + "\n" + good[11:]}, {"line break at the end", good + "\n"}, {"carriage return", good[:63] + "\r"},
		{"plus", "+" + good[1:]}, {"slash", "/" + good[1:]}, {"pipe", "|" + good[1:]}, {"NUL", "\x00" + good[1:]},
		{"not ASCII", "é" + good[2:]}, {"huge", strings.Repeat("A", 1<<20)}, {"wildcard", strings.Repeat("*", TokenLength)},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := w.with(t)
			_, err := w.Check(w.Context(), c.text)
			w.want("check", err, ErrNoSession)
			_, _, err = w.Rotate(w.Context(), c.text)
			w.want("rotate", err, ErrNoSession)
			w.want("revoke", w.Revoke(w.Context(), c.text), ErrNoSession)
			w.wantCalls("a malformed token", "")
		})
	}
	w.wantCheck("unknown family", strings.Repeat("A", TokenLength), ErrNoSession)
	w.wantCheck("the valid one after them", good, nil)
}

func TestTokensAreStoredHashed(t *testing.T) {
	bubble(t, Config{}, func(w *fixture) {
		token := w.issue(seeded(login()))
		raw, _ := base64.RawURLEncoding.DecodeString(token)
		item, err := w.recorder.Store.Get(w.Context(), sessionKey(idOf(token)))
		if err != nil {
			w.Fatal(err)
		}
		user, _ := w.recorder.Store.Get(w.Context(), userKey(testAppID, testOpenID))
		stored := item.Key + string(item.Value) + user.Key + string(user.Value)
		family := base64.RawURLEncoding.EncodeToString(raw[:familyBytes])
		secret := base64.RawURLEncoding.EncodeToString(raw[familyBytes:])
		for _, part := range []string{token, family, secret, string(testSeed)} {
			if strings.Contains(stored, part) {
				w.Errorf("%q is stored", part)
			}
		}
	})
}

// Each seed, user, app and product has its own token, and always the same.
func TestDerivedTokensDiffer(t *testing.T) {
	seen := map[string]bool{}
	l := seeded(login())
	for _, c := range []struct {
		name   string
		change func(*Login)
	}{
		{"the login", func(*Login) {}},
		{"another app", func(l *Login) { l.AppID = otherAppID }},
		{"another user", func(l *Login) { l.OpenID += "x" }},
		{"another SKU", func(l *Login) { l.SKU = "coffee" }},
		{"another seed", func(l *Login) { l.Seed = bytes.Repeat([]byte{1}, seedBytes) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := l
			c.change(&l)
			a, b := deriveToken(l), deriveToken(l)
			if a != b || seen[a.id()] || seen[a.secretHash()] {
				t.Errorf("%x, %x", a, b)
			}
			seen[a.id()], seen[a.secretHash()] = true, true
		})
	}
	if got, want := deriveToken(l).text(), vector; got != want {
		t.Errorf("the token of the seed is %s, want %s", got, want)
	}
}

// vector was made with the openssl command line:
//
//	openssl kdf -keylen 16 -kdfopt digest:SHA256 -kdfopt key:"$seed" -kdfopt info:"wechatfn session family $who" HKDF
const vector = "Su6KBFc34IIyrmFqKqdDdwgCS0ngIPlw8VO3OQPyj-P3uNR6Udh91Y8PkYZEiDyy"

type noRand struct{}

func (noRand) Read([]byte) (int, error) { return 0, errors.New("no entropy") }

func TestIssueAndRotateFailWithoutRandomBytes(t *testing.T) {
	bubble(t, Config{}, func(w *fixture) {
		token := w.issue(login())
		w.cfg.Rand = noRand{}
		p := w.process()
		if _, _, _, err := p.Issue(w.Context(), login()); err == nil {
			w.Error("Issue succeeded")
		}
		if _, _, err := p.Rotate(w.Context(), token); err == nil {
			w.Error("Rotate succeeded")
		}
		w.wantCheck("after it", token, nil)
	})
}

func FuzzParse(f *testing.F) {
	f.Add(strings.Repeat("A", TokenLength))
	f.Add(vector)
	f.Add(strings.Repeat("A", TokenLength-1) + "\n")
	f.Fuzz(func(t *testing.T, text string) {
		parsed, ok := parse(text)
		if ok != (len(text) == TokenLength && strings.Trim(text, idLetters) == "") {
			t.Fatalf("%q: %v", text, ok)
		}
		if ok && parsed.text() != text {
			t.Fatalf("%q is also %q", text, parsed.text())
		}
	})
}

// A text opens no session unless it is the token of that session.
func FuzzCheck(f *testing.F) {
	w := newFixture(f, Config{})
	good := w.issue(login())
	f.Add(good[:21] + strings.Repeat("A", TokenLength-21))
	f.Fuzz(func(t *testing.T, text string) {
		s, err := w.Check(t.Context(), text)
		if err == nil && text != good {
			t.Fatalf("%q opened %+v", text, s)
		}
		if err != nil && text != "" && strings.Contains(err.Error(), text) && len(text) > 20 {
			t.Fatalf("the token is in the error: %v", err)
		}
	})
}
