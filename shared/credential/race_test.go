package credential

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"wechatfn/dev/wechatsim"
)

// P1: a thousand refreshers at once make one token call and one ticket call.
func TestThousandRefreshers(t *testing.T) {
	for seed := range 10 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newWorld(t, wechatsim.Switches{})
			l := newLedger(w)
			var wg sync.WaitGroup
			begin := make(chan struct{})
			for range 1000 {
				k := w.keeperOn(l)
				wg.Go(func() {
					<-begin
					if _, err := k.Tick(t.Context(), w.account); err != nil && !errors.Is(err, ErrBusy) {
						t.Errorf("tick: %v", err)
					}
				})
			}
			close(begin)
			wg.Wait()
			w.wantCalls(1, 1)
			if len(l.owners) != 1 {
				t.Errorf("%d leases were taken", len(l.owners))
			}
		})
	}
}
