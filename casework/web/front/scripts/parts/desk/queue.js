// The list, the case that is open, the next one fetched ahead, and what has changed meanwhile.
import { Sheets } from "./sheets.js";
import { page, said, signedOut, word } from "./words.js";

const AHEAD_MILLIS = 5 * 60 * 1000;

export class Queue {
  constructor(desk) {
    this.desk = desk;
    this.rows = document.getElementById("queue-rows");
    this.place = document.getElementById("open-case");
    this.said = desk.querySelector(".desk-said");
    this.changed = desk.querySelector(".desk-changed");
    this.ahead = new Map(); // topic -> { at, panes }
    desk.querySelector(".desk-keys").hidden = false;
    this.changed.querySelector("[data-reload]").addEventListener("click", () => this.reload());
    this.place.addEventListener("submit", (event) => this.ask(event));
    this.opened();
    this.look();
  }

  get panes() {
    return this.place.querySelector(".case-panes");
  }

  get topic() {
    return this.panes?.dataset.case || "";
  }

  get links() {
    return [...this.rows.querySelectorAll(".queue-row")];
  }

  say(text, tone = "") {
    this.said.textContent = text;
    this.said.className = `desk-said${text ? ` said-${tone || "ok"}` : ""}`;
  }

  /** Move the selection, which is the focus; from the open case where nothing is selected. */
  select(step) {
    const links = this.links;
    let at = links.indexOf(document.activeElement);
    if (at < 0) at = links.findIndex((link) => link.dataset.topic === this.topic);
    const link = links[Math.min(Math.max(at + step, 0), links.length - 1)];
    if (!link) return;
    link.focus();
    link.scrollIntoView({ block: "nearest" });
    this.fetchAhead(link.dataset.topic);
  }

  neighbour(topic) {
    const links = this.links;
    const at = links.findIndex((link) => link.dataset.topic === topic);
    return (links[at + 1] || links[at - 1])?.dataset.topic || "";
  }

  async open(topic, { keep = false } = {}) {
    if (!topic) return;
    const known = this.ahead.get(topic);
    this.ahead.delete(topic);
    const held = known && Date.now() - known.at < AHEAD_MILLIS ? known.panes : await this.load(topic);
    if (!held) return;
    this.sheets?.close();
    this.place.replaceChildren(held);
    if (!keep) this.say("");
    this.changed.hidden = true;
    const here = this.links.find((link) => link.dataset.topic === topic);
    if (here) history.replaceState(null, "", here.href);
    here?.scrollIntoView({ block: "nearest" });
    this.opened();
    held.querySelector("#case-title").focus();
    this.look();
    this.refresh();
  }

  opened() {
    for (const link of this.links)
      if (link.dataset.topic === this.topic) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    this.sheets = this.panes ? new Sheets(this.panes) : null;
    for (const scrolled of this.place.querySelectorAll(".pane-form")) scrolled.scrollTop = 0;
  }

  /** The next case is fetched ahead; after news nobody needs to sit here, and the session may run out. */
  look({ unattended = false } = {}) {
    const links = this.links;
    const at = links.findIndex((link) => link.dataset.topic === this.topic);
    const next = links[at + 1];
    if (next) this.fetchAhead(next.dataset.topic, unattended ? { headers: { "Lianban-Unattended": "1" } } : {});
  }

  async load(topic, options = {}) {
    try {
      const answer = await page(this.desk.dataset.case + topic, options);
      if (signedOut(answer)) return void this.say(word("signedOut"), "error");
      const box = document.createElement("div");
      box.innerHTML = answer.text;
      const panes = box.querySelector(".case-panes");
      if (!answer.ok || !panes) return void this.say(box.textContent.trim().slice(0, 200) || word("cannot"), "attention");
      const first = panes.querySelector(".sheet-list img");
      if (first) first.loading = "eager";
      return panes;
    } catch {
      return void this.say(word("unreachable"), "error");
    }
  }

  async fetchAhead(topic, options) {
    const known = this.ahead.get(topic);
    if (topic === this.topic || (known && Date.now() - known.at < AHEAD_MILLIS)) return;
    const said = [this.said.textContent, this.said.className];
    const panes = await this.load(topic, options);
    if (!panes) [this.said.textContent, this.said.className] = said; // nobody asked for it
    else {
      this.ahead.clear();
      this.ahead.set(topic, { at: Date.now(), panes });
      this.desk.dataset.ahead = topic;
    }
  }

  /** The list anew, in its place: focus, selection and scroll stay. False when nothing came. */
  async refresh() {
    const query = new URLSearchParams(this.desk.dataset.query);
    if (this.topic) query.set("case", this.topic);
    let answer;
    try {
      answer = await page(`${this.desk.dataset.rows}?${query}`);
    } catch {
      return false;
    }
    if (signedOut(answer)) this.say(word("signedOut"), "error");
    if (!answer.ok || answer.moved) return false;
    await window.htmx.swap({ text: answer.text, target: this.rows, swap: "innerMorph" });
    this.compare();
    this.look({ unattended: true });
    return true;
  }

  /** Has somebody else changed the case that is open? Say so; only pages that came are put in their places. */
  compare() {
    const now = document.getElementById("open-state")?.dataset;
    const { panes } = this;
    if (!now || !panes || now.topic !== this.topic) return;
    if (now.story !== panes.dataset.story) {
      this.changed.querySelector("p").textContent = word("changed") + now.step;
      this.changed.hidden = false;
    } else if (now.away !== panes.dataset.away) this.renewSheets();
  }

  async renewSheets() {
    const { panes } = this;
    const fresh = await this.load(panes.dataset.case);
    if (!fresh || this.panes !== panes || fresh.dataset.story !== panes.dataset.story) return;
    this.sheets.renew(fresh);
    panes.dataset.away = fresh.dataset.away;
  }

  /** Nothing is open: the last one of the list is done. */
  clear() {
    this.sheets?.close();
    this.sheets = null;
    const end = Object.assign(document.createElement("p"), { className: "desk-empty", textContent: word("noneLeft") });
    this.place.replaceChildren(end);
    this.changed.hidden = true;
    end.tabIndex = -1;
    end.focus();
  }

  reload() {
    this.ahead.delete(this.topic);
    return this.open(this.topic);
  }

  /** «Now I want the page»: asked without leaving the case. */
  async ask(event) {
    const form = event.target;
    if (!form.matches(".sheet-away")) return;
    event.preventDefault();
    const fields = new URLSearchParams(new FormData(form));
    fields.set("page", "all");
    try {
      const answer = await page(form.action, { method: "POST", body: fields });
      this.say(said(answer.dom()), answer.ok ? "ok" : "error");
      form.querySelector("button")?.remove();
    } catch {
      this.say(word("unreachable"), "error");
    }
  }
}
