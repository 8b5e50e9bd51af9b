package miniprogram

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"wechatfn/shared/session"
)

// Whatever is posted, and with whatever token, nobody gets in without a code of
// WeChat's, and nothing is answered that is no problem of ours.
func FuzzRequests(f *testing.F) {
	w := newWorld(f)
	for _, seed := range []string{
		"", "null", "{}", "[]", `{"code":"x"}`, `{"code":"x","rawData":"{}","signature":"` + strings.Repeat("0", 40) + `"}`, `{"CODE":"x","code":5}`,
		`{"code":"x","encryptedData":"AAAAAAAAAAAAAAAAAAAAAA==","iv":"AAAAAAAAAAAAAAAAAAAAAA==","sku":"a","device":"b"}`,
	} {
		f.Add(seed, strings.Repeat("Q", session.TokenLength))
	}
	f.Fuzz(func(t *testing.T, body, token string) {
		for _, path := range []string{"login", "decrypt", "phone"} {
			r := httptest.NewRequest("POST", "/miniprogram/"+path, strings.NewReader(body))
			r.Header.Set("Authorization", "Bearer "+token)
			got := httptest.NewRecorder()
			w.handler.ServeHTTP(got, r)
			if got.Code != 400 && got.Code != 401 && got.Code != 413 || !strings.Contains(got.Body.String(), `"type":"urn:wechatfn:problem:`) {
				t.Errorf("%s %q: %d %s", path, body, got.Code, got.Body)
			}
		}
		w.log.Reset()
	})
}

// What was decrypted reaches the client as JSON, whatever it is, and a time that is
// too far from now does not.
func FuzzPlain(f *testing.F) {
	for _, seed := range []string{`"nickName":"a",`, `"nickName":"\u0000",`, "\"a\":\"\xff\",", `"watermark":5,`, `"openId":"o",`} {
		f.Add(seed, int64(0))
	}
	f.Add("", int64(601))
	f.Fuzz(func(t *testing.T, fields string, off int64) {
		if len(fields) > 4096 {
			return
		}
		d, err := Decrypt(testKey, seal(pad(marked(fields))), testIV, Watermark{AppID: "wx1", Now: made.Add(time.Duration(off) * time.Second), Age: testDataAge})
		if err == nil && (off > 600 || off < -600) && off < 1e9 && off > -1e9 {
			t.Errorf("taken, %d s off: %s", off, d.JSON)
		}
	})
}
