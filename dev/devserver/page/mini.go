package page

import (
	"net/http"

	"wechatfn/dev/wechatsim"
	"wechatfn/shared/account"
	"wechatfn/shared/problem"
	"wechatfn/shared/web"
)

// visitor is the user whose phone the page plays.
const visitor = "ming"

// actMini is what WeChat's app does for a mini-program on the user's phone: it hands
// out codes and encrypted data. The page sends them to our API as the mini-program
// would.
func (d *Page) actMini(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Do string `json:"do"`
	}
	if err := read(r, &in); err != nil {
		return err
	}
	appID := d.miniAppID()
	if d.Simulator == nil || appID == "" {
		return errNoSimulator
	}
	answer, err := miniDoes(d.Simulator, appID, in.Do)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, answer)
}

func miniDoes(sim *wechatsim.Sim, appID, what string) (any, error) {
	code := func(code string, err error) (any, error) { return map[string]string{"code": code}, err }
	switch what {
	case "login": // wx.login
		return code(sim.MiniLogin(appID, visitor))
	case "phone": // the getPhoneNumber button
		return code(sim.PhoneCode(appID, visitor))
	case "data": // wx.getUserInfo
		return sim.MiniUserData(appID, visitor, wechatsim.MiniOptions{})
	case "replace": // another session_key, as time brings it
		return map[string]bool{"done": true}, sim.ReplaceSessionKey(appID, visitor)
	}
	return nil, problem.MiniActionUnknown.New("there are login, phone, data and replace")
}

func (d *Page) miniAppID() string {
	a, _ := d.Settings.Accounts.Where(account.Is(account.MiniProgram)).Find("")
	return a.AppID
}
