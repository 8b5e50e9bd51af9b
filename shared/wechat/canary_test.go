package wechat_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"unicode/utf8"

	"wechatfn/shared/wechat"
)

// canary is a secret whose spellings differ in a query, in JSON and when quoted.
const canary = "canary+7k3z&<\"é"

// spelled finds a canary however it is written: its first letters need no escaping. No part of it is
// hexadecimal, as %#v prints addresses.
func spelled(s string) bool { return strings.Contains(s, "canary") || strings.Contains(s, "7k3z") }

// leaks prints an error in every way a logger might, down its chain.
func leaks(err error) string {
	var b bytes.Buffer
	slog.New(slog.NewJSONHandler(&b, nil)).Error("x", "err", err)
	slog.New(slog.NewTextHandler(&b, nil)).Error("x", "err", err)
	for e := err; e != nil; e = errors.Unwrap(e) {
		fmt.Fprintf(&b, "%v %+v %#v %q\n", e, e, e, e)
	}
	if spelled(b.String()) {
		return b.String()
	}
	return ""
}

var canaryVerbs = []struct {
	name string
	call func(context.Context, *wechat.Client) error
}{
	{"stable", func(ctx context.Context, c *wechat.Client) error {
		_, err := c.StableToken(ctx, "wx1", canary, false)
		return err
	}},
	{"classic", func(ctx context.Context, c *wechat.Client) error {
		_, err := c.ClassicToken(ctx, "wx1", canary)
		return err
	}},
	{"ticket", func(ctx context.Context, c *wechat.Client) error {
		_, err := c.Ticket(ctx, canary, wechat.JSAPI)
		return err
	}},
	{"clear", func(ctx context.Context, c *wechat.Client) error { return c.ClearQuota(ctx, "wx1", canary) }},
	{"callback", func(ctx context.Context, c *wechat.Client) error {
		_, err := c.CallbackIPs(ctx, canary)
		return err
	}},
	{"exchange", func(ctx context.Context, c *wechat.Client) error {
		_, err := c.ExchangeCode(ctx, "wx1", canary, "canary-code")
		return err
	}},
	{"exchange code", func(ctx context.Context, c *wechat.Client) error {
		_, err := c.ExchangeCode(ctx, "wx1", "SECRET", canary)
		return err
	}},
	{"refresh user", func(ctx context.Context, c *wechat.Client) error {
		_, err := c.RefreshUserToken(ctx, "wx1", canary)
		return err
	}},
	{"user info", func(ctx context.Context, c *wechat.Client) error {
		_, err := c.UserInfo(ctx, canary, "canary-openid", "en")
		return err
	}},
	{"check user", func(ctx context.Context, c *wechat.Client) error {
		return c.CheckUserToken(ctx, canary, "canary-openid")
	}},
	{"mini session", func(ctx context.Context, c *wechat.Client) error {
		_, err := c.CodeToSession(ctx, "wx1", canary, "canary-code")
		return err
	}},
	{"mini code", func(ctx context.Context, c *wechat.Client) error {
		_, err := c.CodeToSession(ctx, "wx1", "SECRET", canary)
		return err
	}},
	{"phone", func(ctx context.Context, c *wechat.Client) error {
		_, err := c.PhoneNumber(ctx, canary, "canary-code", "canary-openid")
		return err
	}},
	{"phone code", func(ctx context.Context, c *wechat.Client) error {
		_, err := c.PhoneNumber(ctx, "TOKEN", canary, "")
		return err
	}},
	{"phone openid", func(ctx context.Context, c *wechat.Client) error {
		_, err := c.PhoneNumber(ctx, "TOKEN", "CODE", canary)
		return err
	}},
	{"check session openid", func(ctx context.Context, c *wechat.Client) error {
		return c.CheckSessionKey(ctx, "TOKEN", canary, "KEY")
	}},
	{"check session", func(ctx context.Context, c *wechat.Client) error {
		return c.CheckSessionKey(ctx, "canary-token", "canary-openid", canary)
	}},
	{"reset session", func(ctx context.Context, c *wechat.Client) error {
		_, err := c.ResetSessionKey(ctx, canary, "canary-openid", "canary-key")
		return err
	}},
}

// TestNoSecretInErrors plants the secret in whatever comes back, for every call.
func TestNoSecretInErrors(t *testing.T) {
	echo := canary + " " + url.QueryEscape(canary) + " " + url.PathEscape(canary)
	inJSON := strings.ReplaceAll(canary, `"`, `\"`)
	for _, row := range []struct {
		name   string
		answer func(*http.Request) (*http.Response, error)
	}{
		{"transport with URL", func(r *http.Request) (*http.Response, error) {
			return nil, &url.Error{Op: "Get", URL: r.URL.String(), Err: errors.New("broken: " + echo)}
		}},
		{"nested URL errors", func(r *http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("a: %w", &url.Error{Op: "Get", URL: r.URL.String(), Err: io.EOF})
		}},
		{"quoted answer", func(*http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("malformed HTTP response %q", "x "+canary)
		}},
		{"timeout", silent},
		{"HTTP 500", body(500, "GET /?secret="+echo)},
		{"HTTP 400", body(400, echo)},
		{"garbage", body(200, echo)},
		{"HTML", body(200, "<html>"+echo)},
		{"errmsg", body(200, `{"errcode":40125,"errmsg":"bad `+inJSON+` in `+url.QueryEscape(canary)+`"}`)},
		{"busy errmsg", body(200, `{"errcode":-1,"errmsg":"`+inJSON+`"}`)},
		{"errmsg no text", body(200, `{"errcode":40125,"errmsg":{"secret":"`+inJSON+`"}}`)},
		{"odd success", body(200, `{"access_token":"`+inJSON+`","ticket":"`+inJSON+`","ip_list":"`+inJSON+`","expires_in":"`+inJSON+`",
			"openid":"`+inJSON+`","session_key":"`+inJSON+`","phone_info":{"phoneNumber":"","countryCode":"`+inJSON+`"}}`)},
		{"impossible lifetime", body(200, `{"access_token":"`+inJSON+`","ticket":"`+inJSON+`","expires_in":0}`)},
		{"cut off", reader(200, io.MultiReader(strings.NewReader(echo),
			errReader{&url.Error{Op: "read", URL: echo, Err: errors.New(echo)}}))},
		{"redirect", func(r *http.Request) (*http.Response, error) {
			res, _ := body(302, echo)(r)
			res.Header.Set("Location", "http://elsewhere.example/?"+r.URL.RawQuery+"&"+url.QueryEscape(canary))
			return res, nil
		}},
		{"redirect to nonsense", func(r *http.Request) (*http.Response, error) {
			res, _ := body(302, echo)(r)
			res.Header.Set("Location", "http://%zz/"+canary)
			return res, nil
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, verb := range canaryVerbs {
				synctest.Test(t, func(t *testing.T) {
					c, f := clientOf(t, row.answer)
					err := verb.call(t.Context(), c)
					if err == nil && verb.name != "clear" {
						t.Errorf("%s, %s: no error", row.name, verb.name)
					}
					if err != nil && (strings.Contains(err.Error(), "/cgi-bin/") || strings.Contains(err.Error(), "/sns/") || strings.Contains(err.Error(), "/wxa/")) {
						t.Errorf("%s, %s shows the URL: %v", row.name, verb.name, err)
					}
					if text := leaks(err); text != "" {
						t.Errorf("%s, %s leaks: %s", row.name, verb.name, text)
					}
					if row.name == "redirect" && len(f.seen) != 1 {
						t.Errorf("%s, %s: %d requests", row.name, verb.name, len(f.seen))
					}
				})
			}
		})
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

// TestMessageStaysUseful: what is not secret survives.
func TestMessageStaysUseful(t *testing.T) {
	c, _ := clientOf(t, body(200, "{\"errcode\":40164,\"errmsg\":\"invalid ip 1.2.3.4 \n for SECRET, not in whitelist\"}"))
	_, err := c.StableToken(t.Context(), "wx1", "SECRET", false)
	var e *wechat.Error
	if !errors.As(err, &e) || e.Message != "invalid ip 1.2.3.4   for [redacted], not in whitelist" || e.IP() != "1.2.3.4" {
		t.Errorf("%v", err)
	}
}

func TestLongMessageIsCut(t *testing.T) {
	c, _ := clientOf(t, body(200, `{"errcode":1,"errmsg":"`+strings.Repeat("系", 5000)+`"}`))
	_, err := c.StableToken(t.Context(), "wx1", "SECRET", false)
	var e *wechat.Error
	if !errors.As(err, &e) || len(e.Message) > 515 || !utf8.ValidString(e.Message) || !strings.HasSuffix(e.Message, "系...") {
		t.Errorf("%v", err)
	}
}

// TestCredentialsDoNotPrint, not even where somebody logs the value itself.
func TestCredentialsDoNotPrint(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&b, nil))
	for _, v := range []any{wechat.Token{Value: canary}, wechat.Ticket{Value: canary}, &wechat.Token{Value: canary},
		wechat.UserToken{AccessToken: canary, RefreshToken: canary, OpenID: canary, UnionID: canary, Scope: canary},
		wechat.MiniSession{OpenID: canary, UnionID: canary, SessionKey: canary}, &wechat.MiniSession{SessionKey: canary},
		wechat.Phone{PhoneNumber: canary, PurePhoneNumber: canary, AppID: canary}} {
		fmt.Fprintf(&b, "%v %+v %#v %s %q %d %x\n", v, v, v, v, v, v, v)
		log.Info("x", "v", v)
	}
	if spelled(b.String()) || !strings.Contains(b.String(), "[redacted]") {
		t.Error(b.String())
	}
}
