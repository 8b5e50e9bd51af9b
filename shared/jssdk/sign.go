// Package jssdk makes and serves the signatures that a page inside WeChat needs
// before it may use the JS-SDK.
package jssdk

import (
	"crypto/sha1"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// Sign returns the JS-SDK signature of a page: 40 hex digits. pageURL is the page's
// address, byte for byte as the browser reports it. Sign cuts the # and what follows,
// and changes nothing else. timestamp is in Unix seconds.
//
// Source: WeChat's JS-SDK documentation, appendix 1.
func Sign(ticket, nonceStr string, timestamp int64, pageURL string) string {
	buf := make([]byte, 0, 512)
	buf = append(buf, "jsapi_ticket="...)
	buf = append(buf, ticket...)
	buf = append(buf, "&noncestr="...)
	buf = append(buf, nonceStr...)
	buf = append(buf, "&timestamp="...)
	buf = strconv.AppendInt(buf, timestamp, 10)
	buf = append(buf, "&url="...)
	buf = append(buf, cutFragment(pageURL)...)
	return sha1Hex(buf)
}

// SignCard returns the signature of a card call: the values, api_ticket among
// them, sorted by their bytes and joined. Empty values make no difference.
//
// Source: WeChat's JS-SDK documentation, appendix 4.
func SignCard(values ...string) string {
	sorted := slices.Sorted(slices.Values(values))
	return sha1Hex([]byte(strings.Join(sorted, "")))
}

func cutFragment(pageURL string) string {
	before, _, _ := strings.Cut(pageURL, "#")
	return before
}

func sha1Hex(text []byte) string {
	sum := sha1.Sum(text)
	return hex.EncodeToString(sum[:])
}
