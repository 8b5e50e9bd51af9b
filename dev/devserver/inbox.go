package devserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"wechatfn/dev/local"
	"wechatfn/shared/forward"
	"wechatfn/shared/message"
)

// inbox is the sink of a desk: it lists the messages that came, for the page and
// for the terminal. Before that it hands each to a local program, where there is
// one.
type inbox struct {
	forward *forward.Program // nil: nobody
	out     io.Writer
	now     func() time.Time

	mu       sync.Mutex
	received []received
	watchers map[chan received]bool
}

// received is one message as the page shows it.
type received struct {
	ID      int64           `json:"id"`
	At      time.Time       `json:"at"`
	App     string          `json:"app"`
	Type    string          `json:"type"`
	From    string          `json:"from"`
	Message json.RawMessage `json:"message"`
	Reply   string          `json:"reply,omitempty"` // of the local program
}

const (
	// kept is how many messages the page shows.
	kept = 100
	// behind is how many a page may lag behind before it is cut off; it comes back.
	behind = 64
)

func newInbox(out io.Writer, f *forward.Program, now func() time.Time) *inbox {
	return &inbox{forward: f, out: out, now: now, watchers: map[chan received]bool{}}
}

// Deliver implements message.Sink.
func (b *inbox) Deliver(ctx context.Context, m *message.Message) (reply []byte, err error) {
	if b.forward != nil {
		reply, err = b.forward.Send(ctx, m)
		if errors.Is(err, forward.ErrXMLReply) {
			fmt.Fprintf(b.out, "%s  %s: no reply: %v\n", local.Clock(b.now()), b.forward, err)
			err = nil
		}
		if err != nil {
			fmt.Fprintf(b.out, "%s  %s %s not taken: %v\n", local.Clock(b.now()), m.App, local.Printable(m.Type()), err)
			return nil, err
		}
	}
	fmt.Fprintf(b.out, "%s  %s %s from %s\n", local.Clock(b.now()), m.App, local.Printable(m.Type()), local.Printable(m.FromUserName))
	b.add(received{At: b.now(), App: m.App, Type: m.Type(), From: m.FromUserName, Message: m.JSON, Reply: shownReply(reply)})
	return reply, nil
}

func shownReply(reply []byte) string {
	if err := message.CheckReply(reply); err != nil {
		return "not usable: " + err.Error()
	}
	return string(reply)
}

func (b *inbox) add(r received) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r.ID = time.Now().UnixMilli() // greater than any before a restart, which a page may still show
	if n := len(b.received); n > 0 {
		r.ID = max(r.ID, b.received[n-1].ID+1)
	}
	b.received = append(b.received[max(0, len(b.received)-kept+1):], r)
	for watcher := range b.watchers {
		select {
		case watcher <- r:
		default: // the page does not keep up; it will ask again
			delete(b.watchers, watcher)
			close(watcher)
		}
	}
}

// watch returns what came after the message with that ID, and a channel of what
// comes from now on.
func (b *inbox) watch(after int64) ([]received, chan received) {
	b.mu.Lock()
	defer b.mu.Unlock()
	watcher := make(chan received, behind)
	b.watchers[watcher] = true
	var past []received
	for _, r := range b.received {
		if r.ID > after {
			past = append(past, r)
		}
	}
	return past, watcher
}

func (b *inbox) unwatch(watcher chan received) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.watchers, watcher)
}

// stream serves the messages as server-sent events: those that came, then each as
// it comes, until the page is closed or ended is.
func (b *inbox) stream(ended <-chan struct{}) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		var after int64
		_, _ = fmt.Sscan(r.Header.Get("Last-Event-ID"), &after) // 0 where there is none
		past, watcher := b.watch(after)
		defer b.unwatch(watcher)
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Cache-Control", "no-store")
		for _, one := range past {
			send(w, one)
		}
		_ = http.NewResponseController(w).Flush()
		for {
			select {
			case one, ok := <-watcher:
				if !ok {
					return nil
				}
				send(w, one)
				_ = http.NewResponseController(w).Flush()
			case <-r.Context().Done():
				return nil
			case <-ended:
				return nil
			}
		}
	}
}

// send writes one event. A page that has gone away is nobody to report to.
func send(w io.Writer, r received) {
	text, err := json.Marshal(r) // on one line, as an event must be
	if err == nil {
		_, _ = fmt.Fprintf(w, "id: %d\ndata: %s\n\n", r.ID, text)
	}
}
