package wechatsim

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"
)

// VerifySignature checks a JS-SDK signature as WeChat's client does after wx.config. pageURL is the
// address in the browser, timestamp is in Unix seconds. Any ticket that is accepted now is valid.
// The error has WeChat's text, and then what the simulator knows about it.
// https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/JS-SDK.html (appendix 1 and 5)
func (s *Sim) VerifySignature(appID, pageURL, nonce string, timestamp int64, signature string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.verify(appID, pageURL, nonce, timestamp, signature, s.now())
}

// verifyTicket searches for the ticket of a signature.
func (s *Sim) verifyTicket(appID, page, nonce string, timestamp int64, signature string, now time.Time) error {
	why := "ticket, nonce, timestamp or URL differ from what was signed"
	for _, t := range s.tickets(appID, "jsapi") {
		if sign(t.Value, nonce, timestamp, page) != signature {
			continue
		}
		if now.Before(t.Accepted) {
			return nil
		}
		why = fmt.Sprintf("the ticket ended %v ago", now.Sub(t.Accepted).Round(time.Second))
	}
	return wxError(now, 63002, "invalid signature", why)
}

// sign is a second implementation on purpose: sharing the code under test would prove nothing.
func sign(ticket, nonce string, timestamp int64, page string) string {
	sum := sha1.Sum([]byte("jsapi_ticket=" + ticket + "&noncestr=" + nonce +
		"&timestamp=" + strconv.FormatInt(timestamp, 10) + "&url=" + page))
	return hex.EncodeToString(sum[:])
}

func wxError(now time.Time, code int, text, why string) error {
	at := now.In(time.FixedZone("CST", 8*60*60)).Format("20060102 15:04:05")
	return fmt.Errorf("config:fail,Error: 系统错误,错误码:%d,%s [%s][] (wechatsim: %s)", code, text, at, why)
}
