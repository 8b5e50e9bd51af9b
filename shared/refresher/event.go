package refresher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"wechatfn/shared/store"
)

// saveReserve is the part of an invocation's time in which no new call to WeChat
// begins, so that there is time to save what WeChat has answered.
const saveReserve = 3 * time.Second

// event is the part of an invocation's event that the refresher reads. The schedule's
// events have neither an action nor records.
type event struct {
	Action  string     `json:"action"` // of an operator's event
	App     string     `json:"app"`    // name of the account, for force_refresh
	Records []struct { // of the table's stream
		DynamoDB struct {
			Keys struct {
				PK struct{ S string } `json:"pk"`
			}
		} `json:"dynamodb"`
	}
}

// Invoke handles one event of the schedule (any event without an action), of the
// table's stream (refresh requests), or of an operator:
//
//	{"action":"tick"}                          what the schedule does
//	{"action":"status"}                        the state of each token and ticket
//	{"action":"force_refresh","app":"NAME"}    a new access token at once; the current one becomes invalid
//
// It returns a Report as JSON, and implements lambda.Handler.
func (r *Refresher) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-saveReserve))
		defer cancel()
	}
	var e event
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, errors.New("refresher: the event is not a JSON object")
	}
	report, err := r.handle(ctx, e)
	r.measurements.write(ctx, r.logger)
	if err != nil {
		return nil, err
	}
	return json.Marshal(report)
}

func (r *Refresher) handle(ctx context.Context, e event) (Report, error) {
	switch {
	case len(e.Records) > 0:
		return r.handleStream(ctx, e), nil
	case e.Action == "" || e.Action == "tick":
		return r.Tick(ctx)
	case e.Action == "status":
		return r.Status(ctx)
	case e.Action == "force_refresh":
		return r.Force(ctx, e.App)
	}
	return Report{}, fmt.Errorf("refresher: unknown action %.32q; there are tick, status and force_refresh", e.Action)
}

// handleStream handles the refresh requests of a batch. It returns no error, because
// Lambda would then repeat the batch, and hold back the stream. There is no need to:
// the next refresh request or tick does the same work.
func (r *Refresher) handleStream(ctx context.Context, e event) Report {
	var appIDs []string
	for _, record := range e.Records {
		appID, ok := strings.CutPrefix(record.DynamoDB.Keys.PK.S, store.Prefix(store.KindRefreshRequest))
		if ok && !slices.Contains(appIDs, appID) {
			appIDs = append(appIDs, appID)
		}
	}
	report, err := r.HandleRefreshRequests(ctx, appIDs...)
	if err != nil {
		r.logger.ErrorContext(ctx, "refresh request failed", "error", err)
	}
	return report
}
