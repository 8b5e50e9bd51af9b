package jssdk

import (
	"net/http"

	"wechatfn/shared/web"
)

// health answers 200 if every account has valid tickets, else 503. Both answers have
// the seconds left of each ticket, and no secret.
func (h *Handler) health(w http.ResponseWriter, r *http.Request) error {
	type ticket struct {
		App         string `json:"app"`
		Type        string `json:"type"`
		SecondsLeft int64  `json:"secondsLeft"`
	}
	answer := struct {
		Status  string   `json:"status"`
		Tickets []ticket `json:"tickets"`
	}{Status: "ok", Tickets: []ticket{}}
	status := http.StatusOK
	for _, account := range h.config.Accounts {
		for _, typ := range account.Tickets {
			_, expiry, err := h.config.Tickets.Ticket(r.Context(), account.AppID, typ)
			left := int64(expiry.Sub(h.config.Now()).Seconds())
			if err != nil {
				left, status, answer.Status = 0, http.StatusServiceUnavailable, "no_ticket"
			}
			answer.Tickets = append(answer.Tickets, ticket{account.Name, string(typ), left})
		}
	}
	return web.JSON(w, status, answer)
}
