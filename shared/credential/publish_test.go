package credential

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/store"
	"wechatfn/shared/store/storetest"
	"wechatfn/shared/wechat"
)

func TestPublishedTicketAgreesWithTheRecord(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		renewer := f.renewer()
		_, _ = renewer.Force(t.Context(), f.account) // so that the ticket is not of the first epoch
		f.tick(renewer)
		time.Sleep(7100 * time.Second)
		f.tick(renewer)
		time.Sleep(100 * time.Second) // the new ticket was made at some time between the two polls
		f.tick(renewer)
		record := f.record()
		item, err := f.store.Get(t.Context(), ticketKey(testAppID, wechat.JSAPI))
		var p publishedTicket
		if err != nil || item.Decode(&p) != nil {
			t.Fatal(err)
		}
		state := record.Tickets[wechat.JSAPI]
		if p.ExpiresAt != state.ExpiresAt || p.Epoch != record.Lease.Epoch || item.Version != state.Published {
			t.Errorf("published %+v of version %s, in the record %+v of epoch %d", p, item.Version, state, record.Lease.Epoch)
		}
		if item.ExpiresAt.Unix() != state.ExpiresAt {
			t.Errorf("the item expires at %v", item.ExpiresAt)
		}
	})
}

// sameTicket is a WeChat that answers one ticket only.
type sameTicket struct {
	WeChat
	expiresIn time.Duration
	calls     int
}

func (s *sameTicket) Ticket(context.Context, string, wechat.TicketType) (wechat.Ticket, error) {
	s.calls++
	return wechat.Ticket{Value: "the same", ExpiresIn: s.expiresIn}, nil
}

func TestEarlierExpiryIsPublished(t *testing.T) {
	bubble(t, nextTicketEarly, func(t *testing.T, f *fixture) {
		renewer := f.renewer()
		same := &sameTicket{WeChat: renewer.weChat, expiresIn: 7200 * time.Second}
		renewer.weChat = same
		f.tick(renewer)
		same.expiresIn = 600 * time.Second
		time.Sleep(time.Minute)
		known := f.tick(renewer).Tickets[wechat.JSAPI].ExpiresAt
		if want := time.Now().Add(same.expiresIn).Unix(); known != want {
			t.Errorf("expiry %d, want %d", known, want)
		}
		if _, expiry, err := f.reader(nil).Ticket(t.Context(), testAppID, wechat.JSAPI); err != nil || expiry.Unix() != known {
			t.Errorf("handed out until %v, known expiry %v, %v", expiry, time.Unix(known, 0), err)
		}
	})
}

func TestTicketOfALaterEpochIsNotOverwritten(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		later := publishedTicket{Ticket: "later", ExpiresAt: time.Now().Add(time.Hour).Unix(), Epoch: math.MaxInt64}
		if _, err := f.store.Create(t.Context(), later.item(ticketKey(testAppID, wechat.JSAPI))); err != nil {
			t.Fatal(err)
		}
		if _, err := f.renewer().Tick(t.Context(), f.account); !errors.Is(err, ErrLeaseLost) {
			t.Errorf("got %v", err)
		}
		if value, _, _ := f.reader(nil).Ticket(t.Context(), testAppID, wechat.JSAPI); value != "later" {
			t.Error("the later ticket was overwritten")
		}
	})
}

func TestTicketIsPublishedThoughTheContextEnds(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := f.intercept(&interceptor{afterTicket: cancel}).Tick(ctx, f.account); err != nil {
			t.Error(err)
		}
		f.wantTicket(f.reader(nil))
	})
}

// Somebody else writes the published item after it was read.
func TestPublishTriesAgainAfterAConflict(t *testing.T) {
	bubble(t, wechatsim.Switches{}, func(t *testing.T, f *fixture) {
		key := ticketKey(testAppID, wechat.JSAPI)
		item, err := f.store.Create(t.Context(), store.Item{Key: key, Value: []byte("{}")})
		if err != nil {
			t.Fatal(err)
		}
		written := false
		renewer := f.intercept(&interceptor{beforeReplace: func(replaced string) error {
			if replaced != key || written {
				return nil
			}
			written = true
			_, err := f.store.Replace(t.Context(), item)
			return err
		}})
		if _, err := renewer.Tick(t.Context(), f.account); err != nil {
			t.Error(err)
		}
		f.wantTicket(f.reader(nil))
	})
}

func TestFailureToPublishOneTicketDoesNotStopTheOther(t *testing.T) {
	bubble(t, nextTicketEarly, func(t *testing.T, f *fixture) {
		f.account.Tickets = []wechat.TicketType{wechat.WXCard, wechat.JSAPI}
		f.store.Intercept(func(ctx context.Context, c storetest.Call, do func(context.Context) error) error {
			if c.Verb == "create" && c.Item.Key == ticketKey(testAppID, wechat.WXCard) {
				return errStoreDown
			}
			return do(ctx)
		})
		renewer := f.renewer()
		for range 60 {
			if _, err := renewer.Tick(t.Context(), f.account); !errors.Is(err, errStoreDown) && !errors.Is(err, nil) {
				t.Errorf("tick: %v", err)
			}
			time.Sleep(time.Minute)
		}
		record := f.record()
		if record.Tickets[wechat.JSAPI].Published == "" || record.Lease.Owner != "" || record.Tickets[wechat.WXCard].Failure.Op != "publish" {
			t.Errorf("%+v", record)
		}
		f.wantTicket(f.reader(nil))
	})
}

// interceptor calls a function before or after some calls of a Renewer to its store
// and to WeChat.
type interceptor struct {
	store.Store
	WeChat
	beforeReplace func(key string) error
	afterTicket   func()
}

func (i *interceptor) Replace(ctx context.Context, item store.Item) (store.Item, error) {
	if i.beforeReplace != nil {
		if err := i.beforeReplace(item.Key); err != nil {
			return store.Item{}, err
		}
	}
	return i.Store.Replace(ctx, item)
}

func (i *interceptor) Ticket(ctx context.Context, token string, typ wechat.TicketType) (wechat.Ticket, error) {
	ticket, err := i.WeChat.Ticket(ctx, token, typ)
	if i.afterTicket != nil {
		i.afterTicket()
	}
	return ticket, err
}

// intercept returns a Renewer whose calls go through i.
func (f *fixture) intercept(i *interceptor) *Renewer {
	renewer := f.renewer()
	i.Store, i.WeChat = f.store, renewer.weChat
	renewer.store, renewer.weChat = i, i
	return renewer
}
