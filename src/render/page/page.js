// The pages work without this script. It adds keys, live rows, and actions without a reload.
"use strict";
(() => {
  const MAX_ROWS = 200;
  const root = document.documentElement;
  const find = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];

  // Before the first paint: the theme that was chosen here.
  const stored = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  if (["dark", "light"].includes(stored())) root.dataset.theme = stored();

  const toggleTheme = () => {
    const isDark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = isDark ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* it is for this page only */ }
  };

  // Pages from the server replace parts of this one: there is no second rendering here.
  const load = async (url, options) => {
    const answer = await fetch(url, { credentials: "same-origin", ...options });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return { page, url: answer.url };
  };
  const address = () => location.pathname + location.search;

  // Each load that may replace the capture has a number: only the newest may.
  let turn = 0;

  // Replaces the capture, and keeps what was folded, typed or scrolled in it.
  const showDetail = (page, isSame) => {
    const [now, next] = [find("#detail"), find("#detail", page)];
    if (!next || !now) return false;
    const editor = find("textarea", now);
    if (isSame && editor && editor.value !== editor.defaultValue) {
      const parts = [".timeline", ".verdict"].map((part) => [find(part, now), find(part, next)]);
      parts.forEach(([old, fresh]) => old && fresh && old.replaceWith(document.importNode(fresh, true)));
      return true;
    }
    if (isSame && (now.innerHTML === next.innerHTML || now.matches(":has(select:focus, .menu[open])"))) return true;
    const top = now.scrollTop;
    const folded = all("details", now).map((part) => part.open);
    const focused = now.contains(document.activeElement) && document.activeElement.dataset.key;
    now.replaceWith(document.importNode(next, true));
    const shown = find("#detail");
    if (isSame) {
      all("details", shown).forEach((part, at) => { if (at in folded) part.open = folded[at]; });
      shown.scrollTop = top;
      if (focused) find(`#detail [data-key="${focused}"]`)?.focus();
    }
    return true;
  };

  // Opens a link of the list or of a tab in place.
  const open = async (href, push) => {
    const path = (url) => new URL(url, location.href).pathname;
    const isSame = path(href) === location.pathname;
    if (!find("#detail")) { location.assign(href); return; }
    const mine = ++turn;
    let loaded;
    try { loaded = await load(href + (href.includes("?") ? "&" : "?") + "pane=1"); } catch { if (mine === turn) location.assign(href); return; }
    if (mine !== turn) return;
    if (!showDetail(loaded.page, isSame)) { location.assign(href); return; }
    if (!isSame) find("#detail").scrollTop = 0;
    find("#body")?.focus();
    document.title = loaded.page.title;
    title = document.title;
    history[push ? "pushState" : "replaceState"](null, "", href);
    mark();
  };

  const mark = () => {
    const id = find("#detail")?.dataset.id;
    for (const row of all(".events > li")) {
      const link = find("a", row);
      if (row.dataset.id === id) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
    }
  };

  // The list. New rows come on top while its top is seen; otherwise a bar counts them.
  let missed = 0;
  let title = document.title;
  const scroller = () => { const list = find("#list"); return list.scrollHeight > list.clientHeight + 1 && getComputedStyle(list).overflowY !== "visible" ? list : document.scrollingElement; };
  const showMissed = (text) => {
    const bar = find("#news");
    if (!bar) return;
    bar.hidden = !missed;
    bar.textContent = missed ? `${text ?? missed} new` : "";
    title = title.replace(/^\(\d+\+?\) /, "");
    document.title = (missed ? `(${text ?? missed}) ` : "") + title;
  };

  const mergeRows = (page) => {
    const [list, next] = [find(".events"), find(".events", page)];
    if (!next) return;
    if (!list) { location.reload(); return; }
    const known = new Map(all("li", list).map((row) => [row.dataset.id, row]));
    const fresh = [];
    let overlaps = false;
    for (const row of all("li", next)) {
      const old = known.get(row.dataset.id);
      if (!old) { if (!overlaps) fresh.push(row); continue; }
      overlaps = true;
      const copy = document.importNode(row, true);
      if (find(".outcome", old).innerHTML !== find(".outcome", copy).innerHTML) {
        const isFocused = old.contains(document.activeElement);
        old.replaceWith(copy);
        if (isFocused) find("a", copy).focus({ preventScroll: true });
      }
    }
    if (fresh.length && (scroller().scrollTop > 4 || document.hidden)) {
      missed = fresh.length;
      showMissed(overlaps ? null : `${missed}+`);
    } else if (fresh.length) {
      if (!overlaps) list.replaceChildren();
      const rows = fresh.map((row) => document.importNode(row, true));
      rows.forEach((row) => row.classList.add("new"));
      list.prepend(...rows);
      all("li", list).slice(MAX_ROWS).forEach((row) => row.remove());
      missed = 0;
      showMissed();
    }
    mark();
  };

  let isLoading = false;
  let isStale = false;
  const refresh = async () => {
    if (isLoading) { isStale = true; return; }
    isLoading = true;
    const [mine, here] = [turn, address()];
    try {
      const { page } = await load(here);
      const isNewest = mine === turn && here === address();
      const wasRunning = find("progress");
      if (find("#list")) mergeRows(page);
      if (find("#detail")) { if (isNewest) showDetail(page, true); else isStale = true; }
      else if (!find("#list") && find("#main", page)) {
        find("#main").replaceWith(document.importNode(find("#main", page), true));
        if (wasRunning && !find("progress")) { stop(); document.title = page.title; }
      }
    } catch { /* the server ended; the stream shows it */ }
    isLoading = false;
    // At most four times a second, however much arrives.
    if (isStale) { isStale = false; setTimeout(refresh, 250); }
  };

  let stream = null;
  let last = null;
  const state = (text, isOff) => {
    const live = find("#live");
    live.hidden = false;
    live.textContent = text;
    live.classList.toggle("off", isOff);
  };
  const stop = () => { stream?.close(); stream = null; };
  const start = () => {
    const url = document.body.dataset.live;
    if (!url || stream) return;
    stream = new EventSource(last ? `${url}?after=${encodeURIComponent(last)}` : url);
    stream.addEventListener("reset", () => { last = null; refresh(); });
    stream.onopen = () => { state("live", false); refresh(); };
    stream.onerror = () => {
      state("offline", true);
      // After an answer with an error status, a browser does not connect again.
      if (stream?.readyState === EventSource.CLOSED) { stop(); setTimeout(reconnect, 5000); }
    };
    stream.onmessage = (message) => { last = message.lastEventId || last; refresh(); };
  };

  const reconnect = async () => {
    const status = await fetch(address(), { credentials: "same-origin" }).then((answer) => answer.status, () => 0);
    if (status === 401) state("whtool was restarted: open its new link", true);
    else if (document.hidden) return;
    else if (status >= 200 && status < 300) start();
    else setTimeout(reconnect, 5000);
  };

  // Forms that send something: the answer is a page.
  const send = async (form, button) => {
    const fields = new URLSearchParams(new FormData(form));
    if (button?.name) fields.set(button.name, button.value);
    const mine = ++turn;
    const buttons = all("button", form);
    const label = button && button.firstChild.textContent;
    buttons.forEach((part) => { part.disabled = true; });
    if (button) button.firstChild.textContent = "Sending…";
    try {
      const { page, url } = await load(form.getAttribute("action"), { method: "POST", body: fields });
      if (mine !== turn) return;
      if (find("#detail", page) && find("#detail")) {
        showDetail(page, false);
        history.replaceState(null, "", location.pathname + listQuery(new URL(url)));
        all("#detail .timeline li:not(.next)").at(-1)?.scrollIntoView({ block: "nearest" });
        if (find("#list")) refresh();
        return;
      }
      if (find("#main", page)) { find("#main").replaceWith(document.importNode(find("#main", page), true)); document.title = page.title; history.pushState(null, "", url); }
    } catch {
      state("offline", true);
      buttons.forEach((part) => { part.disabled = false; });
      if (button) button.firstChild.textContent = label;
    }
  };
  const listQuery = (answer) => {
    const query = new URLSearchParams(location.search);
    ["part", "edit", "framework", "record"].forEach((name) => query.delete(name));
    answer.searchParams.forEach((value, name) => query.set(name, value));
    const text = query.toString();
    return text ? `?${text}` : "";
  };

  const copy = async (link) => {
    try {
      const text = await (await fetch(link.href, { credentials: "same-origin" })).text();
      await navigator.clipboard.writeText(text);
    } catch { location.assign(link.href); return; }
    const label = link.firstChild.textContent;
    link.firstChild.textContent = "Copied";
    setTimeout(() => { link.firstChild.textContent = label; }, 1500);
  };

  // Keys.
  const step = (by) => {
    const links = all(".events > li > a");
    const at = links.findIndex((link) => link === document.activeElement);
    const current = at < 0 ? links.findIndex((link) => link.hasAttribute("aria-current")) : at;
    const next = links[current < 0 ? 0 : Math.min(Math.max(current + by, 0), links.length - 1)];
    if (!next) return;
    next.focus();
    next.scrollIntoView({ block: "nearest" });
    const isSeen = find("#detail") && getComputedStyle(find("#list")).display !== "none";
    if (isSeen && !next.hasAttribute("aria-current")) open(next.getAttribute("href"), false);
  };
  const onKey = (event) => {
    const isTyping = event.target.matches("input, textarea, select");
    if (event.key === "Escape" && isTyping) { event.target.blur(); return; }
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches("textarea")) { event.target.form.requestSubmit(); return; }
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || find("dialog[open]")) return;
    if (event.repeat && !"jk".includes(event.key)) return;
    const actions = { j: () => step(1), k: () => step(-1), "/": () => find("#search")?.focus(), "?": () => find("#keys").showModal() };
    const action = actions[event.key] ?? (() => {
      const target = find(`[data-key="${CSS.escape(event.key)}"]`);
      if (target) target.click();
      return Boolean(target);
    });
    if (action() !== false) event.preventDefault();
  };

  const onClick = (event) => {
    const link = event.target.closest("a");
    if (event.target.closest("#theme")) toggleTheme();
    else if (event.target.closest("#keys-button")) find("#keys").showModal();
    else if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    else if (link.hasAttribute("data-copy")) { event.preventDefault(); copy(link); }
    else if (link.hasAttribute("data-pane") || (link.matches(".events a") && find("#detail") && innerWidth > 800)) {
      event.preventDefault();
      open(link.getAttribute("href"), true);
    }
  };

  const age = (time) => {
    const seconds = Math.round((Date.now() - Date.parse(time)) / 1000);
    const units = [[172800, 86400, "days"], [7200, 3600, "h"], [120, 60, "min"], [0, 1, "s"]];
    const [, size, unit] = units.find(([from]) => Math.abs(seconds) >= from);
    const text = `${Math.floor(Math.abs(seconds) / size)} ${unit}`;
    return seconds < 0 ? `in ${text}` : `${text} ago`;
  };

  document.addEventListener("DOMContentLoaded", () => {
    title = document.title;
    all("#theme, #keys-button").forEach((button) => { button.hidden = false; });
    document.addEventListener("keydown", onKey);
    document.addEventListener("click", onClick);
    document.addEventListener("submit", (event) => {
      if (!event.target.hasAttribute("data-send")) return;
      event.preventDefault();
      send(event.target, event.submitter);
    });
    // A browser allows few connections to a server: hidden pages need none.
    document.addEventListener("visibilitychange", () => { if (document.hidden) stop(); else start(); });
    window.addEventListener("popstate", () => location.reload());
    document.addEventListener("scroll", () => { if (missed && scroller().scrollTop <= 4) refresh(); }, true);
    setInterval(() => all("time.age").forEach((part) => { part.textContent = age(part.dateTime); }), 20000);
    start();
    find(".timeline") && mark();
  });
})();
