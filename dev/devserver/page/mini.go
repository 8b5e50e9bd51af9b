package page

import (
	"net/http"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/account"
	"wechatfn/shared/problem"
	"wechatfn/shared/web"
)

// miniUserID is the user of the simulated phone.
const miniUserID = "ming"

// actMini is what WeChat's app does for a mini-program on the user's phone: it makes
// codes and encrypted data. The page sends them to our API, as the mini-program would.
func (p *Page) actMini(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Do string `json:"do"`
	}
	if err := read(r, &in); err != nil {
		return err
	}
	appID := p.miniAppID()
	if p.cfg.Simulator == nil || appID == "" {
		return errNoSimulator
	}
	answer, err := miniDoes(p.cfg.Simulator, appID, in.Do)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, answer)
}

func miniDoes(sim *wechatsim.Sim, appID, what string) (any, error) {
	code := func(code string, err error) (any, error) { return map[string]string{"code": code}, err }
	switch what {
	case "login": // wx.login
		return code(sim.MiniLogin(appID, miniUserID))
	case "phone": // the getPhoneNumber button
		return code(sim.PhoneCode(appID, miniUserID))
	case "data": // wx.getUserInfo
		return sim.MiniUserData(appID, miniUserID, wechatsim.MiniOptions{})
	case "replace": // a new session_key, as WeChat makes one over time
		return map[string]bool{"done": true}, sim.ReplaceSessionKey(appID, miniUserID)
	}
	return nil, problem.MiniActionUnknown.New("the actions are login, phone, data and replace")
}

func (p *Page) miniAppID() string {
	a, _ := p.cfg.Settings.Accounts.Where(account.Is(account.MiniProgram)).Find("")
	return a.AppID
}
