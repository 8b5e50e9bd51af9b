import { at } from "./dom.js";
import "./sign.js";
import "./share.js";
import "./login.js";
import "./life.js";
import "./pushes.js";
import "./mini.js";

// The choice of a language is kept in a cookie, so that the address, which is
// signed, stays as it is.
for (const link of document.querySelectorAll("nav a[data-lang]")) {
  link.addEventListener("click", event => {
    event.preventDefault();
    document.cookie = `wechatfn_lang=${link.dataset.lang}; Path=/; Max-Age=31536000; SameSite=Lax`;
    location.assign(location.pathname);
  });
}
at("curl").textContent = `curl -G ${location.origin}/signature --data-urlencode 'url=${location.href.split("#")[0]}'`;
