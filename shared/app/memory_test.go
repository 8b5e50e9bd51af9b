package app

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"wechatfn/shared/config"
	"wechatfn/shared/lambdahttp"
	"wechatfn/shared/store/sqlite"
)

var pages = flag.Int("pages", 5_000, "distinct pages to sign in TestMemoryStaysFlat")

// Memory does not grow with the number of distinct pages, with and without
// SIGNATURE_CACHE=table. The whole function runs, from the bytes of the event to those
// of the answer.
func TestMemoryStaysFlat(t *testing.T) {
	for _, mode := range []string{config.CacheNone, config.CacheTable} {
		t.Run(mode, func(t *testing.T) {
			function := warmFunction(t, mode)
			sign(t, function, 0, *pages/10) // fills pools and caches
			heap, rss := memory(t)
			sign(t, function, *pages/10, *pages)
			heapAfter, rssAfter := memory(t)
			t.Logf("%d pages: heap %d -> %d KiB, resident %d -> %d KiB", *pages, heap>>10, heapAfter>>10, rss>>10, rssAfter>>10)
			if growth := heapAfter - heap; growth > 2<<20 {
				t.Errorf("the heap grew by %d KiB", growth>>10)
			}
			// With fewer pages this would measure what the runtime and the race detector
			// reserve, and nothing else.
			if growth := rssAfter - rss; growth > 32<<20 && *pages >= 100_000 {
				t.Errorf("resident memory grew by %d KiB", growth>>10)
			}
		})
	}
}

// warmFunction returns a signature function whose account has a ticket.
func warmFunction(t testing.TB, cache string) *lambdahttp.Handler {
	t.Helper()
	c := load(t, map[string]string{
		"WECHAT_APP_ID": "wx0123456789abcdef", "WECHAT_APP_SECRET": "s", "ALLOWED_ORIGINS": "https://www.example.com", "SIGNATURE_CACHE": cache,
	}, SignatureNeeds|RefresherNeeds)
	deps, _ := newDeps(t, c)
	db, err := sqlite.Open(sqlite.Config{Path: filepath.Join(t.TempDir(), "db")}) // in a file: it is no memory of the function
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	deps.Store = db
	refresher, err := Refresher(c, deps)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := refresher.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	handler, err := Signature(c, deps)
	if err != nil {
		t.Fatal(err)
	}
	return lambdahttp.New(handler, lambdahttp.Options{Logger: deps.Logger})
}

// pageEvent is an API Gateway event, with a number in the URL of the page.
const pageEvent = `{"version":"2.0","rawPath":"/signature","rawQueryString":"url=https%%3A%%2F%%2Fwww.example.com%%2Fitem%%2F%d%%3Ffrom%%3Dtimeline",` +
	`"headers":{"host":"api.example.com"},"requestContext":{"http":{"method":"GET","path":"/signature","sourceIp":"203.0.113.1"},"requestId":"r"},"isBase64Encoded":false}`

// sign asks for the signatures of the pages with the numbers from to to-1.
func sign(t *testing.T, function *lambdahttp.Handler, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		answer, err := function.Invoke(t.Context(), fmt.Appendf(nil, pageEvent, i))
		if err != nil || !strings.Contains(string(answer), `"statusCode":200`) {
			t.Fatalf("page %d: %v %s", i, err, answer)
		}
	}
}

// memory returns the size of the heap after a garbage collection, and that of the
// resident set, in bytes.
func memory(t *testing.T) (heap, rss int64) {
	t.Helper()
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc), resident(t)
}

// resident returns 0 on systems that have no /proc/self/statm.
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
