// Pages of a draft or a supplement: by camera, by a phone's camera, from files chosen, dropped or pasted. Without this
// script the same form takes files by itself.
import { adjustPage, adjustWindow } from "./capture/adjusting.js";
import { allowed } from "./capture/camera.js";
import { draftDesk } from "./capture/draft_desk.js";
import { formDesk } from "./capture/form_desk.js";
import { bounded, canBeCut, ofFile } from "./capture/pictures.js";
import { session } from "./capture/session.js";
import { prepare, suggested } from "./capture/suggesting.js";
import { say, word } from "./capture/words.js";

function start(form) {
  const detector = form.dataset.corners;
  const kind = form.dataset.capture;
  let adjust = null;
  const desk =
    kind === "draft"
      ? draftDesk(form, { counted: (left) => (form.dataset.left = String(left)) })
      : formDesk(form, { adjust: (shot) => adjust(shot) });
  adjust = kind === "form" ? adjustWindow(document.getElementById("adjust"), desk.recut) : null;
  const pending = { count: 0 }; // pictures that are being decoded: not with the desk yet, nor to be left behind

  // Photos by hand get a suggestion of corners; what was chosen as a file may be a scan already, and stays whole.
  async function take(index, files, byHand) {
    for (const file of files) {
      pending.count += 1;
      try {
        const canvas = canBeCut(file) ? await ofFile(file) : null;
        const cut = canvas && byHand ? { corners: await suggested(canvas, detector), turn: 0 } : null;
        // A draft's photo is looked at on its own page; only a form keeps what was decoded, for its window of corners.
        const kept = kind === "form" ? canvas : null;
        desk.add({ index, name: file.name, file: await bounded(file, canvas), canvas: kept, cut });
      } finally {
        pending.count -= 1;
      }
    }
  }

  form.classList.add("scripted");
  form.addEventListener("change", (event) => {
    const input = event.target;
    if (input.type !== "file" || !input.files.length) return;
    const files = [...input.files];
    input.value = "";
    take(input.closest("[data-material]").dataset.material, files, input.hasAttribute("capture"));
  });
  dropping(form, (index, files) => take(index, files, false));
  pasting(form, (index, files) => take(index, files, false));
  if (kind === "draft") leaving(form, desk, pending);
  shooting(form, desk, { detector, pending });
}

function shooting(form, desk, parts) {
  const buttons = [...form.querySelectorAll("[data-shoot]")];
  const everything = document.querySelector("[data-shoot-all]");
  const dialog = document.getElementById("camera");
  if (!dialog.showModal || !allowed()) {
    document.querySelector("[data-no-camera]").hidden = Boolean(window.isSecureContext);
    return;
  }
  const camera = session(dialog, form, desk, parts);
  const open = (index, button) => {
    prepare(parts.detector);
    camera.open(index, button);
  };
  buttons.forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => open(button.closest("[data-material]").dataset.material, button));
  });
  if (everything) {
    everything.hidden = false;
    everything.addEventListener("click", () => open(null, everything));
  }
}

function dropping(form, take) {
  const over = (event, on) => {
    const row = event.target.closest && event.target.closest("[data-material]");
    form.querySelectorAll(".dropping").forEach((old) => old.classList.remove("dropping"));
    if (row && on) row.classList.add("dropping");
    return row;
  };
  const carries = (event) => event.dataTransfer && [...event.dataTransfer.types].includes("Files");
  // A file that misses a row would otherwise open in this tab, and the page be gone.
  document.addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    over(event, true);
  });
  document.addEventListener("dragleave", (event) => over(event, false));
  document.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    const row = over(event, false);
    if (row) take(row.dataset.material, [...event.dataTransfer.files]);
    else say(word("drop-on-row"));
  });
}

// A screenshot or a copied file goes to the row in which the focus is.
function pasting(form, take) {
  document.addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files];
    if (!files.length) return;
    const row = document.activeElement && document.activeElement.closest("[data-material]");
    if (row) take(row.dataset.material, files);
    else say(word("paste-on-row"));
  });
}

function leaving(form, desk, pending) {
  const busy = () => desk.busy || pending.count > 0;
  const quiet = async () => {
    while (busy()) {
      await desk.done();
      if (pending.count) await new Promise((done) => setTimeout(done, 100));
    }
  };
  addEventListener("beforeunload", (event) => busy() && event.preventDefault());
  form.addEventListener("submit", async (event) => {
    const button = event.submitter;
    if (button && ["remove", "turn", "earlier", "later"].includes(button.name)) {
      event.preventDefault();
      press(form, desk, button);
    } else if (busy()) {
      event.preventDefault();
      say(word("wait"));
      await quiet();
      button ? button.click() : form.submit();
    } else if (form.querySelector(".sending .failed")) {
      event.preventDefault();
      say(word("failed-left"));
      form.querySelector(".sending .failed button").focus();
    }
  });
}

// The focus stays with the page that was moved or turned, or goes to its neighbour when it is taken out.
async function press(form, desk, button) {
  const row = button.closest("[data-material]").dataset.material;
  const place = [...form.querySelectorAll(`[data-material="${row}"] button[name="${button.name}"]`)].indexOf(button);
  const wanted = place + ({ earlier: -1, later: 1 }[button.name] || 0);
  desk.press(button);
  await desk.done();
  const now = [...form.querySelectorAll(`[data-material="${row}"] button[name="${button.name}"]`)];
  const next = now[Math.min(Math.max(wanted, 0), now.length - 1)] || form.querySelector(`[data-material="${row}"] input`);
  if (next) next.focus();
}

document.querySelectorAll("form[data-capture]").forEach(start);
document.querySelectorAll("form[data-adjust]").forEach(adjustPage);
