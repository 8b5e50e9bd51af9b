package miniprogram

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"wechatfn/shared/session"
)

// Whatever is posted, and with whatever token, nobody is logged in without a code of
// WeChat's, and each answer is a problem of ours.
func FuzzRequests(fuzz *testing.F) {
	f := newFixture(fuzz)
	for _, seed := range []string{
		"", "null", "{}", "[]", `{"code":"x"}`, `{"code":"x","rawData":"{}","signature":"` + strings.Repeat("0", 40) + `"}`, `{"CODE":"x","code":5}`,
		`{"code":"x","encryptedData":"AAAAAAAAAAAAAAAAAAAAAA==","iv":"AAAAAAAAAAAAAAAAAAAAAA==","sku":"a","device":"b"}`,
	} {
		fuzz.Add(seed, strings.Repeat("Q", session.TokenLength))
	}
	fuzz.Fuzz(func(t *testing.T, body, token string) {
		for _, path := range []string{"login", "decrypt", "phone"} {
			r := httptest.NewRequest("POST", "/miniprogram/"+path, strings.NewReader(body))
			r.Header.Set("Authorization", "Bearer "+token)
			got := httptest.NewRecorder()
			f.handler.ServeHTTP(got, r)
			if got.Code != 400 && got.Code != 401 && got.Code != 413 || !strings.Contains(got.Body.String(), `"type":"urn:wechatfn:problem:`) {
				t.Errorf("%s %q: %d %s", path, body, got.Code, got.Body)
			}
		}
		f.log.Reset()
	})
}

// What was decrypted is JSON, whatever it is. Data whose time is too far from now is refused.
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
			t.Errorf("accepted, %d s off: %s", off, d.JSON)
		}
	})
}
