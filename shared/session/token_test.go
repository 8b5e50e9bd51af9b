package session

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
)

func TestMalformedTokens(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		good := w.issue(login())
		w.table.Take()
		for name, text := range map[string]string{
			"empty": "", "short": good[1:], "long": good + "A", "padded": good + "==", "space": " " + good[1:],
			"line break": good[:10] + "\n" + good[11:], "line break more": good + "\n", "carriage return": good[:63] + "\r",
			"plus": "+" + good[1:], "slash": "/" + good[1:], "pipe": "|" + good[1:], "NUL": "\x00" + good[1:],
			"not ASCII": "é" + good[2:], "huge": strings.Repeat("A", 1<<20), "wildcard": strings.Repeat("*", TokenLength),
		} {
			_, err := w.Check(w.Context(), text)
			w.want(name, err, ErrNoSession)
			_, _, err = w.Rotate(w.Context(), text)
			w.want(name, err, ErrNoSession)
			w.want(name, w.Revoke(w.Context(), text), ErrNoSession)
		}
		w.wantCalls("malformed tokens", "")
		w.wantCheck("unknown family", strings.Repeat("A", TokenLength), ErrNoSession)
		w.wantCheck("the good one after all", good, nil)
	})
}

func TestTokensAreStoredHashed(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		token := w.issue(seeded(login()))
		raw, _ := base64.RawURLEncoding.DecodeString(token)
		item, err := w.table.Store.Get(w.Context(), sessionKey(idOf(token)))
		if err != nil {
			w.Fatal(err)
		}
		user, _ := w.table.Store.Get(w.Context(), userKey(testAppID, testOpenID))
		kept := item.Key + string(item.Value) + user.Key + string(user.Value)
		family := base64.RawURLEncoding.EncodeToString(raw[:familyBytes])
		secret := base64.RawURLEncoding.EncodeToString(raw[familyBytes:])
		for _, part := range []string{token, family, secret, string(testSeed)} {
			if strings.Contains(kept, part) {
				w.Errorf("%q is stored", part)
			}
		}
	})
}

// Seeds make tokens, each its own, and those of nobody else.
func TestDerive(t *testing.T) {
	seen := map[string]bool{}
	l := seeded(login())
	for _, change := range []func(*Login){
		func(*Login) {},
		func(l *Login) { l.AppID = otherAppID },
		func(l *Login) { l.OpenID += "x" },
		func(l *Login) { l.SKU = "coffee" },
		func(l *Login) { l.Seed = bytes.Repeat([]byte{1}, seedBytes) },
	} {
		l := l
		change(&l)
		a, b := derive(l), derive(l)
		if a != b || seen[a.id()] || seen[a.secretHash()] {
			t.Errorf("%x, %x", a, b)
		}
		seen[a.id()], seen[a.secretHash()] = true, true
	}
	if got, want := derive(l).text(), vector; got != want {
		t.Errorf("the token of the seed is %s, was %s", got, want)
	}
}

// vector was made with the openssl command line:
//
//	openssl kdf -keylen 16 -kdfopt digest:SHA256 -kdfopt key:"$seed" -kdfopt info:"wechatfn session family $who" HKDF
const vector = "Su6KBFc34IIyrmFqKqdDdwgCS0ngIPlw8VO3OQPyj-P3uNR6Udh91Y8PkYZEiDyy"

type noRand struct{}

func (noRand) Read([]byte) (int, error) { return 0, errors.New("no entropy") }

func TestNoRandomBytes(t *testing.T) {
	bubble(t, Config{}, func(w *world) {
		token := w.issue(login())
		w.cfg.Rand = noRand{}
		p := w.process()
		if _, _, _, err := p.Issue(w.Context(), login()); err == nil {
			w.Error("issued")
		}
		if _, _, err := p.Rotate(w.Context(), token); err == nil {
			w.Error("rotated")
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

// Whatever the bytes of a token are, it opens no session but its own.
func FuzzCheck(f *testing.F) {
	w := newWorld(f, Config{})
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
