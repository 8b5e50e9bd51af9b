package app

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/config"
	"wechatfn/shared/lambdahttp"
	"wechatfn/shared/store/sqlite"
	"wechatfn/shared/wechat"
)

var pages = flag.Int("pages", 5_000, "distinct pages to sign in TestMemoryStaysFlat")

// P16: memory does not grow with the number of distinct pages, in either cache
// mode. The whole function runs: event bytes in, response bytes out.
func TestMemoryStaysFlat(t *testing.T) {
	for _, mode := range []string{config.CacheNone, config.CacheTable} {
		t.Run(mode, func(t *testing.T) {
			function := warmFunction(t, mode)
			sign(t, function, 0, *pages/10) // pools and caches fill
			heap, rss := memory(t)
			sign(t, function, *pages/10, *pages)
			heapAfter, rssAfter := memory(t)
			t.Logf("%d pages: heap %d -> %d KiB, resident %d -> %d KiB", *pages, heap>>10, heapAfter>>10, rss>>10, rssAfter>>10)
			if grown := heapAfter - heap; grown > 2<<20 {
				t.Errorf("the heap grew by %d KiB", grown>>10)
			}
			// Below so many pages the runtime's own slack, and the race detector's, is
			// all that it would measure.
			if grown := rssAfter - rss; grown > 32<<20 && *pages >= 100_000 {
				t.Errorf("resident memory grew by %d KiB", grown>>10)
			}
		})
	}
}

func warmFunction(t testing.TB, cache string) *lambdahttp.Handler {
	t.Helper()
	values := map[string]string{"WECHAT_APP_ID": "wx0123456789abcdef", "WECHAT_APP_SECRET": "s", "ALLOWED_ORIGINS": "https://www.example.com", "SIGNATURE_CACHE": cache}
	c, err := config.Load(func(name string) string { return values[name] }, SignatureNeeds|RefresherNeeds)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sqlite.Open(sqlite.Config{Path: filepath.Join(t.TempDir(), "db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	sim, err := wechatsim.New(wechatsim.Config{Apps: []wechatsim.App{{ID: "wx0123456789abcdef", Secret: "s"}}})
	if err != nil {
		t.Fatal(err)
	}
	client, err := wechat.New(wechat.Config{BaseURL: wechat.DefaultBaseURL, HTTPClient: sim.Client()})
	if err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.NewJSONHandler(io.Discard, nil))
	refresher, err := NewRefresher(c, db, client, c.Secret, logger)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := refresher.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	handler, err := Signature(c, db, nil, logger)
	if err != nil {
		t.Fatal(err)
	}
	return lambdahttp.New(handler, lambdahttp.Options{Logger: logger})
}

// event is an API Gateway event with a page in its place.
const pageEvent = `{"version":"2.0","rawPath":"/signature","rawQueryString":"url=https%%3A%%2F%%2Fwww.example.com%%2Fitem%%2F%d%%3Ffrom%%3Dtimeline",` +
	`"headers":{"host":"api.example.com"},"requestContext":{"http":{"method":"GET","path":"/signature","sourceIp":"203.0.113.1"},"requestId":"r"},"isBase64Encoded":false}`

func sign(t *testing.T, function *lambdahttp.Handler, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		answer, err := function.Invoke(t.Context(), fmt.Appendf(nil, pageEvent, i))
		if err != nil || !strings.Contains(string(answer), `"statusCode":200`) {
			t.Fatalf("page %d: %v %s", i, err, answer)
		}
	}
}

// memory is the live heap and the resident set, in bytes.
func memory(t *testing.T) (heap, rss int64) {
	t.Helper()
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc), resident(t)
}

// resident is 0 where the system does not tell.
func resident(t *testing.T) int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}
