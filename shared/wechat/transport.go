package wechat

import (
	"net"
	"net/http"
	"net/url"
	"time"
)

// Limits of one attempt. Five-second defaults are known to be tight with WeChat, so a call that
// may be repeated gets a second attempt instead of a longer first one.
const (
	connectTimeout = 2 * time.Second
	attemptTimeout = 5 * time.Second
	maxBody        = 64 << 10
)

// httpClient prepares given, or a client of our own, so that redirects come back as answers: to
// follow one would hand the secrets in the query to wherever it points.
func httpClient(given *http.Client, proxy *url.URL) *http.Client {
	c := http.Client{}
	if given != nil {
		c = *given
	} else {
		c.Transport = transport(proxy)
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// transport speaks HTTP/1.1, where one request is one exchange, so that this package alone decides about retries.
// Idle connections are dropped after 30 s of wall time: a Lambda function is frozen between ticks,
// and would otherwise wake up holding a connection that WeChat closed long ago.
func transport(proxy *url.URL) *http.Transport {
	t := &http.Transport{
		DialContext:            (&net.Dialer{Timeout: connectTimeout}).DialContext,
		MaxIdleConns:           4,
		MaxIdleConnsPerHost:    4,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: maxBody,
	}
	if proxy != nil {
		t.Proxy = http.ProxyURL(proxy)
	}
	return t
}
