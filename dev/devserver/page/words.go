package page

import (
	"embed"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

//go:embed files
var files embed.FS

// The page's languages.
const (
	english = "en"
	chinese = "zh"
)

// languageCookie remembers what was chosen on the page, where a script sets it.
const languageCookie = "wechatfn_lang"

// words is every text of the page in one language.
type words map[string]string

var dictionary = func() map[string]words {
	text, err := files.ReadFile("files/words.json")
	var all map[string]map[string]string // by key, then language
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		panic("page: words.json: " + err.Error()) // part of the program
	}
	out := map[string]words{english: {}, chinese: {}}
	for key, texts := range all {
		for language := range out {
			out[language][key] = texts[language]
		}
	}
	return out
}()

// say is a text with its {name}s filled in: args are names and values in turn.
func (w words) say(key string, args ...string) string {
	pairs := make([]string, 0, len(args))
	for i := 0; i+1 < len(args); i += 2 {
		pairs = append(pairs, "{"+args[i]+"}", args[i+1])
	}
	return strings.NewReplacer(pairs...).Replace(w[key])
}

// language is what the request asks for: in its query, else as remembered, else as
// the browser is set.
func language(r *http.Request) string {
	asked := r.URL.Query().Get("lang")
	if cookie, err := r.Cookie(languageCookie); asked == "" && err == nil {
		asked = cookie.Value
	}
	if asked == english || asked == chinese {
		return asked
	}
	return accepted(r.Header.Get("Accept-Language"))
}

// accepted is the better liked of our languages, RFC 9110 12.5.4.
func accepted(header string) string {
	best, most := english, 0.0
	for part := range strings.SplitSeq(header, ",") {
		tag, weight, weighted := strings.Cut(strings.TrimSpace(part), ";")
		q := 1.0
		if weighted {
			q, _ = strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(weight), "q="), 64)
		}
		primary, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		if _, ours := dictionary[primary]; ours && q > most {
			best, most = primary, q
		}
	}
	return best
}
