// The pages of the open case: previews at once, pages when they come; zoom, turn, two beside each other. How somebody
// looks (zoom, two pages) goes on from case to case, how a page is turned stays with the page.
import Viewer from "viewerjs";
import { word } from "./words.js";

const look = { nearer: 1, two: false };
const turned = new Map(); // page -> degrees
const STEP = 1.25;
const OPTIONS = {
  inline: true,
  backdrop: false,
  button: false,
  focus: false,
  fullscreen: false,
  keyboard: false,
  loading: false,
  navbar: false,
  title: false,
  toolbar: false,
  tooltip: false,
  transition: false,
  toggleOnDblclick: false,
  slideOnTouch: false,
  minWidth: 100,
  minZoomRatio: 0.02,
  maxZoomRatio: 12,
};

/** One page, large. */
class Frame {
  constructor(stage) {
    this.box = document.createElement("div");
    this.box.className = "sheet-frame";
    stage.append(this.box);
  }

  show(link) {
    this.link = link;
    this.shown = link?.dataset.full || link?.dataset.preview || "";
    this.close();
    this.box.replaceChildren();
    if (!link) return;
    this.box.append(this.mark(link));
    if (!this.shown) return;
    const image = new Image();
    image.alt = link.dataset.name;
    image.hidden = true;
    this.image = image;
    // Not before it has come: a viewer that is taken away while it waits for its picture fails when that comes.
    image.addEventListener("load", () => this.image === image && this.open(image));
    image.src = this.shown;
    this.box.append(image);
  }

  open(image) {
    this.viewer = new Viewer(image, {
      ...OPTIONS,
      viewed: () => this.settle(),
      zoomed: (event) => event.detail.originalEvent && (look.nearer = event.detail.ratio / this.whole()),
    });
  }

  mark(link) {
    const mark = document.createElement("p");
    mark.className = "sheet-mark";
    mark.textContent = link.dataset.name;
    if (link.dataset.pdf) {
      const open = document.createElement("a");
      Object.assign(open, { href: link.dataset.pdf, target: "_blank", rel: "noopener", textContent: word("pdf") });
      mark.append(" ", open);
    } else if (!link.dataset.full) {
      const said = document.createElement("b");
      said.textContent = word(link.dataset.preview ? "preview" : "none");
      mark.append(" ", said);
    }
    return mark;
  }

  /** The ratio at which the whole page can be seen as it is turned now. */
  whole() {
    const { naturalWidth: w, naturalHeight: h } = this.viewer.imageData;
    const aside = (turned.get(this.link.dataset.sheet) || 0) % 180 !== 0;
    const { width, height } = this.viewer.viewerData;
    return Math.min(width / (aside ? h : w), height / (aside ? w : h)) * 0.98;
  }

  settle() {
    const { viewer } = this;
    if (!viewer?.viewed) return;
    viewer.rotateTo(turned.get(this.link.dataset.sheet) || 0);
    viewer.zoomTo(this.whole() * look.nearer);
    const { width, height } = viewer.imageData;
    const aside = (turned.get(this.link.dataset.sheet) || 0) % 180 !== 0;
    const top = look.nearer > 1 ? Math.max(0, ((aside ? width : height) - viewer.viewerData.height) / 2) : 0;
    viewer.moveTo((viewer.viewerData.width - width) / 2, (viewer.viewerData.height - height) / 2 + top);
  }

  turn() {
    if (!this.link) return;
    const page = this.link.dataset.sheet;
    turned.set(page, ((turned.get(page) || 0) + 90) % 360);
    this.settle();
  }

  close() {
    this.viewer?.destroy();
    this.viewer = this.image = null;
  }
}

export class Sheets {
  constructor(panes) {
    this.panes = panes;
    this.stage = panes.querySelector(".sheet-stage");
    this.links = [...panes.querySelectorAll(".sheet-list a")];
    if (!this.stage || !this.links.length) return;
    this.tools = panes.querySelector(".sheet-tools");
    this.stage.hidden = this.tools.hidden = false;
    panes.querySelector(".pane-pages").classList.add("with-stage");
    this.frames = [new Frame(this.stage)];
    this.at = 0;
    if (look.two) this.frames.push(new Frame(this.stage));
    this.panes.querySelector(".sheet-list").addEventListener("click", (event) => {
      const link = event.target.closest("a");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.go(this.links.indexOf(link));
    });
    this.tools.addEventListener("click", (event) => {
      const button = event.target.closest("[data-tool]");
      if (button) this.use(button.dataset.tool);
    });
    this.go(0);
  }

  use(tool) {
    if (!this.frames) return;
    if (tool === "older" || tool === "newer") this.go(this.at + (tool === "newer" ? 1 : -1));
    else if (tool === "turn") this.frames[0].turn();
    else if (tool === "compare") this.compare();
    else {
      if (tool === "fit") look.nearer = 1;
      else look.nearer = Math.min(Math.max(look.nearer * (tool === "nearer" ? STEP : 1 / STEP), 0.5), 8);
      for (const frame of this.frames) frame.settle();
    }
    this.say();
  }

  compare() {
    look.two = !look.two;
    if (look.two) this.frames.push(new Frame(this.stage));
    else {
      const frame = this.frames.pop();
      frame.close();
      frame.box.remove();
    }
    this.go(this.at);
  }

  go(number) {
    this.at = Math.min(Math.max(number, 0), this.links.length - 1);
    this.stage.classList.toggle("two", look.two);
    this.frames.forEach((frame, place) => frame.show(this.links[this.at + place]));
    this.say();
  }

  say() {
    this.tools.querySelector(".sheet-count").textContent = `${this.at + 1}/${this.links.length}`;
    this.tools.querySelector("[data-tool=compare]").setAttribute("aria-pressed", String(look.two));
    this.stage.dataset.zoom = String(Math.round(look.nearer * 100));
    this.stage.dataset.turned = String(turned.get(this.links[this.at].dataset.sheet) || 0);
    this.links.forEach((link, place) => link.toggleAttribute("aria-current", place === this.at));
  }

  /** Hashes of the pages that can be read here in full. */
  get readable() {
    return new Set((this.links || []).filter((a) => a.dataset.full || a.dataset.pdf).map((a) => a.dataset.sheet));
  }

  /** Take what came since from the same case as it stands now; what is looked at stays where it is. */
  renew(fresh) {
    const news = new Map([...fresh.querySelectorAll(".sheet-list a")].map((link) => [link.dataset.sheet, link]));
    for (const link of this.links || []) {
      const came = news.get(link.dataset.sheet);
      if (!came) continue;
      for (const name of ["preview", "full", "pdf"])
        if (came.dataset[name]) link.dataset[name] = came.dataset[name];
      link.innerHTML = came.innerHTML;
    }
    for (const frame of this.frames || []) {
      const best = frame.link?.dataset.full || frame.link?.dataset.preview || "";
      if (frame.link && best !== frame.shown) frame.show(frame.link);
    }
    const away = this.panes.querySelector(".sheet-away");
    const still = fresh.querySelector(".sheet-away");
    if (away && !still) away.remove();
    else if (away) away.querySelector("p").textContent = still.querySelector("p").textContent;
  }

  close() {
    for (const frame of this.frames || []) frame.close();
  }
}
